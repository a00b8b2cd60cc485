"""Published pictures as a platform serves them."""

from __future__ import annotations

import torch

from lowkey_core.photos.images import from_pixels, to_pixels
from lowkey_core.types import Pictures, Transform


def served(pictures: Pictures, transform: Transform) -> Pictures:
    """The same pictures after the platform's transform."""
    if not len(pictures):
        return pictures
    images = [from_pixels(transform(to_pixels(image))) for image in pictures.images.split(1)]
    return pictures.showing(torch.cat(images))
