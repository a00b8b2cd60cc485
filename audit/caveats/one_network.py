"""Recognisers that are a surrogate under another name, and those of which that is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.caveats.doubt import doubt
from audit.records import Caveat, CloakRecord, RecogniserRecord


def one_network(
    cloaks: Sequence[CloakRecord], recognisers: Sequence[RecogniserRecord]
) -> Iterator[Caveat]:
    """By embeddings, where cards say nothing of it."""
    for cloak in cloaks:
        of = f" of {cloak.attack}" if len(cloaks) > 1 else ""
        for recogniser in recognisers:
            if others := recogniser.relations[cloak.attack].same_as:
                yield doubt(
                    "one-network",
                    f"{recogniser.name} gives the same embeddings as {', '.join(others)}, a "
                    f"surrogate{of}: they are one network under two names.",
                )
            if recogniser.service and cloak.surrogates:
                yield doubt(
                    "not-compared",
                    f"{recogniser.name} is a service, which gives no embeddings: whether it is a "
                    f"surrogate{of} under another name is not known.",
                )
