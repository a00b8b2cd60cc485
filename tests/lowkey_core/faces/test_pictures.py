"""A picture is a whole photo: what is changed, served and seen again is all of its pixels."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from torch import Generator, Tensor

from lowkey_core.cloaks import CloakAbout
from lowkey_core.content import per_picture
from lowkey_core.errors import DatasetError, UnreadableImageError
from lowkey_core.faces import detection, pictures
from lowkey_core.faces.detection import cut
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pictures import FACES, PhotoPicture, crops
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.publish.protect import Protector
from lowkey_core.publish.published import Published
from lowkey_core.publish.served import found_again, in_place, served
from lowkey_core.publish.settings import Settings
from lowkey_core.publish.tool import CloakTool
from lowkey_core.recognisers.dlib import CHIP as DLIB
from lowkey_core.recognisers.facenet import CHIP as FACENET
from lowkey_core.transforms import load
from lowkey_core.types import ARCFACE, Faces, Images, Pictures, Pixels, Transform
from lowkey_core.work.work import Work
from tests.conftest import all_whole, frame_at, people

WARPS = {
    "level.png": ((150, 180), [[1.0, 0, -30], [0, 1, -20]]),
    "turned.jpg": ((300, 280), [[0.4, 0.1, -10], [-0.1, 0.4, 20]]),
    "small.png": ((70, 90), [[1.6, 0, -20], [0, 1.6, 0]]),
}
FRAMES = {name: frame_at(torch.tensor(warp), size) for name, (size, warp) in WARPS.items()}
"""One made-up face in each photo, found by the photo's size."""


class Speckle:
    """As hard to carry as any cloak: every value 50 grey levels up or down, where it can go."""

    about = CloakAbout()

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        shape = faces.images.shape[1:]
        dots = [torch.rand(shape, generator=per_picture(rng, d)).round() for d in faces.digests]
        return (faces.images + (2 * torch.stack(dots) - 1) * 50 / 255).clamp(0, 1)


def by_size(photos: Sequence[Pixels]) -> list[list[Frame]]:
    return [[f for f in FRAMES.values() if f.size == pixels.shape[:2]] for pixels in photos]


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pictures:
    monkeypatch.setattr(detection, "detect_all", by_size)
    rng, items = np.random.default_rng(0), []
    for i, (name, frame) in enumerate(FRAMES.items()):
        pixels = rng.integers(0, 256, (*frame.size, 3), dtype=np.uint8)
        content = encode_pixels(pixels, "PNG" if name.endswith("png") else "JPEG")
        (tmp_path / name).write_bytes(content)
        photo = Photo("", name, tmp_path / name)
        items.append(PhotoPicture(photo, i, digest_of(content), frame))
    return Pictures(tuple(items))


@pytest.fixture
def photo(photos: Pictures) -> PhotoPicture:
    found = photos.items[0]
    assert isinstance(found, PhotoPicture)
    return found


def rng() -> Generator:
    return Generator().manual_seed(0)


def ramp() -> Tensor:
    """A change of the aligned face, in grey levels."""
    return torch.arange(112, dtype=torch.int16).expand(3, 112, 112) // 4 - 14


def held(photos: Pictures, out: Path) -> list[Pixels]:
    """The photos that `protect` writes."""
    out.mkdir()
    protector = Protector(out, Published(Speckle(), Work(), name=""), Settings(), Work(), rng())
    asked = [(p.photo, f"{p.name}.png") for p in photos.items if isinstance(p, PhotoPicture)]
    assert {outcome.status for outcome in protector.protect(asked)} == {"protected"}
    return [decode_pixels((out / f"{name}.png").read_bytes()) for name in photos.names]


def test_a_cloaked_picture_is_to_the_last_pixel_what_protect_writes(
    photos: Pictures, tmp_path: Path
) -> None:
    published = CloakTool("it", Speckle(), Work())(photos, rng())
    for picture, pixels in zip(published.items, held(photos, tmp_path / "out"), strict=True):
        assert np.array_equal(picture.pixels(), pixels)
        face = cut(pixels, FRAMES[picture.name].to(ARCFACE))
        assert torch.equal(picture.face(), face), "and what is scored is that photo's face"


def test_a_photo_takes_of_a_change_what_its_pixels_can_hold(photos: Pictures) -> None:
    asked = Speckle()(Faces(photos.faces(), photos.identities, photos.names), rng())
    published = CloakTool("it", Speckle(), Work())(photos, rng()).faces()
    lost = (published - asked).abs().mean((1, 2, 3))
    assert lost[0] < 1 / 255, "pixel upon pixel there is nothing to lose"
    assert 2 / 255 < lost[1] < lost[2], "least is left where the photo is smaller than the template"


