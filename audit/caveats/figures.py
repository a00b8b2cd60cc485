"""What figures prove: controls, what was learned, whom a cloak was optimised against, how many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from audit.caveats.doubt import NO_CLOAK, doubt
from audit.findings import MIN_CONTROL
from audit.outcomes import FLAGGED, RECALL, Cell, Outcome
from audit.plan import BASE_TRANSFORMS
from audit.records import AdversaryRecord, Caveat, CloakRecord, RecogniserRecord, Relation
from audit.surviving import FAILED
from lowkey_core.errors import some
from lowkey_core.spec import parse

MAX_NOISE = 0.1
"""Protection by noise beyond the control's own misses from which the cloak deserves no credit."""
MIN_SEEN = 0.9
"""Share of its background that the cloak must have changed for an adversary to have learned."""
MAX_WIDTH = 0.3
"""Width of an interval from which a figure is called rough."""


def controls(cells: Sequence[Cell], noise: set[str]) -> Iterator[Caveat]:
    """The clean gallery is not recognised, or noise protects as well: both block."""
    for where, cell in _by_contest(cells).items():
        value = cell.control.value
        if value is None or value < MIN_CONTROL:
            yield Caveat(
                code="control-fails",
                blocking=cell.transform in BASE_TRANSFORMS,
                text=f"{where} recognises {value or 0:.2f} of the clean probes, less than "
                f"{MIN_CONTROL}: what it misses when cloaked is unproven.",
            )
    # What a detector drops is not protected: there, noise is not in doubt but what it looks for.
    looked = (c for c in cells if c.attack in noise and FLAGGED not in c.outcomes)
    for where, cell in _by_contest(looked).items():
        control, protects = cell.control.value, cell.protection.value
        if control is not None and protects is not None and protects - (1 - control) > MAX_NOISE:
            yield Caveat(
                code="noise-protects",
                blocking=cell.transform in BASE_TRANSFORMS,
                text=f"Random noise of the same energy protects {protects:.2f} against {where}: "
                "the cloak's own merit is unproven.",
            )


def _by_contest(cells: Iterable[Cell]) -> dict[str, Cell]:
    """One cell of each adversary, recogniser, matcher and transform, under a readable name."""
    return {
        f"{c.adversary} {c.recogniser} ({c.matcher}, {c.transform})": c
        for c in reversed(list(cells))
    }


def learning(adversaries: Sequence[AdversaryRecord]) -> Iterator[Caveat]:
    """Adversaries that failed, or learned without seeing cloaks."""
    for adversary in adversaries:
        for attack, why in adversary.impossible.items():
            if why.startswith(FAILED):
                yield doubt(
                    "adversary-failed", f"{adversary.name} is not measured against {attack}: {why}"
                )
        for attack, facts in adversary.learned.items():
            if facts.get("purified", 1.0) < MIN_SEEN and attack != NO_CLOAK:
                yield Caveat(
                    code="nothing-purified",
                    blocking=True,
                    text=f"{adversary.name} changes {facts['purified']:.1%} of the pictures with "
                    f"{attack} that it learned from: its figures are those of no purifier.",
                )
            seen, ran = facts.get("cloaked_seen", 1.0), parse(adversary.name).of or attack
            if seen < 1:
                yield Caveat(
                    code="no-cloaks-seen",
                    blocking=seen < MIN_SEEN and attack != NO_CLOAK,
                    text=f"Only {seen:.1%} of the background pictures that {adversary.name} "
                    f"learned from were changed by {ran}.",
                )


def left_out(adversaries: Sequence[AdversaryRecord]) -> Iterator[Caveat]:
    """Adversaries that were not measured everywhere."""
    for adversary in adversaries:
        if adversary.left_out and not adversary.impossible:
            yield doubt("not-everywhere", f"{adversary.name}: {adversary.left_out}.")


def held_out(
    cloaks: Sequence[CloakRecord], recognisers: Sequence[RecogniserRecord]
) -> Iterator[Caveat]:
    """What recognisers share with surrogates, and whether any is newer than the cloak: a caveat
    for all cloaks of which the same is true."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for cloak in cloaks:
        for recogniser in recognisers:
            relation = recogniser.relations[cloak.attack]
            if doubted := _doubted(recogniser.name, relation):
                found.setdefault(doubted, []).append(cloak.attack)
    for (code, before, after), attacks in found.items():
        yield doubt(code, f"{before}{_of(attacks, cloaks)}{after}")
    old = [
        cloak.attack
        for cloak in cloaks
        if (cloak.released is not None or cloak.surrogates != ())
        and not any(r.relations[cloak.attack].newer for r in recognisers)
    ]
    if old:
        yield doubt("no-newer-model", f"No recogniser here is known to be newer than {some(old)}.")


def _doubted(name: str, relation: Relation) -> tuple[str, str, str] | None:
    """Code and text, before and after the cloaks that it is true of."""
    if relation.held_out is None:
        return (
            "lineage-unstated",
            f"{name} or a surrogate",
            " does not state its lineage: whether it is held out is unknown.",
        )
    if relation.held_out is False:
        return (
            "not-held-out",
            f"{name} shares weights or training with a surrogate",
            ": protection against it is what the cloak was optimised for.",
        )
    if relation.shared_data:
        return (
            "shared-data",
            f"{name} and a surrogate",
            f" were trained on the same pictures ({', '.join(relation.shared_data)}): "
            "protection may be less against a network that was not.",
        )
    return None


def _of(attacks: Sequence[str], cloaks: Sequence[CloakRecord]) -> str:
    """Whose surrogate."""
    if len(cloaks) == 1:
        return ""
    return " of every cloak" if len(attacks) == len(cloaks) else f" of {some(attacks)}"


def approximate(cells: Sequence[Cell]) -> Iterator[Caveat]:
    """Matchers that look at some pictures of a gallery only, and miss somebody."""
    for matcher in dict.fromkeys(c.matcher for c in cells):
        found = [c.outcomes.get(RECALL, Outcome()).value for c in cells if c.matcher == matcher]
        worst = min((value for value in found if value is not None), default=1.0)
        if worst < 1:
            yield doubt(
                "approximate-search",
                f"{matcher} finds {worst:.3f} of the people that an exact search finds, in the "
                "worst of its cells: whom it misses counts as protected.",
            )


def power(cells: Sequence[Cell]) -> Iterator[Caveat]:
    """Intervals too wide for an answer."""
    rough = [c for c in cells if c.protection.value is not None and _width(c) > MAX_WIDTH]
    if rough:
        yield doubt(
            "few-probes",
            f"{len(rough)} of {len(cells)} intervals are wider than {MAX_WIDTH}: "
            "protect more identities for a sharper answer.",
        )


def _width(cell: Cell) -> float:
    low, high = cell.protection.interval
    return high - low
