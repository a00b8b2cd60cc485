"""The copy of one photo or animation, made in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lowkey_core.faces.detection import cut, detect
from lowkey_core.faces.paste import retouched
from lowkey_core.faces.visibility import dssim
from lowkey_core.photos.animation import Animation
from lowkey_core.photos.decoding import decode_pixels, encode_pixels, encoded
from lowkey_core.photos.original import Original, read
from lowkey_core.publish.cut_out import CutOut
from lowkey_core.publish.preview import side_by_side
from lowkey_core.publish.served import ELSEWHERE
from lowkey_core.publish.settings import Settings
from lowkey_core.types import Images, Pixels


@dataclass(frozen=True)
class Made:
    """A cloaked copy."""

    content: bytes
    faces: int
    """Cloaked; of an animation, in the frame that has most."""
    dssim: float
    """Of the most visible face, as the file holds it."""
    preview: bytes
    """Every face before, after, and what changed: a PNG file."""
    notes: str
    """What of the photo the file does not keep, and if nothing was changed in it."""
    seen: int | None = None
    """Cloaked faces that the detector still finds; None: not looked for."""


def photo(shown: Original, own: CutOut, changes: Images, settings: Settings, *, flat: bool) -> Made:
    """flat: as JPEG, else as PNG."""
    changed = retouched(shown.pixels, own.warps, changes)
    if flat:
        kept = shown.quality if settings.file_format == "same" else None
        quality = settings.quality or kept or 95
        content = encoded(shown.flat(changed), "JPEG", quality=quality, subsampling="4:4:4")
    else:
        content = encoded(shown.changed(changed), "PNG")
    held = decode_pixels(content)
    sheet = side_by_side(shown.pixels, held, own.warps) if settings.preview else None
    found = detect(held)
    # Row by row: the first that differs is enough.
    same = all((a == b).all() for a, b in zip(changed, shown.pixels, strict=True))
    return Made(
        content,
        len(own.faces),
        visible(own, held),
        b"" if sheet is None else encode_pixels(sheet, "PNG"),
        "; ".join([*shown.lost(flat=flat), *([NOTHING] if same else [])]),
        sum(any(f.overlap(again) >= ELSEWHERE for again in found) for f in own.frames),
    )


NOTHING = "the cloak changed nothing"


def animation(
    moving: Animation, cloaked: Sequence[tuple[CutOut, Images]], settings: Settings
) -> Made:
    """cloaked: the faces of each frame, and how they change. The preview shows the first frame
    that has a face."""
    pictures, most, worst, sheet = [], 0, 0.0, b""
    for content, (own, changes) in zip(moving.frames, cloaked, strict=True):
        shown = read(content)
        changed = retouched(shown.pixels, own.warps, changes)
        pictures.append(shown.changed(changed))
        if not len(own.faces):
            continue
        most, worst = max(most, len(own.faces)), max(worst, visible(own, changed))
        if settings.preview and not sheet:
            sheet = encode_pixels(side_by_side(shown.pixels, changed, own.warps), "PNG")
    lost = f"{len(pictures)} frames, as an animated PNG"
    return Made(moving.of(pictures), most, worst, sheet, lost)


def visible(own: CutOut, held: Pixels) -> float:
    """DSSIM of the most visible face. held: what the copy shows."""
    return max(
        dssim(clean[None], cut(held, warp)[None].float().div(255)).item()
        for clean, warp in zip(own.faces, own.warps, strict=True)
    )
