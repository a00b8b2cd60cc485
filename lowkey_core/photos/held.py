"""Photos that are looked at several times in a row, and decoded once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.photos.photo import digest_of
from lowkey_core.work.bounded import Bounded

MOST = 128 * 2**20
"""Bytes of pixels that are held, but for a single photo that has more."""
_HELD: ContextVar[Bounded[Pixels] | None] = ContextVar("held", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Inside, the photos that were decoded last are held; at the end all are forgotten."""
    before = _HELD.set(Bounded(MOST, lambda pixels: pixels.nbytes))
    try:
        yield
    finally:
        _HELD.reset(before)


def decoded(content: bytes, name: object = "picture") -> Pixels:
    """As `decode_pixels`; inside `held` not for whoever asks alone, so not to be written to.
    Raises: UnreadableImageError."""
    memory = _HELD.get()
    if memory is None:
        return decode_pixels(content, name)
    return memory.get(digest_of(content), lambda: decode_pixels(content, name))