def test_no_change_leaves_the_picture_as_it_was(photo: PhotoPicture) -> None:
    assert photo.changed(torch.zeros(3, 112, 112, dtype=torch.int16)) is photo
    assert photo.served("none", load("none")) is photo


def test_a_transform_acts_on_the_whole_photo_on_the_grid_of_jpeg(photos: Pictures) -> None:
    """As Pillow encodes the photo: a face that was encoded alone would have another grid."""
    for picture in served(photos, "jpeg:30", load("jpeg:30")).items:
        before = photos.items[picture.identity].pixels()
        file = io.BytesIO()
        Image.fromarray(before).save(file, "JPEG", quality=30)
        encoded = np.array(Image.open(file).convert("RGB"))
        assert np.array_equal(picture.pixels(), encoded)
        frame = FRAMES[picture.name]
        for template in (ARCFACE, DLIB, FACENET):
            expected = cut(encoded, frame.to(template), template.size)
            assert torch.equal(picture.face(template), expected)
        alone = load("jpeg:30")(cut(before, frame.to(ARCFACE)).permute(1, 2, 0).numpy().copy())
        assert not np.array_equal(picture.face().permute(1, 2, 0).numpy(), alone)


class Greatest:
    """Each pixel becomes the greatest of the 9x9 around it. A local transform."""

    reach = 4

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, pixels: Pixels) -> Pixels:
        self.asked.append(pixels.size)
        wide = np.pad(pixels, ((4, 4), (4, 4), (0, 0)), mode="edge")
        made: Pixels = sliding_window_view(wide, (9, 9), axis=(0, 1)).max((-2, -1))
        return made


def sealed(pixels: Pixels) -> Pixels:
    """A transform whose answer may not be written to."""
    pixels.setflags(write=False)
    return pixels


@pytest.mark.parametrize(
    ("before", "transform"),
    [("none", load("none")), ("jpeg:30", load("jpeg:30")), ("seal", sealed)],
)
def test_a_local_transform_is_asked_about_no_more_than_is_seen(
    photos: Pictures, before: str, transform: Transform
) -> None:
    """And the face is that of the whole photo."""
    for photo in served(photos, before, transform).items:
        greatest = Greatest()
        picture = photo.served("greatest", greatest)
        whole, (size, warp) = photo.pixels(), WARPS[photo.name]
        for template in (ARCFACE, DLIB, FACENET):
            expected = cut(Greatest()(whole), FRAMES[photo.name].to(template), template.size)
            assert torch.equal(picture.face(template), expected)
        assert all(asked <= whole.size for asked in greatest.asked)
        if warp[0][0] < 1.5:  # this photo is larger than what is seen
            assert max(greatest.asked) < whole.size
        assert np.array_equal(picture.pixels(), Greatest()(whole))
        assert picture.pixels().shape[:2] == size
        far = frame_at(torch.tensor([[1.0, 0, -5000], [0, 1, -5000]]), size)
        if isinstance(picture, PhotoPicture):
            assert not picture.seen_at(far).face().any(), "a face outside of the photo is black"


def test_a_platform_serves_the_photo_as_it_was_cloaked(photo: PhotoPicture) -> None:
    both = photo.changed(ramp()).served("jpeg:50", load("jpeg:50"))
    assert np.array_equal(both.pixels(), load("jpeg:50")(photo.changed(ramp()).pixels()))


def test_what_was_served_is_served_again_as_it_came(photo: PhotoPicture) -> None:
    jpeg, small = load("jpeg:50"), load("resize:0.5")
    both = photo.changed(ramp()).served("jpeg:50", jpeg).served("resize:0.5", small)
    expected = small(jpeg(photo.changed(ramp()).pixels()))
    assert np.array_equal(both.pixels(), expected)
    other = photo.changed(ramp()).served("resize:0.5", small).served("jpeg:50", jpeg)
    assert other.digest != both.digest


def test_a_second_change_is_on_top_of_what_was_changed_and_served(photo: PhotoPicture) -> None:
    """Where one pixel is one of the template, a face shows all of a change."""
    by = torch.full((3, 112, 112), 20, dtype=torch.int16)
    for first in (photo.changed(ramp()), photo.changed(ramp()).served("jpeg:50", load("jpeg:50"))):
        before = first.face().int()
        after = first.changed(by)
        assert (after.face().int() - (before + 20).clamp(0, 255)).abs().float().mean() < 0.5
        assert len({photo.digest, first.digest, after.digest, photo.changed(by).digest}) == 4


