"""How figures differ: between two arms on the same probes, splits and groups of the people."""

from __future__ import annotations

from audit.findings import answers, between, differences
from audit.groups import ENOUGH, GroupFigure, by_group
from audit.records import Comparison
from audit.report import AuditReport
from reports.parts import words
from reports.parts.layout import Table, rate


def compared(report: AuditReport) -> Table:
    return Table(
        "What differs, on the same probes?",
        ("protection with", "less that with", "where", "difference", "people"),
        tuple(_compared(report, c) for c in differences(report)),
        "Paired by person; who was detected in either is left out.",
    )


def groups(report: AuditReport) -> Table:
    """Where the data set says which group people are of."""
    found = by_group(report)
    few = any(not figure.enough for figure in found)
    return Table(
        "Does it protect every group?",
        ("group", "cloak", "adversary", "recogniser", "people", "protection", "control"),
        tuple(_group(figure) for figure in found),
        f"Groups of fewer than {ENOUGH} people are too small: their figures say nothing of others."
        if few
        else "",
    )


def _group(figure: GroupFigure) -> tuple[str, ...]:
    cell, gone = figure.cell, figure.detected
    told = [rate(figure.protection)]
    told += ["too few people"] * (not figure.enough) + [f"{gone} detected"] * (gone > 0)
    return (
        figure.group or "not stated",
        *(cell.attack, cell.adversary, cell.recogniser, str(figure.people)),
        "; ".join(told),
        rate(figure.control),
    )


_FIELDS = {"recognisers": "recogniser", "cloaks": "attack", "adversaries": "adversary"}
"""Of an arm, what differs."""


def _compared(report: AuditReport, c: Comparison) -> tuple[str, ...]:
    field = _FIELDS[c.what]
    low, high = c.interval
    ranks = {adversary.name: adversary.scored_at for adversary in report.adversaries}
    return (
        *(words.scored(getattr(a, field), ranks.get(a.adversary, 1)) for a in (c.one, c.less)),
        ", ".join(v for k, v in c.one.model_dump().items() if k != field),
        f"{c.difference:+.2f} [{low:+.2f}, {high:+.2f}]",
        str(c.people),
    )


def splits(report: AuditReport) -> Table:
    """Of the answers' figures, where the people were split several times."""
    rows = []
    for answer in answers(report) if report.splits else ():
        for finding in answer.findings:
            if found := between(report, finding):
                what = (answer.attack, answer.question, words.what(report, finding))
                ends = (f"{value:.2f} (seed {seed})" for value, seed in (found[0], found[-1]))
                rows.append((*what, words.protection(finding), *ends))
    people = ", ".join(f"{len(split.people)} with seed {split.seed}" for split in report.splits)
    return Table(
        "Between splits",
        ("cloak", "question", "", "pooled", "least", "greatest"),
        tuple(rows),
        f"People: {people}. Who is in several splits is one person in the pooled figures.",
    )
