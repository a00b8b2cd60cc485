"""A check is an audit: of one's own photos, in the world of others, with adversaries as strong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from audit import models
from audit.check import planned
from audit.counted import people
from audit.outcomes import FLAGGED
from audit.pairs import pairs
from audit.plan import AuditPlan
from audit.run import run_audit
from lowkey_core.datasets import lfw
from lowkey_core.errors import DatasetError, OptionError
from lowkey_core.photos.images import encode
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.audit.small import in_brief
from tests.conftest import people as pictures_of


@pytest.fixture
def mine(plan: AuditPlan, tmp_path: Path) -> Path:
    """Six photos of one person; the small audit's other people are the world."""
    del plan
    return Path(shutil.move(tmp_path / "photos" / "person9", tmp_path / "me"))


def check(photos: Path, **given: Any) -> AuditPlan:
    """With the small audit's world, networks and cloak."""
    folder = photos.parent
    usual = {
        "world": str(folder / "photos"),
        "attack": [str(folder / "invert.py")],
        "recogniser": [str(folder / "net2.py"), str(folder / "net3.py")],
    }
    return planned(photos, {**usual, **given}, Work())


@pytest.mark.parametrize(("photos", "published", "searched"), [(3, 2, 1), (4, 2, 2), (5, 3, 2)])
def test_half_of_the_photos_are_published_and_half_are_searched_for(
    photos: int, published: int, searched: int, mine: Path
) -> None:
    for extra in sorted(mine.iterdir())[photos:]:
        extra.unlink()
    sizes = check(mine).people
    assert (sizes.protected, sizes.gallery, sizes.probes) == (1, published, searched)


def test_fewer_than_three_photos_are_one_error_that_says_so(mine: Path) -> None:
    for extra in sorted(mine.iterdir())[2:]:
        extra.unlink()
    with pytest.raises(DatasetError) as refused:
        check(mine)
    assert refused.value.got == f"{mine} holds 2 photos that can be used"
    assert refused.value.expected.startswith("3 or more of one person")
    assert refused.value.remedy == "add photos"


def test_people_in_sub_folders_are_checked_together(mine: Path) -> None:
    """Half of the fewest are searched for; who has fewer than three is not checked."""
    both = mine.parent / "both"
    both.mkdir()
    shutil.move(mine, both / "ada")
    shutil.move(mine.parent / "photos" / "person8", both / "bob")
    shutil.move(mine.parent / "photos" / "person7", both / "cid")
    for who, kept in (("bob", 4), ("cid", 2)):
        for extra in sorted((both / who).iterdir())[kept:]:
            extra.unlink()
    sizes = check(both).people
    assert (sizes.protected, sizes.gallery, sizes.probes) == (2, 4, 2)


def test_adversaries_are_those_of_any_audit_and_learn_as_long(mine: Path) -> None:
    usual = AuditPlan()
    made = check(mine)
    assert made.adversaries.names == ("oblivious", "adaptive", "detection")
    assert made.adversaries.epochs == usual.adversaries.epochs
    assert made.people.background_pictures == usual.people.background_pictures


@pytest.mark.parametrize(
    ("here", "first"), [(("dlib", "mobilefacenet:ms1m"), "mobilefacenet:ms1m"), (("dlib",), "dlib")]
)
def test_what_is_retrained_is_what_audits_of_real_faces_retrain(
    here: tuple[str, ...], first: str, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "at_hand", lambda: here)
    assert check(mine, recogniser=None).adversaries.recognisers[0] == first


def test_everybody_at_hand_searches_the_oldest_first() -> None:
    names = models.at_hand()
    dates = [models.find(name).released for name in names]
    assert names[0] == "dlib"
    assert dates == sorted(date for date in dates if date)
    assert {"zoo:mobile", "zoo:vit"} <= set(names)


@pytest.mark.parametrize(("here", "world"), [([Path("lfw-x.tar")], "lfw"), ([], "synthetic")])
def test_the_world_is_lfw_where_it_is_at_hand(
    here: list[Path], world: str, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lfw, "tars", lambda: here)
    monkeypatch.setattr("audit.check._background", lambda *_: 4)
    assert check(mine, world=None).people.world == world


def test_several_cloaks_are_refused(mine: Path) -> None:
    with pytest.raises(OptionError, match="2 cloaks"):
        check(mine, attack=["none", "noise"])


def test_the_answer_counts_what_the_cells_hold(mine: Path) -> None:
    report = run_audit(in_brief(check(mine)), Work())
    (me,) = people(report)
    assert me.name == "me"
    assert me.published == 3
    cell = next(c for c in report.cells if c.adversary == "adaptive" and c.transform == "none")
    assert me.retrained is not None
    assert (me.retrained.before, me.retrained.after) == (
        cell.control.hits[0],
        cell.identified.hits[0],
    )
    assert me.retrained.photos == 3
    assert me.flagged is not None
    assert me.flagged.photos == 3
    spotting = next(c for c in report.cells if c.adversary == "detection").outcomes[FLAGGED]
    assert spotting.cloaked is not None
    assert spotting.control is not None
    own = report.enrolled.index("me")
    assert (me.flagged.cloaked, me.flagged.clean) == (
        spotting.cloaked.hits[0],
        spotting.control.hits[own],
    )
    assert len(me.found("oblivious")) == 2


def test_copies_of_others_are_checked_by_who_needs_no_tool(mine: Path, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    faces = pictures_of(10, 6)
    for name, image in zip(faces.names, faces.faces(), strict=True):
        who, _, number = name.partition("/")
        if who == "9" and number in "0123":
            darker = (image[None] * 0.8).clamp(0, 1)
            (copies / f"p{number}_cloaked.png").write_bytes(encode(darker, "PNG"))
    plan = check(mine, cloaked=str(copies), attack=None)
    report = run_audit(in_brief(plan), Work())
    (me,) = people(report)
    assert me.published == 3, "all that were published have a copy"
    assert me.retrained is None
    assert "0 background people have cloaked copies" in me.impossible("adaptive")
    assert "0 background people have cloaked copies" in me.impossible("detection")


def test_copies_of_nobody_are_one_error(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    with pytest.raises(DatasetError, match="a copy of none of 6 photos"):
        check(mine, cloaked=str(tmp_path / "copies"), attack=None)


def test_pairs_are_each_cloaked_photo_and_its_original(mine: Path) -> None:
    """The oracle: cosines of embeddings that were computed by hand."""
    plan = in_brief(check(mine))
    report = run_audit(plan, work := Work())
    found = pairs(plan, work)
    assert [pair.person for pair in found] == ["me"] * 3
    told = report.cloaks[0].quality[0]
    dssim = [pair.dssim for pair in found]
    assert sum(dssim) / 3 == pytest.approx(told.dssim)
    assert max(dssim) == pytest.approx(told.dssim_max)
    for pair in found:
        for likeness in pair.likeness.values():
            assert likeness.copy < likeness.others, "inverted is less like than another photo"
    untouched = changed(plan, attack="none")
    for pair in pairs(untouched, Work()):
        assert pair.dssim == pytest.approx(0, abs=1e-6)
        assert all(each.copy == pytest.approx(1, abs=1e-5) for each in pair.likeness.values())
