"""Photos that are held while they are looked at several times."""

from __future__ import annotations

import numpy as np
import pytest

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos import held as module
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.held import decoded, held

PHOTOS = [encode_pixels(np.full((20, 30, 3), level, np.uint8), "PNG") for level in (10, 200)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was decoded."""
    seen = list[bytes]()

    def noted(content: bytes, name: object) -> module.Pixels:
        seen.append(content)
        return decode_pixels(content, name)

    monkeypatch.setattr(module, "decode_pixels", noted)
    return seen


def test_a_held_photo_is_decoded_once_and_forgotten_at_the_end(asked: list[bytes]) -> None:
    one, other = PHOTOS
    for _ in range(2):
        with held():
            shown = [decoded(content) for content in (one, other, one, other)]
        assert [int(pixels[0, 0, 0]) for pixels in shown] == [10, 200, 10, 200]
    assert asked == [one, other] * 2
    decoded(one)
    decoded(one)
    assert asked == [one, other] * 2 + [one] * 2, "outside nothing is held"


def test_no_more_is_held_than_fits(asked: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 20 * 30 * 3)
    one, other = PHOTOS
    with held():
        for content in (one, one, other, one):
            decoded(content)
    assert asked == [one, other, one]


def test_what_cannot_be_read_says_so_each_time() -> None:
    with held():
        for _ in range(2):
            with pytest.raises(UnreadableImageError, match=r"odd\.png"):
                decoded(b"no picture", "odd.png")
