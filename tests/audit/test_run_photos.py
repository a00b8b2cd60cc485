"""Whose photos take part in a whole audit: strangers, copies of probes, photos without faces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from audit import choices, photographs
from audit.plan import AuditPlan
from audit.protocol import split
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core import datasets
from lowkey_core.errors import DatasetError
from lowkey_core.faces import found
from lowkey_core.faces.found import Asked
from lowkey_core.photos.images import encode
from lowkey_core.photos.photo import digest_of
from lowkey_core.training import lfw_pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.conftest import NO_FACE, people


def test_strangers_from_a_flat_folder_are_enrolled(plan: AuditPlan, tmp_path: Path) -> None:
    strangers = people(5, 1, seed=7)
    (tmp_path / "loose").mkdir()
    for i, image in enumerate(strangers.faces()):
        (tmp_path / "loose" / f"{i}.png").write_bytes(encode(image[None], "PNG"))
    loose = changed(plan, distractor_dataset=str(tmp_path / "loose"), distractors=4)
    before = photographs.photographs(plan, Work()).counts
    after = photographs.photographs(loose, Work()).counts
    assert (after.enrolled, after.gallery) == (before.enrolled + 4, before.gallery + 4)


def test_a_probe_among_the_strangers_or_the_gallery_is_left_out(
    plan: AuditPlan, tmp_path: Path
) -> None:
    """Files are copied under other names: their content tells."""
    parts = split(datasets.load(plan.people.dataset), plan)
    probe, enrolled = parts.probes[0], parts.gallery[0]
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "copy.png").write_bytes(probe.read())
    enrolled.path.write_bytes(probe.read())
    loose = str(tmp_path / "loose")
    photos = photographs.photographs(changed(plan, distractor_dataset=loose, distractors=1), Work())
    assert photos.counts.duplicates == (enrolled.name, f"{loose}: copy.png")
    assert photos.counts.probes == len(photos.probes) == len(parts.probes)
    assert photos.counts.gallery == len(parts.gallery) - 1 + len(parts.bystanders)


def test_a_table_gives_the_parts_of_its_folder(plan: AuditPlan, tmp_path: Path) -> None:
    photos = datasets.load(plan.people.dataset).photos
    rows = [f"photos/{p.name},{p.identity}" for p in photos]
    (tmp_path / "photos.csv").write_text("\n".join(["path,identity", *rows]))
    tabled = changed(plan, dataset=str(tmp_path / "photos.csv"))
    one, other = (photographs.photographs(p, Work()) for p in (tabled, plan))
    for part in ("gallery", "probes", "bystanders", "background"):
        assert getattr(one, part).digests == getattr(other, part).digests


def test_people_without_faces_are_left_out_and_counted(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One protected person has no gallery, another no probes; nobody else has strangers about."""
    parts = split(datasets.load(plan.people.dataset), plan)
    first, second, *_ = dict.fromkeys(p.identity for p in parts.gallery)
    lost = {p.name for p in parts.gallery if p.identity == first}
    lost |= {p.name for p in parts.probes if p.identity == second}
    look = found.look_at

    def sometimes(asked: Sequence[Asked]) -> list[Record]:
        pairs = zip(asked, look(asked), strict=True)
        return [NO_FACE if a.photo.name in lost else record for a, record in pairs]

    monkeypatch.setattr(found, "look_at", sometimes)
    report = run_audit(changed(plan, others=0, ranks=(1,)), Work())
    assert (report.counts.protected, report.counts.without_pictures) == (1, 2)
    assert set(report.counts.no_face) == lost
    assert {c.control.trials for c in report.cells} == {(2,)}
    assert "people-lost" in {c.code for c in report.caveats}


def test_pictures_without_faces_are_said_so(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "look_at", lambda asked: [NO_FACE] * len(asked))
    with pytest.raises(DatasetError, match=r"0 pictures of the gallery.*\([0-9]+ no face\)"):
        run_audit(plan, Work())


def test_people_whose_pictures_are_others_are_not_without_a_face(
    plan: AuditPlan, tmp_path: Path
) -> None:
    """All that one of them would have enrolled are copies of another's probe."""
    parts = split(datasets.load(plan.people.dataset), plan)
    whose = parts.gallery[0].identity
    for photo in (p for p in parts.gallery if p.identity == whose):
        photo.path.write_bytes(parts.probes[-1].read())
    counts = photographs.photographs(plan, Work()).counts
    assert (counts.without_pictures, counts.only_duplicates, counts.no_face) == (1, 1, ())
    for photo in parts.gallery:
        photo.path.write_bytes(parts.probes[-1].read())
    with pytest.raises(DatasetError, match=r"0 pictures of .*\(12 the same as another\)"):
        photographs.photographs(plan, Work())


def test_a_file_that_is_no_picture_is_counted(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, damaged = found.look_at, {"damaged": torch.ones(1)}

    def sometimes(asked: Sequence[Asked]) -> list[Record]:
        pairs = zip(asked, look(asked), strict=True)
        return [damaged if "/p1" in a.photo.name else record for a, record in pairs]

    monkeypatch.setattr(found, "look_at", sometimes)
    report = run_audit(plan, Work())
    assert {name[-7:] for name in report.counts.unreadable} == {"/p1.png"}
    assert report.counts.unreadable_reasons == {"damaged": len(report.counts.unreadable)}
    assert "unreadable" in {c.code for c in report.caveats}


def test_pictures_that_the_zoo_learned_from_are_said_to_be(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolled = split(datasets.load(plan.people.dataset), plan).gallery[0]
    seen = frozenset({digest_of(enrolled.read())[: lfw_pictures.DIGITS]})
    monkeypatch.setattr(lfw_pictures, "digests", lambda: seen)
    report = run_audit(changed(plan, recogniser="zoo:mobile", adversary="oblivious"), Work())
    texts = " ".join(c.text for c in report.caveats)
    assert "1 of the pictures are of LFW, and zoo:mobile learned from them, too" in texts


def test_the_default_needs_nothing_that_is_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scene of the smallest default: every network, and people who do not exist."""
    monkeypatch.setenv("CLOAK_ASSETS", str(tmp_path))
    small = {"protected": 2, "probes": 2, "gallery": 2, "background": 2, "others": 2}
    plan = choices.make(given={**small, "background_pictures": 2, "distractors": 3, "ranks": "1"})
    scene = assemble(plan, Work(Cache(tmp_path)))
    assert plan.people.dataset == "synthetic"
    assert [n.card.name for n in scene.surrogates] == [*plan.publish.surrogates]
    recognisers = [group[0].card.name for group in scene.recognitions]
    assert recognisers == [*plan.adversaries.recognisers]
    assert scene.photos.counts.dataset == "synthetic"
    assert scene.photos.counts.protected == 2
    assert not scene.photos.counts.unreadable
