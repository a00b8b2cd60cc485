"""One photo of a session, as files: what came, what was made of it, and what is known of it.

photo       the file that was sent
about.json  its name, its format, its size, what was asked for
cut.npz     where its faces are, and how the cloak changes them
0.jpg       what it shows, at display size; 1.jpg to 8.jpg its copies in eighths of the change
f1.jpg ...  each face before, after, and the difference enlarged
done.json   what became of it, and how like it its copies are; written last
strength    the eighths that were chosen
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lowkey_core.photos.photo import Photo
from lowkey_core.work.files import write_atomically
from web.limits import EIGHTHS


@dataclass(frozen=True)
class About:
    """What is known of a photo when it has come."""

    name: str
    """As the person calls it, shown to them alone."""
    kind: str
    """Its format, told by its content."""
    size: int
    """Bytes of its file."""
    width: int
    height: int
    """As its header has it."""
    attack: str
    """The cloak that was chosen."""
    eighths: int
    """The strength that was chosen first."""


@dataclass(frozen=True)
class Done:
    """What became of a photo."""

    status: str
    """`cloaked`, `no face`, `not possible`, `cancelled`."""
    detail: str = ""
    faces: int = 0
    more: int = 0
    """Faces that only a second look found; they are not cloaked."""
    width: int = 0
    height: int = 0
    """Upright."""
    boxes: list[list[float]] = field(default_factory=list)
    """Of each face: left, top, right, bottom, in pixels."""
    dssim: list[float] = field(default_factory=list)
    """Of the most visible face, by eighths from 1."""
    likeness: dict[str, list[float]] = field(default_factory=dict)
    """Of the main face to itself by recogniser: of a plain JPEG copy, then by eighths from 1."""
    seconds: float = 0.0


_ABOUT, _DONE = TypeAdapter(About), TypeAdapter(Done)


class StoredPhoto:
    """A folder of such files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = int(folder.name)

    @property
    def there(self) -> bool:
        """Whether the photo came whole."""
        return (self.folder / "about.json").is_file()

    @property
    def about(self) -> About:
        """Raises: OSError, ValueError."""
        return _ABOUT.validate_json((self.folder / "about.json").read_bytes())

    @property
    def photo(self) -> Photo:
        """For what reads photos; its name is its number, so that no message names the person's."""
        return Photo("", str(self.number), self.folder / "photo")

    @property
    def done(self) -> Done | None:
        """None while it waits, or is worked on."""
        with contextlib.suppress(OSError, ValidationError):
            return _DONE.validate_json((self.folder / "done.json").read_bytes())
        return None

    @property
    def shown(self) -> bool:
        """Whether the first preview is there."""
        return (self.folder / f"{EIGHTHS}.jpg").is_file()

    @property
    def eighths(self) -> int:
        """The strength that was chosen last."""
        with contextlib.suppress(OSError, ValueError):
            return min(EIGHTHS, max(1, int((self.folder / "strength").read_text())))
        with contextlib.suppress(OSError, ValidationError):
            return self.about.eighths
        return EIGHTHS

    def choose(self, eighths: int) -> None:
        """Raises: StorageError."""
        self.write("strength", str(eighths).encode())

    def finish(self, done: Done) -> None:
        """The last file of it. Raises: StorageError."""
        self.write("done.json", _json(asdict(done)))

    def begin_again(self) -> None:
        """As if it had just come."""
        with contextlib.suppress(OSError):
            (self.folder / "done.json").unlink(missing_ok=True)

    def remove(self) -> None:
        """All of it, as far as that is possible."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all. Raises: StorageError."""
        write_atomically(self.folder / name, content)

    def keep(self, content: bytes, about: About) -> None:
        """A photo that has come; `about` last. Raises: StorageError."""
        self.write("photo", content)
        self.write("about.json", _json(asdict(about)))


def _json(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True).encode()
