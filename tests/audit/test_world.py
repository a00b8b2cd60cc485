"""The protected people are from one data set, and everybody else from another."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import world
from audit.plan import AuditPlan
from audit.protocol import Split, split
from lowkey_core import datasets
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError
from lowkey_core.work.work import Work
from tests.audit.plans import changed

PLAN = changed(
    AuditPlan(), protected=1, probes=2, gallery=2, background=3, background_pictures=3, others=2,
    distractors=2, ranks=(1,),
)  # fmt: skip


def folder(root: Path, pictures: dict[str, int], content: str = "") -> Dataset:
    """A data set whose files hold their own path, or else that text: nothing decodes them here."""
    for who, count in pictures.items():
        (root / who).mkdir(parents=True)
        for i in range(count):
            (root / who / f"{i}.jpg").write_text(content or f"{root.name}/{who}/{i}")
    return datasets.load(str(root))


def everybody(parts: Split) -> set[str]:
    """Who is in it besides the protected."""
    return {p.identity for p in parts.bystanders + parts.background + parts.calibration}


@pytest.fixture
def crowd(tmp_path: Path) -> str:
    folder(tmp_path / "crowd", {f"p{i}": 4 for i in range(8)} | {f"single{i}": 1 for i in range(3)})
    return str(tmp_path / "crowd")


def test_nobody_of_the_data_set_but_the_protected_takes_part(crowd: str, tmp_path: Path) -> None:
    own = folder(tmp_path / "own", {"ada": 4, "bob": 4})
    parts = split(own, PLAN, world=world.load(crowd, own, Work()))
    assert len({p.identity for p in parts.gallery + parts.probes} & {"ada", "bob"}) == 1
    assert all(who.startswith(f"{crowd}: ") for who in everybody(parts))
    assert len({p.identity for p in parts.background}) == 3
    assert len({p.identity for p in parts.bystanders}) == 2 + 2


def test_the_same_people_are_background_whoever_is_protected(crowd: str, tmp_path: Path) -> None:
    """So that what adversaries learned for one folder of photos is found for the next."""
    learned = []
    for who in ("ada", "bob"):
        own = folder(tmp_path / who, {who: 4, "others": 3})
        learned.append(split(own, PLAN, world=world.load(crowd, own, Work())).background)
    assert learned[0] == learned[1]


@pytest.mark.parametrize("written", ["p3", "P3", "p-3", "p 3"])
def test_who_has_the_name_of_an_audited_person_is_left_out(
    written: str, crowd: str, tmp_path: Path
) -> None:
    own = folder(tmp_path / "own", {written: 4})
    around = world.load(crowd, own, Work())
    assert around.left_out == {f"{crowd}: p3"}
    plan = changed(PLAN, others=9, distractors=9, calibration=9)
    assert f"{crowd}: p3" not in everybody(split(own, plan, world=around))
    assert "1 people" in around.of(own).notes[-1]
    assert "p3" in around.of(own).notes[-1]


def test_who_shows_an_audited_picture_is_left_out_whatever_the_name(
    crowd: str, tmp_path: Path
) -> None:
    own = folder(tmp_path / "own", {"me": 4})
    (tmp_path / "own" / "me" / "1.jpg").write_bytes((Path(crowd) / "p5" / "2.jpg").read_bytes())
    assert world.load(crowd, own, Work()).left_out == {f"{crowd}: p5"}


def test_nothing_is_left_out_of_people_who_are_drawn(tmp_path: Path) -> None:
    own = folder(tmp_path / "own", {"me": 4})
    around = world.load("synthetic", own, Work())
    assert not around.left_out
    (note,) = around.of(own).notes
    assert "generated" in note


def test_a_world_that_is_too_small_is_said_in_one_line(crowd: str, tmp_path: Path) -> None:
    own = folder(tmp_path / "own", {"me": 4})
    with pytest.raises(DatasetError) as refused:
        split(own, changed(PLAN, background=20), world=world.load(crowd, own, Work()))
    assert "8 with the 3 of one in the background" in refused.value.got
    assert refused.value.remedy == "use background=8, or more people"


def test_an_audit_in_a_world_says_whose_pictures_the_others_are(
    plan: AuditPlan, tmp_path: Path
) -> None:
    """The small audit, its people split in two folders."""
    from audit.run import run_audit

    for person in sorted((tmp_path / "photos").iterdir())[:3]:
        target = tmp_path / "own" / f"own-{person.name}"
        target.parent.mkdir(exist_ok=True)
        person.rename(target)
    asked = changed(
        plan,
        dataset=str(tmp_path / "own"),
        world=str(tmp_path / "photos"),
        protected=2,
        others=2,
        adversary="oblivious",
        ranks=(1,),
    )
    report = run_audit(asked, Work())
    assert report.counts.dataset == f"{tmp_path / 'own'} among {tmp_path / 'photos'}"
    assert all(who.startswith("own-") for who in report.people)
    assert len(report.enrolled) == 2 + 2
    assert any("Everybody else is from" in caveat.text for caveat in report.caveats)
