"""The plots of a page, each with its table."""

from __future__ import annotations

import datetime
import math
import re

from audit.findings import Finding, cells
from audit.outcomes import Cell
from audit.plan import BASELINE
from audit.ranking import ranking
from audit.records import CloakRecord
from audit.report import AuditReport
from audit.timeline import timeline
from reports.parts import timeline as dates
from reports.parts.layout import Table, printable, rate
from reports.parts.plots import SERIES, Plot, Point, plot

_JPEG = re.compile(r"jpeg:(?:quality=)?([0-9]{1,2}|100)")
PUBLISHED = 105.0
"""Where pictures as published stand, on an axis of JPEG qualities up to 100."""


def of_cloak(report: AuditReport, cloak: CloakRecord) -> str:
    """After a title, where there are several cloaks."""
    return f" ({cloak.attack})" if len(report.cloaks) > 1 else ""


def jpeg(report: AuditReport, cloak: CloakRecord) -> Plot | None:
    """Protection against JPEG quality, of the first recogniser: the baseline, and the strongest
    others as far as series can be told apart; the table has all. None without two qualities."""
    first = report.recognisers[0].name
    found = cells(report, attack=cloak.attack, recogniser=first)
    by_adversary: dict[str, dict[float, Cell]] = {}
    for cell in found:
        if (quality := _quality(cell.transform)) is not None:
            by_adversary.setdefault(cell.adversary, {})[quality] = cell
    qualities = sorted({q for of in by_adversary.values() for q in of}, reverse=True)
    if len(qualities) < 2:
        return None
    ranked = [f.cell.adversary for f in ranking(report, cloak.attack)]
    drawn = [a for a in dict.fromkeys((BASELINE, *ranked)) if a in by_adversary][:SERIES]
    heads = ["as published" if q == PUBLISHED else f"JPEG {q:.0f}" for q in qualities]
    rows = tuple(
        (name, *(rate(of[q].protection) if q in of else "-" for q in qualities))
        for name, of in by_adversary.items()
    )
    points = [
        Point(q, cell.protection, "", f"{name}, {cell.transform}: {rate(cell.protection)}", i)
        for i, name in enumerate(drawn)
        for q, cell in sorted(by_adversary[name].items())
        if cell.protection.value is not None
    ]
    title = f"Protection against JPEG quality{of_cloak(report, cloak)}"
    note = f"Against {first}. Bars are 95% intervals over identities."
    return plot(
        title,
        "JPEG quality; at the right as published",
        points,
        [*((q, str(q)) for q in range(0, 101, 25)), (PUBLISHED, "")],
        printable(Table(title, ("adversary", *heads), rows, note)),
        span=(0, 108),
        keys=drawn,
    )


def _quality(transform: str) -> float | None:
    """Of a JPEG alone; None for other transforms and for chains."""
    if transform == "none":
        return PUBLISHED
    found = _JPEG.fullmatch(transform)
    return float(found[1]) if found else None


def dated(report: AuditReport, cloak: CloakRecord) -> Plot | None:
    """Protection by the date of a recogniser, numbered as in the table; None where the cloak or
    every recogniser has no date. That of a small network of this project says nothing."""
    if cloak.released is None:
        return None
    shown, moments = dates.dated(report, cloak), timeline(report, cloak)
    points, numbers = list[Point](), list[str]()
    for moment in moments:
        own, protection = moment.recogniser, moment.cell.protection
        numbers.append("-")
        if own.released and not own.embedded and protection.value is not None:
            numbers[-1] = str(len(points) + 1)
            said = f"{own.name}, {own.released:%Y-%m}: {rate(protection)}"
            points.append(Point(_year(own.released), protection, numbers[-1], said))
    if not points:
        return None
    years = [_year(cloak.released), *(p.x for p in points)]
    low, high = int(min(years)), int(max(years)) + 1
    step = max(1, (high - low) // 8)
    rows = tuple((n, *row) for n, row in zip(numbers, shown.rows, strict=True))
    return plot(
        shown.title,
        "when the recogniser became public",
        points,
        [(year, str(year)) for year in range(low, high + 1, step)],
        printable(Table(shown.title, ("point", *shown.columns), rows, shown.note)),
        span=(low, high),
        rule=(_year(cloak.released), "the cloak"),
    )


def _year(date: datetime.date) -> float:
    return date.year + (date.timetuple().tm_yday - 1) / 366


def visibility(report: AuditReport) -> Plot | None:
    """What several cloaks protect at worst, against how visible they are; None for one cloak."""
    if len(report.cloaks) < 2:
        return None
    points, rows = list[Point](), []
    for cloak in report.cloaks:
        dssim, found = cloak.quality[0].dssim, ranking(report, cloak.attack)
        number, worst = "-", found[0] if found else None
        if worst is not None and math.isfinite(dssim):
            number = str(len(points) + 1)
            said = f"{cloak.attack}, DSSIM {dssim:.4f}: {rate(worst.protection)}"
            points.append(Point(dssim, worst.protection, number, said))
        rows.append((number, cloak.attack, f"{dssim:.4f}", *_worst(worst)))
    title = "Visibility against protection"
    most = max([0.01, *(point.x for point in points)])
    heads = ("point", "cloak", "DSSIM mean", "protection at worst", "adversary", "with")
    note = "Pictures as published; the strongest adversary whose control holds."
    return plot(
        title,
        "DSSIM on the face, mean",
        points,
        [(most * i / 4, f"{most * i / 4:.3f}") for i in range(5)],
        printable(Table(title, heads, tuple(rows), note)),
        span=(0, most * 1.05),
    )


def _worst(found: Finding | None) -> tuple[str, ...]:
    if found is None:
        return ("inconclusive", "-", "-")
    return rate(found.protection), found.cell.adversary, found.cell.recogniser
