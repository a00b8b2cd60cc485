"""What a person sees of a copy before it is made: eight strengths, computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from lowkey_core.faces.alignment import region
from lowkey_core.faces.detection import cut
from lowkey_core.faces.paste import added, spread
from lowkey_core.faces.visibility import dssim
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.photos.decoding import decode_pixels, encode_pixels
from lowkey_core.photos.scaled import scaled, scaled_part
from lowkey_core.publish.cut_out import CutOut
from lowkey_core.publish.preview import side_by_side
from lowkey_core.types import Images, Network, Pixels, Template
from web.engine import Engine
from web.limits import DISPLAY, EIGHTHS
from web.stored import StoredPhoto

_QUALITY = {"quality": 90, "subsampling": "4:4:4"}
"""Of previews; copies are never made from them."""
PLAIN = 75
"""JPEG quality of the plain copy that cloaked ones are compared with: what platforms do anyway."""


def previews(
    photo: StoredPhoto,
    pixels: Pixels,
    own: CutOut,
    changes: Tensor,
    engine: Engine,
    first: Callable[[], None],
) -> tuple[list[float], dict[str, list[float]]]:
    """Writes the pictures; returns what `Done.dssim` and `Done.likeness` hold.

    changes: (n, 3, 112, 112) int16, in grey levels. first: called once there is something to see,
    and before each further strength.
    """
    shown = displayed(pixels)
    photo.write("0.jpg", encode_pixels(shown, "JPEG", **_QUALITY))
    plan = engine.plan(photo.about.attack)
    networks = [engine.network(name, plan) for name in engine.named]
    templates = {network.template.name: network.template for network in networks}
    visible: list[float] = []
    faces: dict[str, list[Tensor]] = {name: [] for name in templates}

    def look(at: Pixels) -> None:
        for name, cuts in faces.items():
            cuts.append(_main(at, own, templates[name]))

    for eighths, changed in _strengths(pixels, own, changes):
        seen = redisplayed(shown, changed, own.warps)
        photo.write(f"{eighths}.jpg", encode_pixels(seen, "JPEG", **_QUALITY))
        sheet = side_by_side(pixels, changed, own.warps)
        photo.write(f"f{eighths}.jpg", encode_pixels(sheet, "JPEG", **_QUALITY))
        visible.insert(0, _visible(changed, own))
        look(changed)
        first()
    for cuts in faces.values():
        cuts.reverse()
    plain = decode_pixels(encode_pixels(pixels, "JPEG", quality=PLAIN))
    for other in (plain, pixels):
        for name, cuts in faces.items():
            cuts.insert(0, _main(other, own, templates[name]))
    return visible, {
        network.card.name: _likeness(network, faces[network.template.name]) for network in networks
    }


def _strengths(pixels: Pixels, own: CutOut, changes: Tensor) -> Iterator[tuple[int, Pixels]]:
    """The photo at each strength, the whole change first: it is what is shown first."""
    there = [
        spread(pixels, warp, change.float().div(255))
        for warp, change in zip(own.warps, changes, strict=True)
    ]
    for eighths in range(EIGHTHS, 0, -1):
        changed = pixels.copy()
        for rows, columns, change in there:
            part = changed[rows, columns]
            changed[rows, columns] = added(part, change * (eighths / EIGHTHS))
        yield eighths, changed


def displayed(pixels: Pixels) -> Pixels:
    """A photo at most DISPLAY pixels long."""
    height, width = pixels.shape[:2]
    factor = DISPLAY / max(height, width)
    if factor >= 1:
        return pixels
    return scaled(pixels, max(1, round(height * factor)), max(1, round(width * factor)))


def redisplayed(shown: Pixels, changed: Pixels, warps: Tensor) -> Pixels:
    """`displayed` of a changed photo. shown: that of the photo. Only the parts that the faces are
    in are made again, which saves a second and more for a large photo."""
    made, (height, width) = shown.copy(), shown.shape[:2]
    for warp in warps:
        parts = region(warp, *changed.shape[:2])[:2]
        sizes = zip(parts, changed.shape, shown.shape, strict=False)
        rows, columns = (_part(part, large, small) for part, large, small in sizes)
        made[rows, columns] = scaled_part(changed, height, width, rows, columns)
    return made


def _part(part: slice, large: int, small: int) -> slice:
    """Of a side that is scaled: where this part of it has a share. At least a pixel."""
    start = min(small - 1, max(0, part.start * small // large - _REACH))
    return slice(start, max(start + 1, min(small, math.ceil(part.stop * small / large) + _REACH)))


_REACH = 4
"""Pixels of the smaller picture that Lanczos' filter reaches, and one for rounding."""


def _visible(shown: Pixels, own: CutOut) -> float:
    """DSSIM of the most visible face."""
    seen: Images = torch.stack([cut(shown, warp) for warp in own.warps]).float().div(255)
    return float(dssim(own.faces, seen).max())


def _main(shown: Pixels, own: CutOut, template: Template) -> Tensor:
    """(3, size, size) uint8: the main face, where it is in the photo."""
    return cut(shown, own.frames[0].to(template), template.size)


def _likeness(network: Network, faces: Sequence[Tensor]) -> list[float]:
    """Cosines of the first face to each of the others, by flip-averaged embeddings."""
    with torch.no_grad():
        vectors = FlipAveraged(network)(torch.stack(list(faces)).float().div(255))
    return [round(float(each), 3) for each in vectors[1:] @ vectors[0]]
