"""What an audit scores is what the file holds: the cloaked photo's aligned face, to the pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.cloaks.noise import Noise
from lowkey_core.cloaks.none import Nothing
from lowkey_core.errors import DatasetError, PluginError, UnreadableImageError
from lowkey_core.faces import detection
from lowkey_core.faces.detection import Frame, aligned
from lowkey_core.faces.visibility import l2
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.carried import Carried
from lowkey_core.publish.protect import Protector, Settings
from lowkey_core.publish.published import Published
from lowkey_core.types import Cloak, CloakAbout, Images, Pictures, per_picture
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

FRAMES = {
    "level.png": Frame((150, 180), torch.tensor([[1.0, 0, -30], [0, 1, -20]])),
    "turned.jpg": Frame((300, 280), torch.tensor([[0.4, 0.1, -10], [-0.1, 0.4, 20]])),
    "small.png": Frame((70, 90), torch.tensor([[1.6, 0, -20], [0, 1.6, 0]])),
}
"""One made-up face in each photo, found by the photo's size."""


class Speckle:
    """As hard to carry as any cloak: every value 50 grey levels up or down, where it can go."""

    about = CloakAbout()

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Images:
        shape = pictures.images.shape[1:]
        dots = [torch.rand(shape, generator=per_picture(rng, d)).round() for d in pictures.digests]
        return (pictures.images + (2 * torch.stack(dots) - 1) * 50 / 255).clamp(0, 1)


def look(content: bytes, name: str) -> Record:
    pixels = decode_pixels(content, name)
    (frame,) = (f for f in FRAMES.values() if f.size == pixels.shape[:2])
    face = aligned(pixels, frame.warp).mul(255).round().byte()
    return {"faces": face, "warps": frame.warp[None], "size": torch.tensor(frame.size)}


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Photo]:
    monkeypatch.setattr(detection, "look", look)
    rng = np.random.default_rng(0)
    for name, frame in FRAMES.items():
        pixels = rng.integers(0, 256, (*frame.size, 3), dtype=np.uint8)
        kind = "PNG" if name.endswith("png") else "JPEG"
        (tmp_path / name).write_bytes(encode_pixels(pixels, kind))
    return {name: Photo("", name, tmp_path / name) for name in FRAMES}


@pytest.fixture
def pictures(photos: dict[str, Photo]) -> Pictures:
    faces = [aligned(decode_pixels(p.read()), FRAMES[n].warp) for n, p in photos.items()]
    return Pictures(torch.cat(faces), torch.arange(len(faces)), tuple(photos))


def carried(photos: dict[str, Photo], cloak: Cloak, work: Work | None = None) -> Carried:
    work = work or Work()
    published = Published(cloak, work, name="it")
    return Carried(published, photos, FRAMES, work, label="carrying")


def rng() -> Generator:
    return Generator().manual_seed(0)


def held(photos: dict[str, Photo], out: Path) -> Tensor:
    """The aligned faces of the files that `protect` writes."""
    out.mkdir()
    protector = Protector(out, Published(Speckle(), Work(), name=""), Settings(), Work(), rng())
    done = list(protector.protect([(photo, f"{name}.png") for name, photo in photos.items()]))
    assert {outcome.status for outcome in done} == {"protected"}
    files = {name: decode_pixels((out / f"{name}.png").read_bytes()) for name in photos}
    return torch.cat([aligned(file, FRAMES[name].warp) for name, file in files.items()])


def test_is_to_the_last_pixel_what_the_files_of_protect_hold(
    photos: dict[str, Photo], pictures: Pictures, tmp_path: Path
) -> None:
    scored = carried(photos, Speckle())(pictures, rng())
    assert torch.equal(scored, held(photos, tmp_path / "out"))
    lost = (scored - Speckle()(pictures, rng())).abs().mean((1, 2, 3))
    assert lost[0] < 1e-6, "pixel upon pixel there is nothing to lose"
    assert 2 / 255 < lost[1] < lost[2], "least is left where the photo is smaller than the template"


def test_no_change_leaves_the_face_as_it_was(photos: dict[str, Photo], pictures: Pictures) -> None:
    assert torch.equal(carried(photos, Nothing())(pictures, rng()), pictures.images)


def test_pictures_are_told_apart_by_name(photos: dict[str, Photo], pictures: Pictures) -> None:
    cloak, order = carried(photos, Speckle()), [2, 0, 2]
    assert torch.equal(
        cloak(pictures.select(order), rng()), cloak(pictures, rng())[torch.tensor(order)]
    )


def test_noise_has_the_energy_of_the_carried_cloak(
    photos: dict[str, Photo], pictures: Pictures
) -> None:
    cloak = carried(photos, Speckle())
    energy = l2(pictures.images, cloak(pictures, rng()))
    noise = l2(pictures.images, Noise(cloak, 0)(pictures, rng()))
    assert torch.allclose(noise, energy, rtol=1e-3)
    at_template = l2(pictures.images, Speckle()(pictures, rng()))
    assert not torch.allclose(noise, at_template, rtol=1e-2)


class Cut(Cache):
    """Stops once two records are kept: the batch at the template, and the first photo's."""

    kept = 0

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        self.kept += 1
        if self.kept == 2:
            raise KeyboardInterrupt


def test_a_resumed_run_carries_the_rest_and_ends_the_same(
    photos: dict[str, Photo], pictures: Pictures, tmp_path: Path
) -> None:
    expected = carried(photos, Speckle())(pictures, rng())
    with pytest.raises(KeyboardInterrupt):
        carried(photos, Speckle(), Work(Cut(tmp_path / "cache")))(pictures, rng())
    shown: list[tuple[str, int]] = []
    resumed = Work(Cache(tmp_path / "cache"), lambda label, done, _: shown.append((label, done)))
    assert torch.equal(carried(photos, Speckle(), resumed)(pictures, rng()), expected)
    assert shown == [("cloaking with it", 1), ("carrying", 1), ("carrying", 2), ("carrying", 3)]


def test_another_photo_is_another_cloak(photos: dict[str, Photo]) -> None:
    """Though it shows the same face: what is made like this cloak is made again."""
    before = carried(photos, Speckle()).fingerprint
    pixels = decode_pixels(photos["level.png"].read())
    pixels[-1, -1] ^= 255
    photos["level.png"].path.write_bytes(encode_pixels(pixels, "PNG"))
    assert carried(photos, Speckle()).fingerprint != before


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, UnreadableImageError), (b"no picture", UnreadableImageError), (b"", DatasetError)],
)
def test_a_photo_that_is_gone_or_another_is_said_so(
    photos: dict[str, Photo],
    pictures: Pictures,
    content: bytes | None,
    error: type[Exception],
) -> None:
    photo, other = photos["level.png"], photos["small.png"]
    photo.path.unlink()
    if content is not None:
        photo.path.write_bytes(content or other.read())
    with pytest.raises(error, match=r"level\.png"):
        carried(photos, Speckle())(pictures, rng())


def test_a_picture_of_no_photo_is_said_so(photos: dict[str, Photo], pictures: Pictures) -> None:
    unknown = Pictures(pictures.images, pictures.identities, ("mine", "a", "b"))
    with pytest.raises(PluginError, match="'mine'"):
        carried(photos, Speckle())(unknown, rng())
    changed = Pictures(pictures.images.flip(-1), pictures.identities, pictures.names)
    with pytest.raises(DatasetError, match="does not show"):
        carried(photos, Speckle())(changed, rng())
