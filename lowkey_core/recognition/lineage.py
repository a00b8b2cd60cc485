"""What two networks have in common, as their cards state it."""

from __future__ import annotations

from collections.abc import Iterable

from lowkey_core.weights import Card


def held_out(card: Card, others: Iterable[Card]) -> bool | None:
    """Whether a network shares no weights, teacher or training run with any of the others; None
    where a card does not state its lineage."""
    others = list(others)
    if any(_same(card, other) or card.lineage & other.lineage for other in others):
        return False
    return True if card.lineage and all(other.lineage for other in others) else None


def _same(a: Card, b: Card) -> bool:
    return a.name == b.name or a.sha256 == b.sha256 != ""


def shared_data(card: Card, others: Iterable[Card]) -> tuple[str, ...]:
    """The data sets that a network and any of the others were trained on."""
    theirs = frozenset().union(*(other.data for other in others))
    return tuple(sorted(card.data & theirs))
