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
        if service.most is not None and _ranks_beyond(service, cells):
            yield doubt(
                "few-candidates",
                f"{service.name} names at most {service.most} candidates of a search: at higher "
                "ranks whom it did not name counts as not found: protection there is overstated.",
            )


def _ranks_beyond(service: RecogniserRecord, cells: Sequence[Cell]) -> bool:
    """Whether any cell of it is read at a rank that it does not reach."""
    asked = (name for cell in cells if cell.recogniser == service.name for name in cell.outcomes)
    ranks = (name.removeprefix(_RANK) for name in asked if name.startswith(_RANK))
    return any(int(k) > (service.most or 0) for k in ranks if k.isdecimal())