CHANGES: dict[str, Callable[[PhotoPicture], PhotoPicture]] = {
    "content": lambda p: replace(p, content="another"),
    "change": lambda p: replace(p, change=ramp(), at=p.frame),
    "another change": lambda p: replace(p, change=-ramp(), at=p.frame),
    "changed elsewhere": lambda p: replace(p, change=ramp(), at=FRAMES["small.png"]),
    "transform": lambda p: replace(p, transform=load("jpeg:30"), transformed="jpeg:30"),
    "another transform": lambda p: replace(p, transform=load("jpeg:75"), transformed="jpeg:75"),
    "frame": lambda p: p.seen_at(FRAMES["turned.jpg"]),
    "no frame": lambda p: p.seen_at(None),
}


def test_digests_differ_with_content_change_transform_and_frame(photo: PhotoPicture) -> None:
    digests = [photo.digest, *(change(photo).digest for change in CHANGES.values())]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("what", CHANGES)
def test_digests_differ_with_nothing_else(photo: PhotoPicture, what: str) -> None:
    one = CHANGES[what](photo)
    moved = replace(photo.photo, identity="somebody", name="else", path=Path("/elsewhere"))
    other = CHANGES[what](replace(photo, photo=moved, identity=7))
    assert one.digest == other.digest


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, UnreadableImageError), (b"no picture", DatasetError), (b"", DatasetError)],
)
def test_a_photo_that_is_gone_or_another_is_said_so(
    photo: PhotoPicture, content: bytes | None, error: type[Exception]
) -> None:
    photo.photo.path.unlink()
    if content is not None:
        photo.photo.path.write_bytes(content)
    with pytest.raises(error, match=r"level\.png"):
        photo.pixels()


def test_a_face_that_is_lost_is_black_and_its_photo_is_there(photo: PhotoPicture) -> None:
    lost = photo.seen_at(None)
    assert not lost.found
    for template in (ARCFACE, DLIB, FACENET):
        assert lost.face(template).shape == (3, template.size, template.size)
        assert not lost.face(template).any()
    assert np.array_equal(lost.pixels(), photo.pixels())
    assert lost.changed(ramp()) is lost, "there is nowhere to put a change"


@pytest.mark.usefixtures("nobody_real")
def test_faces_are_found_again_in_what_is_served(
    photos: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector of made-up faces sees them in the middle: elsewhere than they were."""
    monkeypatch.setattr(detection, "detect_all", all_whole)
    changed = Pictures((photos.items[0].changed(ramp()), *photos.items[1:]))
    again = found_again(changed, Work())
    assert again.items[1:] == photos.items[1:], "what was not changed is not looked at again"
    first = again.items[0]
    assert isinstance(first, PhotoPicture)
    assert first.frame is not None
    assert first.frame.box.tolist() == [15, 0, 165, 150]
    assert np.array_equal(first.pixels(), changed.items[0].pixels()), (
        "the change stays where it was"
    )
    assert in_place(first, photos.items[0]) == (first.frame.overlap(FRAMES["level.png"]) >= 0.5)


def test_a_face_that_is_found_elsewhere_is_not_in_place(photo: PhotoPicture) -> None:
    assert in_place(photo, photo)
    assert not in_place(photo.seen_at(None), photo)
    corner = frame_at(torch.tensor([[1.0, 0, 0], [0, 1, 0]]), (150, 180))
    apart = frame_at(torch.tensor([[3.0, 0, -400], [0, 3, -300]]), (150, 180))
    assert not in_place(photo.seen_at(apart), photo)
    assert in_place(photo, photo.seen_at(corner)) == (photo.frame.overlap(corner) >= 0.5)  # type: ignore[union-attr]


def test_overlap_is_intersection_over_union() -> None:
    one = frame_at(torch.tensor([[1.0, 0, 0], [0, 1, 0]]), (300, 300))
    half = frame_at(torch.tensor([[1.0, 0, -56], [0, 1, 0]]), (300, 300))
    far = frame_at(torch.tensor([[1.0, 0, -150], [0, 1, 0]]), (300, 300))
    assert one.overlap(one) == pytest.approx(1)
    assert one.overlap(half) == half.overlap(one) == pytest.approx(1 / 3)
    assert one.overlap(far) == 0


def test_faces_that_were_cut_are_not_cut_again(
    photo: PhotoPicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    FACES.values.clear()
    first = photo.face()
    monkeypatch.setattr(pictures, "cut", None)
    assert torch.equal(replace(photo).face(), first)


def test_crops_are_pictures_of_a_face_alone() -> None:
    made = people(2, 2)
    again = crops(made.faces(), made.identities, made.names)
    assert again.digests == made.digests
    assert made.found.all()
    changed = made.items[0].changed(ramp())
    expected = (made.items[0].face().int() + ramp()).clamp(0, 255)
    assert torch.equal(changed.face().int(), expected)
    assert made.items[0].face(DLIB).shape == (3, 150, 150)
