"""Which photos a report shows, and what of them: chosen and kept at audit time.

Faces of real people are kept only where that was asked for. People who do not exist are those that
SynthFaces draws; of a photo of any other data set, nobody knows.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from audit.publishing import Publication
from audit.scene import Scene
from audit.shown import ENLARGED, MOST, Shown
from audit.visible import Ruler, per_picture
from lowkey_core.cloaks import ThirdPartyCloak
from lowkey_core.datasets.synthetic import GeneratedPhoto
from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Picture, Pixels

_OF_A_CLOAK = 3
"""Photos: the least, the median and the most visible (ours)."""
_QUALITY = 95
"""Of the JPEG files (ours): a face takes a few kilobytes. Colours have their full resolution:
halved, as WebP has them, part of a cloak would not be seen."""


def shown(
    scene: Scene, published: Sequence[Publication], ruler: Ruler, *, faces: bool
) -> tuple[Shown, ...]:
    """A few photos of each audited cloak. faces: those of real people, too."""
    own = {p.attack: p for p in published}
    few = len(scene.tools) * _OF_A_CLOAK <= MOST
    return tuple(
        one
        for tool in scene.tools[:MOST]
        for one in _of(scene, tool, own[tool.name], ruler, faces, several=few)
    )


def _of(
    scene: Scene,
    tool: CloakTool,
    published: Publication,
    ruler: Ruler,
    faces: bool,
    *,
    several: bool,
) -> Iterator[Shown]:
    rows = [
        row
        for row in published.covered.nonzero().flatten().tolist()
        if faces or _invented(scene.photos.gallery.items[row], tool)
    ]
    if not rows:
        return
    clean, cloaked = scene.photos.gallery.select(rows), published.gallery.select(rows)
    ruler = replace(ruler, bound=tool.about.budget.linf)  # as for the report: all of it is kept
    found = per_picture(clean, cloaked, ruler, scene.work)
    for i in _spread(found["dssim"], several=several):
        before, after = (pictures.items[i] for pictures in (clean, cloaked))
        pixels, changed = (p.face().permute(1, 2, 0).numpy() for p in (before, after))
        yield Shown(
            attack=tool.name,
            person=scene.photos.names[before.identity],
            photo=before.name,
            invented=_invented(before, tool),
            dssim=float(found["dssim"][i]),
            linf=float(found["linf"][i]),
            clean=_jpeg(pixels),
            cloaked=_jpeg(changed),
            difference=_jpeg(_enlarged(pixels, changed)),
        )


def _invented(picture: Picture, tool: CloakTool) -> bool:
    """Whether nobody real is in the photo or its copy; a copy from elsewhere may show anybody."""
    drawn = isinstance(getattr(picture, "photo", None), GeneratedPhoto)
    return drawn and not isinstance(tool.cloak, ThirdPartyCloak)


def _spread(dssim: Tensor, *, several: bool) -> list[int]:
    """The least, the median and the most visible, in this order; else the median alone."""
    order = dssim.argsort(stable=True).tolist()
    last = len(order) - 1
    places = (0, last // 2, last) if several else (last // 2,)
    return [order[place] for place in dict.fromkeys(places)]


def _enlarged(clean: Pixels, cloaked: Pixels) -> Pixels:
    change = cloaked.astype(np.int16) - clean
    return (128 + ENLARGED * change).clip(0, 255).astype(np.uint8)


def _jpeg(pixels: Pixels) -> str:
    return base64.b64encode(encode_pixels(pixels, "JPEG", quality=_QUALITY, subsampling=0)).decode()
