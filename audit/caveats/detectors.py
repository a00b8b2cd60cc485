"""Detectors of cloaks that nobody could use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.caveats.doubt import doubt
from audit.outcomes import FLAGGED, Cell
from audit.records import Caveat

MAX_FALSE = 0.10
"""Share of clean pictures flagged from which a detector is unusable."""
USUAL = "jpeg:75"
"""What platforms do to nearly every picture."""


def unusable(cells: Sequence[Cell]) -> Iterator[Caveat]:
    """Those that flag too many clean pictures as platforms serve them; each is told once."""
    worst: dict[str, float] = {}
    for cell in cells:
        flagged = cell.outcomes.get(FLAGGED)
        if cell.transform == USUAL and flagged and flagged.control:
            false = flagged.control.value or 0.0
            worst[cell.adversary] = max(worst.get(cell.adversary, 0.0), false)
    for name, false in worst.items():
        if false > MAX_FALSE:
            yield doubt(
                "detector-unusable",
                f"{name} flags {false:.2f} of the clean pictures after {USUAL}, more than "
                f"{MAX_FALSE:.2f}: nobody could use it as it is, however many cloaks it spots.",
            )
