"""Somebody else's copies: taken as they are, if they show the photo they are copies of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator

from lowkey_core.cloaks import load
from lowkey_core.cloaks.folder import FoundCopies
from lowkey_core.errors import DatasetError, OptionError
from lowkey_core.faces.detection import Found, Frame, find
from lowkey_core.photos.decoding import Pixels, encode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Pictures, ThirdPartyCloak
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


def copied(found: Found, tmp_path: Path, copy: bytes) -> tuple[FoundCopies, Pictures]:
    """What the cloak made of one copy, and the clean picture."""
    (tmp_path / "a.png").write_bytes(copy)
    cloak = FoundCopies(str(tmp_path), Work())
    cloak.originals([Photo("Ann", "a.jpg", Path("/photos/a.jpg"))])
    face = Pictures(found.faces[:1], torch.zeros(1).long(), ("a.jpg",))
    cloak.read(face, {"a.jpg": Frame(found.size, found.warps[0])})
    return cloak, face


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
    cloak, face = copied(found, tmp_path, encode_pixels(change(photo).copy(), "PNG"))
    assert (cloak.unusable == ()) == usable == cloak.covers("a.jpg")
    cloaked = cloak(face, Generator())
    if usable:
        assert 0 < (cloaked - face.images).abs().mean() < 0.08
    else:
        assert torch.equal(cloaked, face.images), "it counts as uncloaked"


def test_a_copy_that_is_no_picture_is_unusable(found: Found, tmp_path: Path) -> None:
    cloak, _ = copied(found, tmp_path, b"no picture")
    assert (cloak.unusable, cloak.missing) == (("a.jpg",), ())


def test_a_picture_without_a_copy_stays_as_it_is(tmp_path: Path) -> None:
    pictures, cloak = people(2, 2), FoundCopies(str(tmp_path), Work())
    cloak.originals([Photo("", name, Path("/photos", name)) for name in pictures.names])
    assert not any(cloak.covers(name) for name in pictures.names)
    cloak.read(pictures, {})
    assert cloak.missing == pictures.names
    assert torch.equal(cloak(pictures, Generator()), pictures.images)


def test_other_copies_are_another_cloak(photo: Pixels, found: Found, tmp_path: Path) -> None:
    one, _ = copied(found, tmp_path, encode_pixels(photo, "PNG"))
    two, _ = copied(found, tmp_path, encode_pixels(brighter(photo), "PNG"))
    assert one.fingerprint != two.fingerprint


def test_is_somebody_elses_and_claims_nothing(tmp_path: Path) -> None:
    cloak = load(f"folder:{tmp_path}", lambda: ())
    assert isinstance(cloak, ThirdPartyCloak)
    assert cloak.about.against is None, "nobody knows what it was optimised against"


def test_without_a_folder_it_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="as folder:DIR; name it with cloaked=DIR"):
        load("folder", lambda: ())
    with pytest.raises(DatasetError, match="is not a folder"):
        FoundCopies(str(tmp_path / "nowhere"), Work()).originals([Photo("", "a", tmp_path / "a")])
