"""Reasons to doubt a figure, and reasons not to conclude at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit.caveats.detectors import unusable
from audit.caveats.doubt import doubt
from audit.caveats.figures import approximate, controls, held_out, learning, left_out, power
from audit.caveats.one_network import one_network
from audit.caveats.pictures import alike, copies, crowd, lost, metrics, unchanged
from audit.caveats.services import services
from audit.counts import Counts
from audit.outcomes import Cell
from audit.records import AdversaryRecord, Caveat, CloakRecord, RecogniserRecord


def caveats(
    counts: Counts,
    cloaks: Sequence[CloakRecord],
    recognisers: Sequence[RecogniserRecord],
    adversaries: Sequence[AdversaryRecord],
    cells: Sequence[Cell],
    of_pictures: Iterable[str] = (),
) -> tuple[Caveat, ...]:
    """Blocking ones first. of_pictures: what the data set says of itself."""
    notes = dict.fromkeys(note for cloak in cloaks for note in cloak.notes)
    found = [
        *controls(cells, {c.control for c in cloaks if c.control}),
        *learning(adversaries),
        *left_out(adversaries),
        *unusable(cells),
        *held_out(cloaks, recognisers),
        *one_network(cloaks, recognisers),
        *services(recognisers, cells),
        *power(cells),
        *approximate(cells),
        *crowd(counts),
        *lost(counts),
        *alike(counts),
        *copies(cloaks),
        *unchanged(cloaks),
        *(doubt("cloak", note) for note in notes),
        *(doubt("dataset", note) for note in of_pictures),
        *metrics([q for cloak in cloaks for q in cloak.quality]),
    ]
    return tuple(sorted(found, key=lambda c: not c.blocking))
