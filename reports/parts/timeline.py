"""Protection as a function of a recogniser's date less the cloak's, its family beside it."""

from __future__ import annotations

from audit.records import CloakRecord
from audit.report import AuditReport
from audit.timeline import Moment, stronghold, timeline
from reports.parts.layout import Table, rate

UNSEEN = "unseen (ours)"
"""In place of a date's distance, of a small network of this project: it is never newer."""


def dated(report: AuditReport, cloak: CloakRecord) -> Table:
    """Of pictures as published, under the plan's first scenario and each recogniser's first
    matcher. cloak: one with a date."""
    moments = timeline(report, cloak)
    return Table(
        f"Do newer recognisers undo {cloak.attack}?",
        (
            "recogniser",
            "family",
            "released",
            "after the cloak",
            "held out",
            "protection",
            "control",
        ),
        tuple(map(_row, moments)),
        _note(cloak, moments),
    )


def _row(moment: Moment) -> tuple[str, ...]:
    own = moment.recogniser
    return (
        own.name,
        own.family or "not stated",
        f"{own.released:%Y-%m}" if own.released else "not stated",
        _distance(moment),
        _held_out(moment),
        rate(moment.cell.protection),
        rate(moment.cell.control),
    )


def _distance(moment: Moment) -> str:
    if moment.recogniser.embedded:
        return UNSEEN if moment.relation.held_out else "ours"
    return "not stated" if moment.months is None else f"{moment.months:+d} months"


def _held_out(moment: Moment) -> str:
    if moment.relation.same_as:
        return f"no: it is {', '.join(moment.relation.same_as)}"
    return {True: "yes", False: "no", None: "not stated"}[moment.relation.held_out]


def _note(cloak: CloakRecord, moments: tuple[Moment, ...]) -> str:
    said = f"Pictures as published; {cloak.attack} is of {cloak.released:%Y-%m}."
    services = [m.recogniser.name for m in moments if m.recogniser.service]
    if services:
        said += f" Of {', '.join(services)}, held out is told by the card alone."
    if pair := stronghold(cloak, moments):
        most, least = pair
        said += (
            f" Date alone does not decide: {most.recogniser.name} came "
            f"{most.months} months after the cloak and is of a surrogate's family "
            f"({most.recogniser.family}), and the cloak protects against it more, "
            f"{rate(most.cell.protection)}, than against {least.recogniser.name} "
            f"({least.recogniser.family}), {rate(least.cell.protection)}{_overlap(most, least)}."
        )
    return said


def _overlap(most: Moment, least: Moment) -> str:
    apart = most.cell.protection.interval[0] > least.cell.protection.interval[1]
    return "" if apart else ", though the intervals overlap"
