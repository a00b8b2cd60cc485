"""An adversary's own detector: everybody's photos are seen through it, in both arms alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Generator

from audit.photographs import photographs
from audit.plan import AuditPlan
from audit.report import AuditReport
from audit.run import run_audit
from audit.sight import Sight
from lowkey_core.errors import AuditError
from lowkey_core.faces import detectors
from lowkey_core.faces.detectors import Detector
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.types import Pictures, Pixels
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.audit.small import small_plan
from tests.conftest import whole

DARK = 100


def nearer(pixels: Pixels) -> list[Frame]:
    """The middle of the photo, from nearer; nobody where it is dark."""
    (frame,) = whole(pixels)
    middle = torch.tensor([pixels.shape[1], pixels.shape[0]]) / 2
    points = middle + (frame.landmarks - middle) * 0.8
    return [Frame.at(frame.size, points, frame.box)] if pixels.mean() >= DARK else []


@pytest.fixture
def plan(tmp_path: Path, nobody_real: None, monkeypatch: pytest.MonkeyPatch) -> AuditPlan:
    """A small audit by an adversary whose detector is `nearer`."""
    monkeypatch.setattr(detectors, "load", lambda _: Detector("pretend", nearer, "1"))
    return changed(small_plan(tmp_path), detector="dlib", scenario="all", adversary="oblivious")


def control(report: AuditReport) -> set[tuple[int, ...]]:
    return {c.control.hits for c in report.cells if c.transform == "none"}


def test_it_changes_what_is_embedded_and_is_said(plan: AuditPlan, tmp_path: Path) -> None:
    work = Work(Cache(tmp_path / "cache"))
    theirs = run_audit(plan, work)
    usual = run_audit(changed(plan, detector="mtcnn"), work)
    told = [c.text for c in theirs.caveats if "pretend" in c.text]
    assert len(told) == 1
    assert told[0].startswith("Adversaries find and align faces with pretend, the cloak with MTCNN")
    assert not any("pretend" in c.text for c in usual.caveats)
    assert theirs.cloaks[0].quality == usual.cloaks[0].quality, "people cloak as they always do"


def test_clean_faces_that_it_misses_are_misses_of_the_control(
    plan: AuditPlan, tmp_path: Path
) -> None:
    photos = photographs(plan, Work())
    before = run_audit(plan, Work())
    first = photos.people[0]
    lost = [p for p in photos.probes.items if p.identity == first]
    for picture in lost:
        assert isinstance(picture, PhotoPicture)
        dark = picture.pixels() // 8
        (tmp_path / "photos" / picture.name).write_bytes(encode_pixels(dark, "PNG"))
    after = run_audit(plan, Work())
    assert all(hits[0] == 0 for hits in control(after))
    assert all(hits[0] > 0 for hits in control(before)), "else this test tells nothing"
    (told,) = (c.text for c in after.caveats if "pretend" in c.text)
    assert f"no face in {len(lost)} of {after.counts.probes} clean probes" in told


def test_every_part_is_seen_by_it_and_a_background_without_faces_is_left_out(
    plan: AuditPlan,
) -> None:
    photos = photographs(plan, Work())
    seen = Sight.of("dlib", True, Work()).photographs(photos)
    for part in ("gallery", "probes", "bystanders", "background"):
        for now, before in zip(getattr(seen, part).items, getattr(photos, part).items, strict=True):
            assert now.digest != before.digest, part
            assert now.name == before.name
    blind = Sight(Detector("blind", lambda _: [], "1"), True, Work())
    assert not len(blind.photographs(photos).background)
    assert Sight.of("mtcnn", True, Work()).photographs(photos) is photos


def test_the_tool_finds_faces_itself_and_the_adversary_cuts_them_where_it_does(
    plan: AuditPlan,
) -> None:
    photos = photographs(plan, Work())
    sight = Sight.of("dlib", True, Work())
    background = sight.photographs(photos).background
    given: list[Pictures] = []

    def tool(pictures: Pictures, rng: Generator) -> Pictures:
        given.append(pictures)
        change = torch.full((3, 112, 112), 9, dtype=torch.int16)
        return Pictures(tuple(p.changed(change) for p in pictures.items))

    copies = sight.tool(tool, photos.background)(background, Generator())
    (own,) = given
    assert own.digests == photos.background.digests
    for copy, clean, before in zip(copies.items, background.items, own.items, strict=True):
        assert isinstance(copy, PhotoPicture)
        assert isinstance(clean, PhotoPicture)
        assert isinstance(before, PhotoPicture)
        assert copy.frame == clean.frame
        assert copy.at == before.frame, "cloaked where the tool found the face"


def test_without_a_second_look_faces_stay_where_it_saw_them_first(plan: AuditPlan) -> None:
    photos = photographs(plan, Work())
    sight = Sight.of("dlib", False, Work())
    clean = sight.photographs(photos).gallery
    change = torch.full((3, 112, 112), 9, dtype=torch.int16)
    cloaked = Pictures(tuple(p.changed(change) for p in photos.gallery.items))
    for now, then in zip(sight.again(cloaked, clean).items, clean.items, strict=True):
        assert isinstance(now, PhotoPicture)
        assert isinstance(then, PhotoPicture)
        assert now.frame == then.frame
        assert now.change is not None


def test_an_unknown_detector_is_refused(plan: AuditPlan) -> None:
    with pytest.raises((AuditError, ValueError)):
        changed(plan, detector="mine")


def test_retraining_works_on_faces_as_it_finds_them(plan: AuditPlan) -> None:
    report = run_audit(changed(plan, adversary="adaptive", epochs=1), Work())
    (adaptive,) = (a for a in report.adversaries if a.name == "adaptive")
    assert not adaptive.impossible
    (facts,) = adaptive.learned.values()
    assert facts["cloaked_seen"] == 1
