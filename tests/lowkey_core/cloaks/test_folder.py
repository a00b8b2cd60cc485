"""Somebody else's copies: taken as they are, if they show the photo they are copies of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator

from lowkey_core.cloaks.folder import ENOUGH, Copied, build
from lowkey_core.errors import NotPossibleError, OptionError
from lowkey_core.faces.detection import Found, Frame, find
from lowkey_core.photos.decoding import Pixels, encode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work
from tests.conftest import people


@pytest.fixture(scope="module")
def photo(astronaut: torch.Tensor) -> Pixels:
    return to_pixels(astronaut)


@pytest.fixture(scope="module")
def found(photo: Pixels, tmp_path_factory: pytest.TempPathFactory) -> Found:
    path = tmp_path_factory.mktemp("photo") / "a.png"
    path.write_bytes(encode_pixels(photo, "PNG"))
    return find([Photo("", "a", path)], Work())[0]


def copied(found: Found, tmp_path: Path, copy: bytes) -> Copied:
    (tmp_path / "copy.png").write_bytes(copy)
    frames = {"a": Frame(found.size, found.warps[0])}
    return Copied({"a": tmp_path / "copy.png"}, {"a": found.faces[:1]}, frames, Work())


def brighter(photo: Pixels) -> Pixels:
    return (photo.astype(np.uint16) + 9).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "usable"),
    [
        (brighter, True),
        (lambda p: np.array(Image.fromarray(brighter(p)).resize((400, 400))), True),
        (lambda p: p[::-1, ::-1], False),  # turned, as if EXIF had not been heeded
        (lambda p: np.roll(p, 200, 1), True),  # elsewhere in a photo of the same size
        (np.zeros_like, False),
    ],
)
def test_a_copy_is_used_if_it_shows_the_photos_face(
    photo: Pixels,
    found: Found,
    tmp_path: Path,
    change: Callable[[Pixels], Pixels],
    usable: bool,
) -> None:
    made = copied(found, tmp_path, encode_pixels(change(photo).copy(), "PNG"))
    assert (made.unusable == ()) == usable
    pictures = Pictures(found.faces[:1], torch.zeros(1).long(), ("a",))
    cloaked = made(pictures, Generator())
    if usable:
        assert 0 < (cloaked - pictures.images).abs().mean() < 0.08
    else:
        assert torch.equal(cloaked, pictures.images), "it counts as uncloaked"


def test_a_copy_that_is_no_picture_is_unusable(found: Found, tmp_path: Path) -> None:
    assert copied(found, tmp_path, b"no picture").unusable == ("a",)


def test_adversaries_learn_from_enough_people_or_not_at_all() -> None:
    pictures = people(ENOUGH, 2)
    made = Copied({}, {}, {}, Work())
    made.faces = {
        name: face[None] for name, face in zip(pictures.names, pictures.images, strict=True)
    }
    assert torch.equal(made.tool(pictures, Generator()), pictures.images)
    del made.faces[pictures.names[0]], made.faces[pictures.names[1]]
    with pytest.raises(NotPossibleError, match=f"{ENOUGH - 1} background people"):
        made.tool(pictures, Generator())


def test_without_copies_it_says_how_to_name_them() -> None:
    with pytest.raises(OptionError, match="--cloaked"):
        build()
