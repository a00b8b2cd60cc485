"""What a data set is large enough for: where a plan does not fit it, the choices that do.

Whatever is advised was dealt out first: the same photos, the same seed, the smaller plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from audit.plan import AuditPlan, People
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, PlanError, setting

SPARE = 2
"""Pictures that a protected person needs besides probes."""
RIVALS = 2
"""Identities that a gallery needs: a search among one finds that one."""


class Dealt(NamedTuple):
    """Identities that a plan was given, of a data set that may have too few."""

    protected: int
    background: int
    enrolled: int
    """Protected ones, others and distractors."""


class Stock(NamedTuple):
    """What there is to deal out."""

    name: str
    """The data set's."""
    pictures: Sequence[int]
    """How many there are of each identity."""

    @classmethod
    def of(cls, dataset: Dataset) -> Stock:
        """Everybody in a data set."""
        return cls(dataset.name, [len(photos) for photos in dataset.by_identity.values()])

    def having(self, pictures: int) -> int:
        """Identities with so many pictures."""
        return sum(n >= pictures for n in self.pictures)


def fits(plan: AuditPlan, dealt: Dealt) -> bool:
    """Whether the plan was given what it asks for."""
    return (
        dealt.protected == plan.people.protected
        and dealt.background == plan.people.background
        and dealt.enrolled >= max(RIVALS, *plan.measure.ranks)
    )


def refusal(
    plan: AuditPlan,
    own: Stock,
    around: Stock,
    deal: Callable[[AuditPlan], Dealt],
    *,
    third_party: bool,
) -> DatasetError | PlanError:
    """The error for a plan that does not fit: it names the largest plan that does.

    own: where the protected are from. around: where everybody else is from, mostly the same.
    deal: what a plan is given. third_party: only people of whom there are cloaked copies can be
    protected.
    """
    dealt, sizes, last = deal(plan), plan.people, max(RIVALS, *plan.measure.ranks)
    if dealt[:2] == (sizes.protected, sizes.background):
        people = "1 identity" if dealt.enrolled == 1 else f"{dealt.enrolled} identities"
        return PlanError(
            f"the gallery has {people}",
            expected=f"{last} or more, as rank {last} is asked for"
            if last > RIVALS
            else f"{RIVALS} or more: a search among one finds that one",
            remedy=_remedy(plan, own, around, deal),
        )
    rich, able = own.having(sizes.probes + SPARE), around.having(sizes.background_pictures)
    lacking = third_party and dealt.protected < sizes.protected
    copies = f", cloaked copies for {dealt.protected} people of those," if lacking else ""
    elsewhere = "" if around.name == own.name else f"{around.name} "
    correct = f"correct {setting('cloaked')}, or " if lacking and not dealt.protected else ""
    return DatasetError(
        f"{own.name} has {len(own.pictures)} identities, {rich} with the {sizes.probes + SPARE} or "
        f"more pictures of a protected one{copies} and {elsewhere}{able} with the "
        f"{sizes.background_pictures} of one in the background",
        expected=f"{sizes.protected} protected and {sizes.background} others as background",
        remedy=correct + _remedy(plan, own, around, deal),
    )


def _remedy(plan: AuditPlan, own: Stock, around: Stock, deal: Callable[[AuditPlan], Dealt]) -> str:
    advised = largest(plan, own, around, deal)
    if advised is None:
        return (
            f"add photos until 1 person to protect has {1 + SPARE}, and there is another to be "
            "enrolled and another for the background"
        )
    changes = (setting(field, value) for field, value in _changes(plan, advised))
    return f"use {' '.join(changes)}, or more people"


def _changes(plan: AuditPlan, advised: AuditPlan) -> Iterator[tuple[str, object]]:
    """Choices that differ, by name, and what they should be."""
    for field in ("protected", "probes", "background", "background_pictures"):
        if (value := getattr(advised.people, field)) != getattr(plan.people, field):
            yield field, value
    if advised.measure != plan.measure:
        yield "ranks", ",".join(map(str, advised.measure.ranks))


def largest(
    plan: AuditPlan, own: Stock, around: Stock, deal: Callable[[AuditPlan], Dealt]
) -> AuditPlan | None:
    """The plan that asks for most of what `plan` does and fits; None if none does.

    Two protected people and two in the background come first: nothing is said about people by one,
    and nothing is learned of telling people apart. Then that as many pictures of each are asked
    for as before; then the number that was lowered by the largest factor.
    """
    best: tuple[float, ...] = ()
    found = None
    for bound, probes, learned in _pairs(plan.people, own, around):
        as_asked = (probes, learned) == (plan.people.probes, plan.people.background_pictures)
        if best and (1, as_asked, bound) <= best:
            break
        for smaller in _smaller(plan, probes, learned, deal):
            people = smaller.people
            shares = [getattr(people, f) / getattr(plan.people, f) for f in _LOWERED]
            several = min(people.protected, people.background) > 1
            merit = (several, as_asked, min(shares), sum(shares))
            if merit > best and (ranked := _ranked(smaller, deal(smaller))) is not None:
                best, found = merit, ranked
    return found


_LOWERED = ("protected", "probes", "background", "background_pictures")


def _pairs(sizes: People, own: Stock, around: Stock) -> list[tuple[float, int, int]]:
    """Probes and background pictures per person that may fit: what is asked for, then the most
    promising ones; each with a bound on the smallest share of `sizes` that can be kept."""
    probes = {sizes.probes, *(n - SPARE for n in own.pictures if 0 < n - SPARE < sizes.probes)}
    fewer = (n for n in around.pictures if n < sizes.background_pictures)
    learned = {sizes.background_pictures, *fewer}
    bounded = []
    for p, b in product(probes, learned):
        rich, able = own.having(p + SPARE), around.having(b)
        shares = rich / sizes.protected, able / sizes.background
        kept = p / sizes.probes, b / sizes.background_pictures
        if rich and able:
            bounded.append((min(1.0, *shares, *kept), p, b))
    asked = (sizes.probes, sizes.background_pictures)
    return sorted(bounded, key=lambda pair: (pair[1:] == asked, pair), reverse=True)


def _smaller(
    plan: AuditPlan, probes: int, learned: int, deal: Callable[[AuditPlan], Dealt]
) -> Iterator[AuditPlan]:
    """Plans with so many pictures of each person, around the number of protected people from which
    on fewer are left as background than they are, both as shares of what `plan` asks for."""
    sizes = plan.people

    def asking(protected: int, background: int) -> AuditPlan:
        changes = {
            "protected": protected,
            "background": background,
            "probes": probes,
            "background_pictures": learned,
        }
        return plan.model_copy(update={"people": sizes.model_copy(update=changes)})

    def left(protected: int) -> int:
        return deal(asking(protected, sizes.background)).background

    low, most = 1, deal(asking(sizes.protected, sizes.background)).protected
    high = most
    while low < high:
        middle = (low + high + 1) // 2
        if middle * sizes.background <= left(middle) * sizes.protected:
            low = middle
        else:
            high = middle - 1
    for protected in range(low, min(low + 1, most) + 1):
        for background in range(max(1, left(protected) - 1), left(protected) + 1):
            yield asking(protected, background)


def _ranked(plan: AuditPlan, dealt: Dealt) -> AuditPlan | None:
    """The plan with the ranks that its gallery has; None if it does not fit even so."""
    ranks = tuple(rank for rank in plan.measure.ranks if rank <= dealt.enrolled)
    if not ranks:
        return None
    measure = plan.measure.model_copy(update={"ranks": ranks})
    ranked = plan.model_copy(update={"measure": measure})
    return ranked if fits(ranked, dealt) else None
