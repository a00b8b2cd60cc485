"""Pictures that a report holds: a few photos, their cloaked copies, and what differs. Never imports
torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from audit.outcomes import Record

MOST = 24
"""Photos that a report shows."""
Jpeg = Annotated[str, Field(max_length=60_000, pattern=r"^/9j/[A-Za-z0-9+/]{20,}={0,2}$")]
"""A small picture in JPEG, in base64."""
ENLARGED = 10
"""Times that a difference is shown enlarged, around a middle grey."""


class Shown(Record):
    """The face of a photo, aligned, as its owner publishes it: before and after cloaking."""

    attack: str
    person: str
    photo: str
    invented: bool
    """The person does not exist: this project drew the photo."""
    dssim: float
    linf: float
    """Largest change of a pixel, in [0, 1]. Both are of the faces before they were compressed."""
    clean: Jpeg
    cloaked: Jpeg
    difference: Jpeg
    """Cloaked less clean, ENLARGED times."""
