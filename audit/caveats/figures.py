"""What figures prove: controls, what was learned, whom a cloak was optimised against, how many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from audit.caveats.doubt import NO_CLOAK, doubt
from audit.findings import MIN_CONTROL
from audit.outcomes import FLAGGED, Cell
from audit.plan import BASE_TRANSFORMS
from audit.records import AdversaryRecord, Caveat, CloakRecord, RecogniserRecord

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
    """Adversaries that learned without seeing cloaks."""
    for adversary in adversaries:
        for attack, facts in adversary.learned.items():
            seen = facts.get("cloaked_seen", 1.0)
            if seen < 1:
                yield Caveat(
                    code="no-cloaks-seen",
                    blocking=seen < MIN_SEEN and attack != NO_CLOAK,
                    text=f"Only {seen:.1%} of the background pictures that {adversary.name} "
                    f"learned from were changed by {attack}.",
                )


def held_out(
    cloaks: Sequence[CloakRecord], recognisers: Sequence[RecogniserRecord]
) -> Iterator[Caveat]:
    """What recognisers share with surrogates, and whether any is newer than the cloak."""
    for cloak in cloaks:
        of = f" of {cloak.attack}" if len(cloaks) > 1 else ""
        relations = {r.name: r.relations[cloak.attack] for r in recognisers}
        for name in (n for n, r in relations.items() if r.held_out is None):
            yield doubt(
                "lineage-unstated",
                f"{name} or a surrogate{of} does not state its lineage: whether it is held out is "
                "unknown.",
            )
        for name in (n for n, r in relations.items() if r.held_out is False):
            yield doubt(
                "not-held-out",
                f"{name} shares weights or training with a surrogate{of}: protection against it is "
                "what the cloak was optimised for.",
            )
        for name, relation in relations.items():
            if relation.shared_data and relation.held_out is not False:
                yield doubt(
                    "shared-data",
                    f"{name} and a surrogate{of} were trained on the same pictures "
                    f"({', '.join(relation.shared_data)}): protection may be less against a "
                    "network that was not.",
                )
        dated = cloak.released is not None or cloak.surrogates != ()
        if dated and not any(relation.newer for relation in relations.values()):
            yield doubt(
                "no-newer-model",
                f"No recogniser here is known to be newer than {cloak.attack}.",
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
