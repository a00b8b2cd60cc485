"""Commercial services: what is not the vendor's, what they did not take, whom they did not name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.caveats.doubt import doubt
from audit.outcomes import Cell
from audit.records import Caveat, RecogniserRecord
from lowkey_core.errors import some

INDEX, INDEXED = "index: ", "index: indexed"
"""How answers about photos to index are called, and that of those which were."""
_RANK = "rank-"


def services(recognisers: Sequence[RecogniserRecord], cells: Sequence[Cell]) -> Iterator[Caveat]:
    """Of every service among the recognisers."""
    for service in recognisers:
        if service.simulated:
            yield doubt(
                "simulated-service",
                f"{service.name} was asked at {service.host}, which is not the vendor's own host: "
                "its figures are of whatever answers there, not of the vendor's service.",
            )
        sent = {what: n for what, n in service.answers.items() if what.startswith(INDEX)}
        if lost := {what: n for what, n in sent.items() if what != INDEXED}:
            why = some([f"{what.removeprefix(INDEX)}: {n}" for what, n in lost.items()])
            yield doubt(
                "not-indexed",
                f"{service.name} did not index {sum(lost.values())} of {sum(sent.values())} photos "
                f"({why}): nobody is found by those, cloaked or not.",
            )
        if service.reach is not None and any(k > service.reach for k in _ranks(service, cells)):
            several = ", of which several may be of one person" * (service.most_of == "faces")
            yield doubt(
                "few-candidates",
                f"{service.name} names at most {service.most} {service.most_of} in a search"
                f"{several}: at ranks above {service.reach} whom it did not name counts as not "
                "found, and protection is overstated.",
            )


def _ranks(service: RecogniserRecord, cells: Sequence[Cell]) -> Iterator[int]:
    """At which its cells are read."""
    asked = (name for cell in cells if cell.recogniser == service.name for name in cell.outcomes)
    ranks = (name.removeprefix(_RANK) for name in asked if name.startswith(_RANK))
    return (int(k) for k in ranks if k.isdecimal())
