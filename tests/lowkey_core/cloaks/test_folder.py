"""Somebody else's copies: taken as they are, if they show the photo they are copies of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from lowkey_core.cloaks import ThirdPartyCloak, load
from lowkey_core.cloaks.folder import FoundCopies
from lowkey_core.errors import DatasetError, OptionError
from lowkey_core.faces.found import find
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Pictures, Pixels
from lowkey_core.work.work import Work
from tests.conftest import people


@pytest.fixture(scope="module")
def pixels(astronaut: Tensor) -> Pixels:
    return to_pixels(astronaut)


@pytest.fixture(scope="module")
def clean(pixels: Pixels, tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """The astronaut's photo, its face found."""
    path = tmp_path_factory.mktemp("photo") / "a.png"
    path.write_bytes(encode_pixels(pixels, "PNG"))
    photo = Photo("Ann", "a.jpg", path)
    (found,) = find([photo], Work())
    return Pictures((PhotoPicture(photo, 0, found.content, found.frames[0]),))


def copied(clean: Pictures, folder: Path, copy: bytes) -> tuple[FoundCopies, Pictures]:
    """The cloak that has this copy, and what it publishes for the clean photo."""
    (folder / "a.png").write_bytes(copy)
    cloak = FoundCopies(str(folder), Work())
    cloak.originals([Photo("Ann", "a.jpg", Path("/photos/a.jpg"))])
    cloak.read(clean)
    return cloak, cloak.published(clean, Generator())


def brighter(pixels: Pixels) -> Pixels:
    return (pixels.astype(np.uint16) + 9).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "usable"),
    [
        (brighter, True),
        (lambda p: np.array(Image.fromarray(brighter(p)).resize((400, 400))), True),
        (lambda p: p[::-1, ::-1], True),  # turned, as if EXIF had not been heeded
        (lambda p: np.roll(p, 200, 1), True),  # elsewhere in a photo of the same size
        (np.zeros_like, False),
    ],
)
def test_a_copy_is_used_if_it_shows_the_photos_face(
    pixels: Pixels,
    clean: Pictures,
    tmp_path: Path,
    change: Callable[[Pixels], Pixels],
    usable: bool,
) -> None:
    copy = change(pixels).copy()
    cloak, published = copied(clean, tmp_path, encode_pixels(copy, "PNG"))
    assert (cloak.unusable == ()) == usable == cloak.covers("a.jpg")
    if usable:
        assert 0 < (published.faces() - clean.faces()).abs().mean() < 0.08
        assert np.array_equal(published.items[0].pixels(), copy), "the whole photo is theirs"
    else:
        assert published == clean, "it counts as uncloaked"


def test_a_copy_of_the_photos_size_has_its_face_where_the_photo_has_it(
    pixels: Pixels, clean: Pictures, tmp_path: Path
) -> None:
    """So that the two differ by the cloak alone, though its detector might see it elsewhere."""
    _, published = copied(clean, tmp_path, encode_pixels(brighter(pixels), "PNG"))
    (one,), (other,) = published.items, clean.items
    assert isinstance(one, PhotoPicture)
    assert isinstance(other, PhotoPicture)
    assert one.frame is not None
    assert other.frame is not None
    assert torch.equal(one.frame.landmarks, other.frame.landmarks)


def test_a_copy_that_changes_nothing_is_known(
    pixels: Pixels, clean: Pictures, tmp_path: Path
) -> None:
    """Identical, or made with strength 0."""
    same, _ = copied(clean, tmp_path, encode_pixels(pixels, "PNG"))
    other, _ = copied(clean, tmp_path, encode_pixels(brighter(pixels), "PNG"))
    assert (same.unchanged, other.unchanged) == (("a.jpg",), ())


def test_a_copy_that_is_no_picture_is_unusable(clean: Pictures, tmp_path: Path) -> None:
    cloak, _ = copied(clean, tmp_path, b"no picture")
    assert (cloak.unusable, cloak.missing) == (("a.jpg",), ())


def test_a_picture_without_a_copy_stays_as_it_is(tmp_path: Path) -> None:
    pictures, cloak = people(2, 2), FoundCopies(str(tmp_path), Work())
    cloak.originals([Photo("", name, Path("/photos", name)) for name in pictures.names])
    assert not any(cloak.covers(name) for name in pictures.names)
    cloak.read(pictures)
    assert cloak.missing == pictures.names
    assert cloak.published(pictures, Generator()) == pictures


def test_other_copies_are_other_pictures(pixels: Pixels, clean: Pictures, tmp_path: Path) -> None:
    _, one = copied(clean, tmp_path, encode_pixels(pixels, "PNG"))
    _, two = copied(clean, tmp_path, encode_pixels(brighter(pixels), "PNG"))
    assert one.digests != two.digests


def test_is_somebody_elses_and_claims_nothing(tmp_path: Path) -> None:
    cloak = load(f"folder:{tmp_path}", lambda: ())
    assert isinstance(cloak, ThirdPartyCloak)
    assert cloak.about.against is None, "nobody knows what it was optimised against"


def test_without_a_folder_it_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="as folder:DIR; name it with cloaked=DIR"):
        load("folder", lambda: ())
    with pytest.raises(OptionError, match="kind is 'docx'"):
        load("folder:x:kind=docx", lambda: ())
    with pytest.raises(DatasetError, match="is not a folder"):
        FoundCopies(str(tmp_path / "nowhere"), Work()).originals([Photo("", "a", tmp_path / "a")])
