"""An animation as pictures, and pictures as an animation. Does not import torch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from lowkey_core.errors import UnreadableImageError
from lowkey_core.photos.decoding import MAX_PIXELS, encoded, opened


@dataclass(frozen=True)
class Animation:
    """What an animated file shows."""

    frames: list[bytes]
    """Each as a PNG file, with its transparency."""
    durations: list[float]
    """Of each frame, in milliseconds."""
    loop: int
    """How often it is shown; 0: for ever."""

    def of(self, pictures: Sequence[Image.Image]) -> bytes:
        """An animated PNG file of these pictures, which has all the colours of each."""
        first, *others = [picture.convert("RGBA") for picture in pictures]
        file = io.BytesIO()
        first.save(
            file,
            "PNG",
            save_all=True,
            append_images=others,
            duration=self.durations,
            loop=self.loop,
        )
        return file.getvalue()


def read(content: bytes, name: object = "picture") -> Animation:
    """The frames of a file, as they are shown. Raises: UnreadableImageError, also if they have more
    than MAX_PIXELS together."""
    with opened(content, name) as file:
        count: int = getattr(file, "n_frames", 1)
        width, height = file.size
        if count * width * height > MAX_PIXELS:
            raise UnreadableImageError(
                f"{name} cannot be read ({count} frames of {width}x{height})",
                expected=f"at most {MAX_PIXELS / 1e6:g} megapixels in all frames",
                remedy="make it shorter or smaller",
                reason="too large",
            )
        frames, durations = [], []
        loop = int(file.info.get("loop", 1))
        for number in range(count):
            file.seek(number)
            frames.append(encoded(file.convert("RGBA"), "PNG"))
            durations.append(float(file.info.get("duration", _USUAL)))
    return Animation(frames, durations, loop)


_USUAL = 100
"""Milliseconds, where a file does not say."""
