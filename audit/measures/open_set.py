"""Open set: is the person found, by a system that must also say who is not enrolled?

FNIR at a stated FPIR (ISO/IEC 19795-1). A search names its best candidate if that candidate's score
reaches a threshold, else nobody. FPIR is the share of non-mated searches that name somebody, FNIR
the share of mated ones that do not name their person.
"""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt, Lt
from torch import Tensor

from adversaries import System
from audit.measures import Searches, rate
from audit.outcomes import Outcome, found_at
from audit.thresholds import at_share, percent
from lowkey_core.types import Pictures


def build(fpir: Annotated[float, Gt(0), Lt(1)] = 0.01) -> OpenSet:
    """fpir: share of the searches of people who are not enrolled that may name somebody."""
    return OpenSet(fpir)


class OpenSet:
    """Thresholds are set by searching for the calibration people: clean pictures, of nobody who is
    enrolled or was learned from.

    Each arm has a threshold of its own, by the same calibration searches. Who runs a system knows
    only what it enrolled, and sets its threshold on that; cloaked entries may be nearer to
    everybody, or to nobody, and a threshold carried over from the clean gallery would then have
    another FPIR than the stated one.
    """

    def __init__(self, fpir: float) -> None:
        self.fpir = fpir

    def __call__(
        self, control: System, cloaked: System, searches: Searches, /
    ) -> dict[str, Outcome]:
        """`found at 1% FPIR`: of each scored person's probes, those whose best candidate is their
        person and reaches the threshold; 1 - FNIR at rank 1, in both arms.

        Raises: NotPossibleError with fewer calibration searches than 1 / FPIR.
        """
        return {
            found_at(percent(self.fpir)): Outcome(
                control=rate(
                    self._found(control, searches.clean, searches.calibration),
                    searches.clean.identities,
                    searches.scored,
                ),
                cloaked=rate(
                    self._found(cloaked, searches.probes, searches.calibration),
                    searches.probes.identities,
                    searches.scored,
                ),
            )
        }

    def _found(self, system: System, probes: Pictures, calibration: Pictures) -> Tensor:
        """(n_probes,) bool."""
        strangers = system.gallery.search(calibration, 1).scores[:, 0]
        threshold = at_share(strangers, self.fpir, "searches")
        found = system.gallery.search(probes, 1)
        best: Tensor = found.scores[:, 0] >= threshold
        return best & (found.identities[:, 0] == probes.identities)
