"""Protection by the dates of recognisers, which time alone does not decide. Never imports torch."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from audit.findings import MIN_CONTROL, cells
from audit.outcomes import Cell
from audit.plan import BASELINE
from audit.records import CloakRecord, RecogniserRecord, Relation
from audit.report import AuditReport


@dataclass(frozen=True)
class Moment:
    """One recogniser against one cloak, as published."""

    recogniser: RecogniserRecord
    relation: Relation
    cell: Cell
    months: int | None
    """From the cloak's release to the recogniser's, by the calendar; None where a date is not
    stated, and for small networks of this project, whose date says nothing."""

    @property
    def conclusive(self) -> bool:
        """Whether its protection may be compared with others': it finds people in the clean
        gallery, and the cloak was not optimised against it."""
        works = (self.cell.control.value or 0) >= MIN_CONTROL
        return works and self.relation.held_out is not False and self.protection is not None

    @property
    def protection(self) -> float | None:
        """None where everybody was detected."""
        return self.cell.protection.value


def timeline(report: AuditReport, cloak: CloakRecord) -> tuple[Moment, ...]:
    """Every recogniser that the baseline tried, oldest first; then those without a date, and small
    networks of this project."""
    found = cells(report, attack=cloak.attack, adversary=BASELINE, transform="none")
    measured = {c.recogniser: c for c in reversed(found)}
    moments = [
        Moment(r, r.relations[cloak.attack], measured[r.name], _months(cloak, r))
        for r in report.recognisers
        if r.name in measured
    ]
    return tuple(sorted(moments, key=_age))


def _age(moment: Moment) -> tuple[bool, bool, datetime.date]:
    own = moment.recogniser
    return own.embedded, own.released is None, own.released or datetime.date.min


def _months(cloak: CloakRecord, recogniser: RecogniserRecord) -> int | None:
    then, now = cloak.released, recogniser.released
    if then is None or now is None or recogniser.embedded:
        return None
    return 12 * (now.year - then.year) + now.month - then.month


def stronghold(cloak: CloakRecord, moments: tuple[Moment, ...]) -> tuple[Moment, Moment] | None:
    """A network newer than the cloak, of a surrogate's family, and one of another family against
    which the cloak protects less: date alone does not decide. None where there is no such pair.

    Of several, the newer one with the most protection, and the other with the least.
    """
    fair = [m for m in moments if m.conclusive and not m.recogniser.embedded]
    kin = [m for m in fair if m.relation.newer and m.recogniser.family in cloak.families]
    strangers = [m for m in fair if m.recogniser.family not in (*cloak.families, "")]
    if not kin or not strangers:
        return None
    most = max(kin, key=lambda m: m.protection or 0)
    least = min(strangers, key=lambda m: m.protection or 0)
    return (most, least) if (most.protection or 0) > (least.protection or 0) else None
