"""Curves of a page: protection against the share of pictures that is cloaked, and detectors'
ROC curves; each with its table."""

from __future__ import annotations

import re

from audit.findings import cells
from audit.outcomes import FLAGGED, Cell, Outcome
from audit.plan import BASELINE
from audit.ranking import ranking
from audit.records import CloakRecord
from audit.report import AuditReport
from reports.parts.charts import of_cloak
from reports.parts.layout import Table, printable, rate
from reports.parts.plots import SERIES, Plot, Point, lines, plot

_MIXED = re.compile(r"mixed(:(share=)?[0-9.]+)?")
_TOLD = (0.0, 0.01, 0.05, 0.1, 0.2, 0.5)
"""False positive rates whose true positive rates stand in the table."""
_QUARTERS = [(i / 4, f"{i / 4:.2f}") for i in range(5)]


def mixing(report: AuditReport, cloak: CloakRecord) -> Plot | None:
    """Protection against the share of each gallery that is cloaked, of the first recogniser: the
    baseline, and the strongest others as far as series can be told apart; the table has all. None
    without two shares."""
    first = report.recognisers[0].name
    by_adversary: dict[str, dict[float, Cell]] = {}
    for name in filter(_MIXED.fullmatch, report.plan.publish.scenarios):
        wanted = {"attack": cloak.attack, "recogniser": first, "transform": "none"}
        for cell in cells(report, scenario=name, **wanted):
            by_adversary.setdefault(cell.adversary, {})[cell.cloaked_share] = cell
    shares = sorted({share for of in by_adversary.values() for share in of})
    if len(shares) < 2:
        return None
    strongest = [f.cell.adversary for f in ranking(report, cloak.attack)]
    names = dict.fromkeys((BASELINE, *strongest, *by_adversary))
    drawn = [name for name in names if name in by_adversary][:SERIES]
    points = [
        Point(share, cell.protection, "", f"{name}, {share:.0%}: {rate(cell.protection)}", i)
        for i, name in enumerate(drawn)
        for share, cell in sorted(by_adversary[name].items())
        if cell.protection.value is not None
    ]
    title = f"Protection against the share that is cloaked{of_cloak(report, cloak)}"
    heads = ("adversary", *(f"{share:.0%} cloaked" for share in shares))
    rows = tuple(
        (name, *(rate(of[s].protection) if s in of else "-" for s in shares))
        for name, of in by_adversary.items()
    )
    note = (
        f"Against {first}, pictures as published. Of each protected person's pictures this share "
        "is cloaked; the others were online before. Bars are 95% intervals over identities."
    )
    return plot(
        title,
        "share of a person's pictures that is cloaked",
        points,
        _QUARTERS,
        printable(Table(title, heads, rows, note)),
        span=(0, 1),
        keys=drawn,
    )


def roc(report: AuditReport, cloak: CloakRecord) -> Plot | None:
    """How well each detector tells cloaked pictures from clean ones, as published and at every
    threshold; after transforms in the table alone. None where no report holds a curve."""
    found: dict[tuple[str, str], Outcome] = {}
    for cell in cells(report, attack=cloak.attack):
        outcome = cell.outcomes.get(FLAGGED, Outcome())
        if outcome.curve:
            found.setdefault((cell.adversary, cell.transform), outcome)
    if not found:
        return None
    heads = ("adversary", "transform", *(f"at {at:.0%} FPR" for at in _TOLD), "AUC")
    rows = tuple((*place, *_told(outcome)) for place, outcome in found.items())
    title = f"How well are cloaks spotted?{of_cloak(report, cloak)}"
    note = (
        "True positive rate, the share of cloaked pictures that is flagged, where this share of "
        "clean ones is (FPR). Of identities the detector never saw; drawn are pictures as "
        "published. The dotted line is guessing."
    )
    shown = [(name, o.curve) for (name, changed), o in found.items() if changed == "none"][:SERIES]
    return lines(
        title,
        "false positive rate: share of clean pictures that is flagged",
        shown or [(": ".join(place), o.curve) for place, o in found.items()][:SERIES],
        _QUARTERS,
        printable(Table(title, heads, rows, note)),
        guess=((0.0, 0.0), (1.0, 1.0)),
    )


def _told(outcome: Outcome) -> tuple[str, ...]:
    """The curve at the rates of the table: the highest point that has no more false positives."""
    at = (
        max((true for false, true in outcome.curve if false <= rate), default=None)
        for rate in _TOLD
    )
    figures = ["-" if true is None else f"{true:.2f}" for true in at]
    return (*figures, "-" if outcome.value is None else f"{outcome.value:.4f}")
