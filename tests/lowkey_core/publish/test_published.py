"""Where a cloak fails on a picture, that picture is published as it is, and somebody is told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from lowkey_core.cloaks import CloakAbout
from lowkey_core.errors import AuditError
from lowkey_core.publish.published import Published
from lowkey_core.types import Faces, Images, Pictures, faces_of
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from reports.console.outcomes import unprotected
from tests.lowkey_core.publish import copying

BY = 10 / 255


class Failing:
    """Darkens pictures; some of them come out as NaN, in whole or in part."""

    def __init__(self, lost: tuple[str, ...], *, partly: bool = False, unit: str = "picture"):
        self.lost, self.partly = lost, partly
        self.about = CloakAbout(unit=unit)  # type: ignore[arg-type]

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        images = (faces.images - BY).clamp(0, 1)
        for row, name in enumerate(faces.names):
            if name in self.lost:
                images[row, 0] = torch.nan
                images[row] = images[row] if self.partly else torch.nan
        return images


@pytest.fixture
def faces(pictures: Pictures) -> Faces:
    return faces_of(pictures)


def published(faces: Faces, cloak: Failing, work: Work | None = None) -> Images:
    made = Published(cloak, work or Work(), name="mine", batch=5)
    return made(faces, Generator().manual_seed(0))


def changes(faces: Faces, images: Images) -> Tensor:
    return (images - faces.images).abs().amax((1, 2, 3)).mul(255).round()


@pytest.mark.parametrize("unit", ["picture", "identity"])
def test_a_picture_that_failed_is_published_as_it_is(
    unit: str, faces: Faces, caplog: pytest.LogCaptureFixture
) -> None:
    """People are mixed, so that batches of people are in another order than the pictures."""
    mixed = faces.select(torch.randperm(len(faces), generator=Generator().manual_seed(1)))
    images = published(mixed, Failing(("1/2", "3/0"), unit=unit))
    expected = [0 if name in ("1/2", "3/0") else 10 for name in mixed.names]
    assert changes(mixed, images).tolist() == expected
    (said,) = caplog.messages
    assert said.startswith("mine failed on ")
    assert said.endswith(": published as they are")
    assert set(said.split(" on ")[1].split(":")[0].split(", ")) == {"1/2", "3/0"}


def test_it_is_named_each_time_also_when_it_was_kept(
    faces: Faces, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cloak, results = Failing(("2/1",)), []
    for _ in range(3):
        work = Work(Cache(tmp_path))
        results.append(published(faces, cloak, work))
    assert caplog.messages == ["mine failed on 2/1: published as they are"] * 3
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
    assert changes(faces, results[2])[7] == 0


def test_nothing_is_said_where_nothing_failed(
    faces: Faces, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert changes(faces, published(faces, Failing(()))).tolist() == [10] * 12
    assert not caplog.messages


def test_a_picture_that_is_nan_in_part_is_an_error(faces: Faces) -> None:
    with pytest.raises(AuditError, match="the pictures that mine returned"):
        published(faces, Failing(("2/1",), partly=True))


class Second(Failing):
    """Fails on the larger of a photo's two faces, if the photo is called so."""

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        images = (faces.images + BY).clamp(0, 1)
        for row in range(1, len(faces), 2):
            if faces.names[row] in self.lost:
                images[row] = torch.nan
        return images


@pytest.mark.usefixtures("somebody")
def test_protect_does_not_call_protected_what_is_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a photo's two faces would be published as it is."""
    monkeypatch.setattr(copying, "Brighter", lambda: Second(("a.png",)))
    outcomes = copying.run(folder, tmp_path / "out")
    failed = outcomes["a.png"]
    assert (failed.status, failed.copy, failed.faces) == ("not written", "", 0)
    assert failed.detail == "the cloak failed on a face, or changes nothing"
    assert failed in unprotected(list(outcomes.values()))
    assert not (tmp_path / "out" / "a.png").exists()
    assert outcomes["sub/b.jpg"].status == "protected"
    assert copying.run(folder, tmp_path / "out")["a.png"].status == "not written"


@pytest.mark.usefixtures("somebody")
def test_nor_does_it_of_an_animation(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (Image.fromarray(p) for p in (copying.PHOTO, copying.PHOTO[::-1]))
    first.save(folder / "m.png", save_all=True, append_images=[second])
    monkeypatch.setattr(copying, "Brighter", lambda: Second(("m.png, frame 2",)))
    assert copying.run(folder, tmp_path / "out", frames=True)["m.png"].status == "not written"
