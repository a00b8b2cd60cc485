"""How cloaked copies of photos are made."""

from __future__ import annotations

from dataclasses import dataclass

from lowkey_core.errors import OptionError, setting

FACES = ("all", "largest", "mine")
FORMATS = ("png", "jpeg", "same")
PNG, JPEG = ".png", ".jpg"
"""Suffixes of copies."""


@dataclass(frozen=True)
class Settings:
    """How copies are made."""

    faces: str = "all"
    """One of FACES; mine: of the person who is in most of the photos."""
    strength: float = 1.0
    """Share of the cloak's change that is applied, 0 to 1."""
    file_format: str = "png"
    """One of FORMATS; same: a JPEG stays one, any other format becomes PNG."""
    quality: int | None = None
    """Of JPEG, 1 to 100, else 95, or that of the photo's own file where the format stays the same.
    Colour keeps its resolution."""
    preview: bool = False
    """Also photo, copy and enlarged difference, side by side."""
    frames: bool = False
    """Whether animations are cloaked, frame by frame; else they are refused."""

    def __post_init__(self) -> None:
        """Raises: OptionError."""
        for option, value, choices in (
            ("faces", self.faces, FACES),
            ("format", self.file_format, FORMATS),
        ):
            if value not in choices:
                raise OptionError(
                    f"{setting(option)} is {value!r}",
                    expected=" or ".join(choices),
                    remedy=f"correct {setting(option)}",
                )
        for option, number, low, high in (
            ("strength", self.strength, 0, 1),
            ("quality", self.quality, 1, 100),
        ):
            if number is not None and not low <= number <= high:
                raise OptionError(
                    f"{setting(option)} is {number}",
                    expected=f"{low} to {high}",
                    remedy=f"correct {setting(option)}",
                )
        if self.quality is not None and self.file_format == "png":
            raise OptionError(
                f"{setting('quality', self.quality)} was given for {self.file_format} files",
                expected=f"{setting('format', 'jpeg')} with it",
                remedy=f"add {setting('format', 'jpeg')}, or leave {setting('quality')} out",
            )

    def suffix(self, kind: str | None) -> str:
        """Of the copy of a photo of that format."""
        same = PNG if kind != "JPEG" else JPEG
        return {"png": PNG, "jpeg": JPEG, "same": same}[self.file_format]
