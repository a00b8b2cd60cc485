"""What is kept of photos: their faces, and why there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lowkey_core.content import digests_of
from lowkey_core.faces.detection import cut
from lowkey_core.faces.found import find
from lowkey_core.photos.decoding import Pixels, encode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.photos.photo import Photo, digest_of
from lowkey_core.types import ARCFACE
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
