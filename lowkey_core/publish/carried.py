"""A cloak as the whole photo carries it: what a recogniser sees of the file that is published.

Clipping at black and white, 8 bits in the photo, and what its resolution can hold take a little of
a cloak away (docs/adr/0004-cloak-the-face-change-the-photo.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Generator

from lowkey_core.errors import DatasetError, PluginError
from lowkey_core.faces.detection import Frame, aligned
from lowkey_core.faces.paste import retouched
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.ledger import digest_of
from lowkey_core.publish.published import Published
from lowkey_core.types import Images, Pictures, digests_of
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

_ROUNDING = 1.5 / 255


class Carried:
    """Cloaks aligned faces, carries each change into its photo, and aligns that again.

    The pixels are those that the aligned face of `protect --faces largest` has in its PNG copy,
    where that is the photo's main face. `protect` cloaks every face unless told otherwise: the
    change of a neighbour that reaches into this face's template is not in them.
    """

    def __init__(
        self,
        published: Published,
        photos: Mapping[str, Photo],
        frames: Mapping[str, Frame],
        work: Work,
        *,
        label: str,
    ) -> None:
        """published: the cloak at the template. photos: the files, by picture name, and frames:
        where in them the faces are. label: for progress."""
        self._published, self._work, self._label = published, work, label
        self._photos, self._frames = photos, frames

    @cached_property
    def _contents(self) -> dict[str, str]:
        """Digests of the files. Raises: UnreadableImageError."""
        return {name: digest_of(photo.read()) for name, photo in self._photos.items()}

    @cached_property
    def fingerprint(self) -> str:
        """The cloak's own, and that of every photo and its frame. Raises: UnreadableImageError."""
        return fingerprint("carried", self._published, self._contents, self._frames)

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Images:
        """pictures: aligned faces of the photos. Returns (n, 3, 112, 112) float32 on the 256 grey
        levels; where the cloak changes nothing, the face as it was.

        Raises: PluginError for a picture of no known photo, UnreadableImageError, and DatasetError
        if a photo no longer shows the picture.
        """
        for name in pictures.names:
            if name not in self._photos:
                raise PluginError(
                    f"the cloak was given a picture called {name!r}",
                    expected="pictures of the background, by the names they have there",
                    remedy="select from threat.background, and change pictures once cloaked",
                )
        cloaked = self._published(pictures, rng)
        keys = [
            fingerprint("carried", *digests, self._contents[name], self._frames[name])
            for name, *digests in zip(
                pictures.names, pictures.digests, digests_of(cloaked), strict=True
            )
        ]
        records = self._work.through(
            self._label,
            keys,
            lambda i: self._carried(pictures.names[i], pictures.images[i, None], cloaked[i, None]),
        )
        return torch.cat([r["face"].float().div_(255) for r in records])

    def _carried(self, name: str, clean: Images, cloaked: Images) -> Record:
        frame = self._frames[name]
        pixels = decode_pixels(self._photos[name].read(), name)
        if (aligned(pixels, frame.warp) - clean).abs().max() > _ROUNDING:
            raise DatasetError(
                f"{name} does not show the face that is to be cloaked",
                expected="the photo, and the picture of its face, as they were at the start",
                remedy="leave photos alone during an audit, and change pictures once cloaked",
            )
        changed = retouched(pixels, frame.warp[None], cloaked - clean)
        return {"face": aligned(changed, frame.warp).mul(255).round().to(torch.uint8)}
