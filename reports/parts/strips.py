"""The picture strips of a page: a photo, its cloaked copy, and what differs; with their figures."""

from __future__ import annotations

from dataclasses import dataclass

from audit.records import CloakRecord
from audit.report import AuditReport
from audit.shown import ENLARGED, Shown
from lowkey_core.errors import as_flag, one_line
from reports.parts.charts import of_cloak
from reports.parts.layout import Table, printable

_FLAG = as_flag("include_faces", "").strip()
_NONE = (
    "This report holds no picture: it keeps faces of people who do not exist, and of real ones "
    f"only if the audit was run with {_FLAG}."
)
_LEFT_OUT = (
    "The report holds faces that may be real people's, and this page leaves them out: "
    f"`report RUN --format html {_FLAG}` shows them."
)


@dataclass(frozen=True)
class Picture:
    """One of a strip; its text says what it shows."""

    source: str
    """A data: address."""
    text: str


@dataclass(frozen=True)
class Strip:
    """Rows of three pictures, numbered as in the table."""

    title: str
    rows: tuple[tuple[Picture, ...], ...]
    table: Table


def strip(report: AuditReport, cloak: CloakRecord, *, faces: bool) -> Strip | None:
    """Of a cloak; None where there is nothing that may be shown. faces: those of real people may
    be."""
    seen = [s for s in _allowed(report, faces) if s.attack == cloak.attack]
    if not seen:
        return None
    title = f"What does it look like?{of_cloak(report, cloak)}"
    rows = tuple(
        (str(i), s.person, s.photo, f"{s.dssim:.4f}", f"{s.linf:.3f}")
        for i, s in enumerate(seen, 1)
    )
    note = (
        "Photos with the least, the median and the greatest DSSIM: aligned faces, as published. "
        f"The difference is {ENLARGED} times enlarged, around grey. Figures are of the faces "
        "before they were compressed for this page."
    )
    heads = ("photo", "person", "file", "DSSIM", "L-infinity")
    return Strip(
        one_line(title),
        tuple(tuple(_pictures(i, s)) for i, s in enumerate(seen, 1)),
        printable(Table(title, heads, rows, note)),
    )


def missing(report: AuditReport, *, faces: bool) -> str:
    """Why a page shows no face, or not all; "" where it does."""
    allowed = len(_allowed(report, faces))
    if not report.shown:
        return _NONE
    return _LEFT_OUT if allowed < len(report.shown) else ""


def _allowed(report: AuditReport, faces: bool) -> list[Shown]:
    return [s for s in report.shown if faces or s.invented]


def _pictures(number: int, shown: Shown) -> list[Picture]:
    texts = ("as it was", "cloaked", f"{ENLARGED} times the difference")
    sources = (shown.clean, shown.cloaked, shown.difference)
    return [
        Picture(f"data:image/jpeg;base64,{source}", f"Photo {number}: {text}")
        for source, text in zip(sources, texts, strict=True)
    ]
