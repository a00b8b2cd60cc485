"""What a platform does to a photo after publication. Real encoders, no imitations.

A transform is named `kind` or `kind:value`; `resize:0.5+jpeg:75` is a chain, left to right.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from PIL import Image

from lowkey_core.errors import OptionError, unknown_name
from lowkey_core.faces.visibility import smooth
from lowkey_core.photos.images import decode, encode, from_pillow, to_pillow
from lowkey_core.types import Images, Transform, quantise


def parse(name: str) -> Transform:
    """The transform called `name`. Raises: UnknownNameError, OptionError."""
    steps = [_parse_one(part) for part in name.split("+")]

    def chain(images: Images) -> Images:
        for step in steps if len(images) else ():
            images = step(images)
        return images

    return chain


def _parse_one(name: str) -> Transform:
    kind, _, value = name.partition(":")
    if kind not in KINDS:
        raise unknown_name("transform", kind, KINDS)
    make, low, high = KINDS[kind]
    if low is None or high is None:
        if value:
            raise OptionError(
                f"{name!r} carries a value",
                expected=f"{kind!r} alone",
                remedy="leave out the value",
            )
        return make(0.0)
    try:
        number = float(value)
        if not low <= number <= high:
            raise ValueError
        return make(number)
    except ValueError:
        raise OptionError(
            f"{name!r} has value {value!r}",
            expected=f"{kind}:VALUE with {low:g} <= VALUE <= {high:g}",
            remedy=f"write for example {_EXAMPLES[kind]}",
        ) from None


def _file(file_format: str, **options: object) -> Transform:
    """Through a real file and back."""

    def through_file(images: Images) -> Images:
        return torch.cat([decode(encode(i, file_format, **options)) for i in images.split(1)])

    return through_file


def _jpeg(quality: float) -> Transform:
    if quality != int(quality):
        raise ValueError
    return _file("JPEG", quality=int(quality), subsampling="4:2:0")


def _resize(factor: float) -> Transform:
    """Smaller by `factor` and back to its size, as alignment will do with a smaller photo."""

    def there_and_back(images: Images) -> Images:
        height, width = images.shape[2:]
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        return torch.cat(
            [
                from_pillow(
                    to_pillow(i)
                    .resize(small, Image.Resampling.LANCZOS)
                    .resize((width, height), Image.Resampling.BICUBIC)
                )
                for i in images.split(1)
            ]
        )

    return there_and_back


def _blur(sigma: float) -> Transform:
    return lambda images: quantise(smooth(images, 2 * int(3 * sigma + 0.5) + 1, sigma))


KINDS: dict[str, tuple[Callable[[float], Transform], float | None, float | None]] = {
    "none": (lambda _: quantise, None, None),  # an 8-bit file without loss
    "png": (lambda _: _file("PNG"), None, None),
    "jpeg": (_jpeg, 1, 100),
    "resize": (_resize, 0.05, 1),
    "blur": (_blur, 0.1, 10),
}
"""Each kind's maker, and the range of its value (None: it takes none)."""

_EXAMPLES = {"jpeg": "jpeg:75", "resize": "resize:0.5", "blur": "blur:1.5"}
USAGE = tuple(_EXAMPLES.get(kind, kind) for kind in KINDS)
"""One example of each kind."""
