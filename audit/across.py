"""Two reports side by side: whether figures may be paired, and the pairs. Never imports torch.

Figures of two runs are paired by person if the runs searched for the same people by the same
photos. What may differ is what is compared: the cloak, and with it the networks that it works
against and how many pictures are cloaked at once; adversaries, recognisers, matchers, scenarios and
transforms, as cells are paired that have the same; measures; and the machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from audit.comparisons import Pairs, matched, paired
from audit.outcomes import FLAGGED, Cell, Outcome, Place, Rate
from audit.plan import AuditPlan
from audit.records import SplitRecord
from audit.report import AuditReport
from lowkey_core.errors import UnlikeRunsError, one_line, setting

SAME = {
    "people": None,
    "publish": ("detect",),
    "adversaries": ("epochs", "flagged", "against", "detector"),
}
"""What two plans must agree in, by part: all of it, or these fields."""


def unlike(one: AuditPlan, other: AuditPlan) -> Iterator[str]:
    """Each choice that must be the same and is not: `seed is 0 and 1`."""
    for part, fields in SAME.items():
        ours, theirs = getattr(one, part), getattr(other, part)
        for name in fields or type(ours).model_fields:
            mine, yours = getattr(ours, name), getattr(theirs, name)
            if mine != yours:
                yield f"{name} is {_shown(mine)} and {_shown(yours)}"


def _shown(value: object) -> str:
    return (", ".join(value) or "nothing") if isinstance(value, tuple) else str(value) or "nothing"


def obstacles(one: AuditReport, other: AuditReport) -> tuple[str, ...]:
    """Why no figure of these reports can be paired; none if they can."""
    if different := tuple(unlike(one.plan, other.plan)):
        return different
    for report, which in ((one, "the first"), (other, "the other")):
        if not report.people:
            return (f"{which} does not name its people, as it is of an older version",)
    if [s.people for s in splits(one)] != [s.people for s in splits(other)]:
        return ("the people are others, though the plans agree: the data set has changed",)
    if one.counts.enrolled != other.counts.enrolled:
        return (
            f"the gallery has {one.counts.enrolled} people and {other.counts.enrolled}, though the "
            "plans agree: the data set has changed",
        )
    return ()


def must_agree(one: AuditPlan, other: AuditPlan) -> None:
    """Raises: UnlikeRunsError if reports of these plans cannot be paired."""
    _raise(tuple(unlike(one, other)))


def must_be_alike(one: AuditReport, other: AuditReport) -> None:
    """Raises: UnlikeRunsError if the reports cannot be paired."""
    _raise(obstacles(one, other))


def _raise(different: tuple[str, ...]) -> None:
    if different:
        raise UnlikeRunsError(
            f"the run and its baseline are of different plans: {one_line('; '.join(different))}",
            expected="the same people, searched for by the same photos",
            remedy=f"audit both with one plan, or name another {setting('baseline')}",
        )


def splits(report: AuditReport) -> tuple[SplitRecord, ...]:
    """The splits of the people; of a report that pools none, the only one."""
    only = SplitRecord(seed=report.plan.people.seed, people=report.people, cells=report.cells)
    return report.splits or (only,)


def pairs(one: AuditReport, other: AuditReport, place: Place, less: Place) -> Pairs:
    """A cell of either report, in each split. Empty if a split lacks it.

    The reports are alike. Raises: UnlikeRunsError if the cells are not of the same probes, or of
    the same network.
    """
    found = []
    for ours, theirs in zip(splits(one), splits(other), strict=True):
        a, b = _cell(ours, place), _cell(theirs, less)
        if a is None or b is None:
            return ()
        if a.control.trials != b.control.trials:
            raise _other(f"the probes of {place.recogniser} are others")
        found.append((ours.people, a, b))
    digests = [
        {c.sha256 for c in report.cards if c.name == place.recogniser and c.role == "recogniser"}
        for report in (one, other)
    ]
    if all(digests) and digests[0] != digests[1]:
        raise _other(f"{place.recogniser} is another network, by its digest")
    return found


def _other(what: str) -> UnlikeRunsError:
    return UnlikeRunsError(
        f"the runs have one plan, but {what}",
        expected="the same photos and networks in both",
        remedy="audit both again with what is here now",
    )


def _cell(split: SplitRecord, place: Place) -> Cell | None:
    return next((cell for cell in split.cells if cell.place == place), None)


def protections(found: Pairs) -> tuple[Rate, Rate] | None:
    """Of pairs of cells, protection by person; see `comparisons.paired`."""
    return paired(found)


def flags(found: Pairs) -> tuple[Rate, Rate] | None:
    """Likewise flags on cloaked pictures; None also where a cell has none."""
    arms: list[list[tuple[tuple[str, ...], Rate]]] = [[], []]
    for people, *cells in found:
        for arm, cell in zip(arms, cells, strict=True):
            rate = cell.outcomes.get(FLAGGED, Outcome()).cloaked
            if rate is None or len(rate.trials) != len(people):
                return None
            arm.append((tuple(people), rate))
    return matched(arms[0], arms[1])
