"""Several splits of the people, each an audit of its own, pooled by identity. Never imports torch.

A person who is protected in two splits is one person with the trials of both: pictures of one face
depend on each other, whichever split they were searched in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from audit import curves, summed
from audit.caveats import caveats
from audit.comparisons import comparisons
from audit.outcomes import Cell, Outcome, Rate, recognises, together
from audit.plan import AuditPlan
from audit.records import Caveat, SplitRecord
from audit.report import PER_FACE, AuditReport
from audit.summed import once


def pooled(plan: AuditPlan, reports: Sequence[AuditReport]) -> AuditReport:
    """The reports of a plan's splits as one; that of a single split as it is.

    The verdict is `inconclusive` if that of any split is: a control that fails in one must not
    vanish in the average. A cell that not every split has is in `splits` alone.
    """
    first = reports[0]
    if len(reports) == 1:
        return first
    splits = tuple(
        SplitRecord(seed=r.plan.people.seed, people=r.people, cells=r.cells) for r in reports
    )
    people = once(name for r in reports for name in r.people)
    enrolled = once(name for r in reports for name in r.enrolled)
    groups = {n: g for r in reports for n, g in zip(r.people, r.groups, strict=bool(r.groups))}
    counts = summed.counts([r.counts for r in reports], len(people), len(enrolled))
    cloaks = tuple(map(summed.cloak, zip(*(r.cloaks for r in reports), strict=True)))
    recognisers = tuple(map(summed.recogniser, zip(*(r.recognisers for r in reports), strict=True)))
    adversaries = tuple(
        summed.adversary([split.seed for split in splits], parts)
        for parts in zip(*(r.adversaries for r in reports), strict=True)
    )
    cells = tuple(_cells(reports, people, enrolled))
    notes = once(c.text for r in reports for c in r.caveats if c.code == "dataset")
    found = caveats(counts, cloaks, recognisers, adversaries, cells, notes)
    return AuditReport(
        plan=plan,
        counts=counts,
        cloaks=cloaks,
        recognisers=recognisers,
        adversaries=adversaries,
        cells=cells,
        cards=once(card for r in reports for card in r.cards),
        caveats=_caveats(found, reports),
        environment=first.environment,
        timings=_timings(reports),
        people=people,
        groups=tuple(groups.get(name, "") for name in people) if groups else (),
        enrolled=enrolled,
        comparisons=comparisons([c.attack for c in cloaks], first.recognisers[0].name, splits),
        splits=splits,
        shown=first.shown,
    )


def _timings(reports: Sequence[AuditReport]) -> dict[str, float]:
    """Stages of all splits; what a face took is a mean."""
    total = dict[str, float]()
    for stage in once(stage for r in reports for stage in r.timings):
        each = [r.timings[stage] for r in reports if stage in r.timings]
        per_face = stage.startswith(PER_FACE)
        total[stage] = round(fmean(each), 3) if per_face else round(sum(each), 2)
    return total


def _cells(
    reports: Sequence[AuditReport], people: Sequence[str], enrolled: Sequence[str]
) -> Iterator[Cell]:
    grids = [{cell.place: cell for cell in r.cells} for r in reports]
    for place, cell in grids[0].items():
        if all(place in grid for grid in grids):
            parts = [(r, grid[place]) for r, grid in zip(reports, grids, strict=True)]
            names = [n for n in cell.outcomes if all(n in c.outcomes for _, c in parts)]
            yield cell.model_copy(
                update={
                    "cloaked_share": fmean(c.cloaked_share for _, c in parts),
                    "outcomes": {n: _outcome(n, parts, people, enrolled) for n in names},
                    "impossible": _impossible(parts),
                }
            )


Parts = Sequence[tuple[AuditReport, Cell]]
"""A cell of each split's report."""


def _impossible(parts: Parts) -> dict[str, str]:
    """By measure, why it could not count in some split."""
    found: dict[str, str] = {}
    for report, cell in parts:
        for measure, why in cell.impossible.items():
            every = all(measure in c.impossible for _, c in parts)
            seed = report.plan.people.seed
            found.setdefault(measure, why if every else f"with seed {seed}, {why}")
    return found


def _outcome(name: str, parts: Parts, people: Sequence[str], enrolled: Sequence[str]) -> Outcome:
    """Counts summed by person; of what is no rate, the mean over splits.

    A rate that is neither over the protected people nor over everybody enrolled is left out: whom
    it is of is not known.
    """
    values = [v for _, c in parts if (v := c.outcomes[name].value) is not None]

    def arm(which: str) -> Rate | None:
        rates = [getattr(c.outcomes[name], which) for _, c in parts]
        for names, field in ((people, "people"), (enrolled, "enrolled")):
            own = [getattr(r, field) for r, _ in parts]
            if all(r and len(r.trials) == len(o) for r, o in zip(rates, own, strict=True)):
                return together(names, zip(own, rates, strict=True))
        return None

    cloaked = arm("cloaked")
    if cloaked is not None and recognises(name):
        cloaked = _recognised(name, parts, people)
    return Outcome(
        control=arm("control"),
        cloaked=cloaked,
        value=fmean(values) if values else None,
        curve=curves.mean((c.outcomes[name].curve, 1) for _, c in parts),
    )


def _recognised(name: str, parts: Parts, people: Sequence[str]) -> Rate:
    """Recognition in the cloaked gallery.

    Who was detected in some splits alone counts in the others: a probe that finds nobody, as its
    owner was dropped, must not count as protected.
    """
    free = {
        who
        for report, cell in parts
        for who, gone in zip(report.people, cell.detected, strict=True)
        if not gone
    }
    counted = []
    for report, cell in parts:
        rate = cell.outcomes[name].cloaked
        assert rate is not None, "else it is not over the protected people"
        kept = tuple(
            not gone or who not in free
            for who, gone in zip(report.people, cell.detected, strict=True)
        )
        names = [who for who, keep in zip(report.people, kept, strict=True) if keep]
        counted.append((names, rate.of(kept)))
    return together(people, counted)


def _caveats(found: Sequence[Caveat], reports: Sequence[AuditReport]) -> tuple[Caveat, ...]:
    """Those of the pooled figures that some split has, too; before them, what blocks a split."""
    raised = {c.code for r in reports for c in r.caveats}
    kept = [c for c in found if c.code in raised]
    blocking = [
        c.model_copy(update={"text": f"With seed {r.plan.people.seed}: {c.text}"})
        for r in reports
        for c in r.caveats
        if c.blocking and c not in kept
    ]
    return tuple(sorted((*kept, *blocking), key=lambda c: not c.blocking))
