"""What is kept of photos: their faces, and why there are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lowkey_core.content import digests_of
from lowkey_core.faces.detection import cut
from lowkey_core.faces.found import find, missed
from lowkey_core.photos.decoding import Pixels, encode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import ARCFACE
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work


@pytest.fixture(scope="module")
def portrait(astronaut: torch.Tensor) -> Pixels:
    return to_pixels(astronaut)


def test_what_cannot_be_read_has_a_reason_and_no_faces(portrait: Pixels, tmp_path: Path) -> None:
    good, bad, absent = (tmp_path / name for name in ("good.png", "bad.png", "absent.png"))
    good.write_bytes(encode_pixels(portrait, "PNG"))
    bad.write_bytes(b"no picture")
    found = find([Photo("", p.name, p) for p in (good, bad, absent)], Work())
    assert [len(f.frames) for f in found] == [1, 0, 0]
    assert [f.lost for f in found] == [None, "not a picture", "unreadable"]
    (frame,) = found[0].frames
    shown = cut(portrait, frame.to(ARCFACE))
    assert (frame.size, found[0].shows) == ((512, 512), digests_of(shown[None] / 255)[0])
    assert found[0].content == digest_of(good.read_bytes())


def test_kept_records_of_other_shapes_are_not_taken(portrait: Pixels, tmp_path: Path) -> None:
    """Somebody who can write into the cache can seal what he likes."""
    path, cache = tmp_path / "a.png", Cache(tmp_path / "cache")
    path.write_bytes(encode_pixels(portrait, "PNG"))
    (found,) = find([Photo("", "a.png", path)], Work(cache))
    (file,) = (tmp_path / "cache").rglob("*.safetensors")
    key = file.parent.name + file.stem
    whole = cache.get(key)
    assert whole is not None
    for odd in (
        {"x": torch.ones(1)},
        {**whole, "boxes": torch.zeros(2, 4)},
        {**whole, "landmarks": torch.zeros(1, 5, 3)},
        {**whole, "shows": torch.zeros(1, 3, 9, 9)},
    ):
        cache.put(key, odd)
        assert find([Photo("", "a.png", path)], Work(cache))[0].shows == found.shows


def test_a_second_look_finds_what_the_first_missed(portrait: Pixels, tmp_path: Path) -> None:
    """One face upright, and one that lies on its side: the first look finds the first alone."""
    face = np.asarray(Image.fromarray(portrait[:330, 90:420]).resize((210, 210)))
    both = np.concatenate([face, np.zeros((210, 220, 3), np.uint8), np.rot90(face, -1)], 1)
    (tmp_path / "both.png").write_bytes(encode_pixels(np.ascontiguousarray(both), "PNG"))
    (tmp_path / "one.png").write_bytes(encode_pixels(face, "PNG"))
    photos = [Photo("", name, tmp_path / name) for name in ("both.png", "one.png", "absent.png")]
    found = find(photos, Work())
    assert [len(each.frames) for each in found] == [1, 1, 0]
    assert missed(photos, found, Work()) == [1, 0, 0]
