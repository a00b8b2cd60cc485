"""What differs on the same probes, and by how much: pairs of cells that are alike but for one name.

Every recogniser less the first, against the baseline adversary; every cloak less the first; every
adversary less the baseline. Audited cloaks only. Never imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from audit import statistics
from audit.outcomes import Cell, Place, Rate, together
from audit.plan import BASELINE
from audit.records import Arm, Comparison, SplitRecord

Pairs = Sequence[tuple[Sequence[str], Cell, Cell]]
"""Of each split the names of its people, and the two cells."""


def comparisons(
    attacks: Sequence[str], recogniser: str, splits: Sequence[SplitRecord]
) -> tuple[Comparison, ...]:
    """Of cells that every split has.

    attacks: the audited cloaks; the first is what others are compared with. recogniser: likewise.
    """
    grids = [{cell.place: cell for cell in split.cells} for split in splits]
    found: list[Comparison] = []
    for place in (p for p in grids[0] if p.attack in attacks):
        for what, less in _references(place, attacks[0], recogniser):
            if less != place and all(place in grid and less in grid for grid in grids):
                pairs = [
                    (split.people, grid[place], grid[less])
                    for split, grid in zip(splits, grids, strict=True)
                ]
                found += _compared(what, pairs)
    return tuple(found)


What = Literal["recognisers", "cloaks", "adversaries"]


def _references(place: Place, attack: str, recogniser: str) -> Iterator[tuple[What, Place]]:
    """What a cell is compared with; perhaps itself."""
    if place.adversary == BASELINE:
        yield "recognisers", place._replace(recogniser=recogniser)
    yield "cloaks", place._replace(attack=attack)
    yield "adversaries", place._replace(adversary=BASELINE)


def _compared(what: What, pairs: Pairs) -> Iterator[Comparison]:
    """One, or none if nobody is left to pair."""
    if found := paired(pairs):
        _, one, less = pairs[0]
        yield _comparison(what, one, less, *found)


def paired(pairs: Pairs) -> tuple[Rate, Rate] | None:
    """Protection in either arm, one entry for each person whose probes are in both; None if nobody
    is left.

    Who was detected in either arm is left out, split by split.
    """
    ones, others = [], []
    for names, one, less in pairs:
        kept = tuple(not (x or y) for x, y in zip(one.detected, less.detected, strict=True))
        called = [name for name, keep in zip(names, kept, strict=True) if keep]
        ones.append((called, one.identified.of(kept).complement))
        others.append((called, less.identified.of(kept).complement))
    return matched(ones, others)


Called = Sequence[tuple[Sequence[str], Rate]]
"""Of each split some names, and a rate of the people called so."""


def matched(ones: Called, others: Called) -> tuple[Rate, Rate] | None:
    """Both rates, one entry for each person who has trials in both; None if nobody has."""
    people = [*dict.fromkeys(name for called, _ in ones for name in called)]
    a, b = together(people, ones), together(people, others)
    both = tuple(n > 0 and m > 0 for n, m in zip(a.trials, b.trials, strict=True))
    return (a.of(both), b.of(both)) if any(both) else None


def _comparison(what: What, one: Cell, less: Cell, a: Rate, b: Rate) -> Comparison:
    difference, interval = statistics.difference((a.hits, a.trials), (b.hits, b.trials))
    return Comparison(
        what=what,
        one=_arm(one),
        less=_arm(less),
        matcher=one.matcher,
        transform=one.transform,
        scenario=one.scenario,
        difference=difference,
        interval=interval,
        people=len(a.trials),
        probes=sum(a.trials),
    )


def _arm(cell: Cell) -> Arm:
    return Arm(attack=cell.attack, adversary=cell.adversary, recogniser=cell.recogniser)
