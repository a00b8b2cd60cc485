"""Rank-1 identification of people who protect nothing: what an adversary is worth to its owner.

An adversary that undoes a cloak and recognises nobody else any more has won nothing. The critique
(arXiv 2106.14851, Section 4) shows this accuracy beside the protection.
"""

from __future__ import annotations

from adversaries import System
from audit.measures import Searches, rate
from audit.outcomes import ACCURACY, Outcome, Rate
from lowkey_core.errors import NotPossibleError, setting


def build() -> Accuracy:
    """Takes no options."""
    return Accuracy()


class Accuracy:
    """Searches for others enrolled, among whom nobody cloaks."""

    def __call__(
        self, control: System, cloaked: System, searches: Searches, /
    ) -> dict[str, Outcome]:
        """Of each unprotected person's clean probes, those whose best candidate is their person: in
        the clean gallery, and in the one in which others cloaked. Rates are over everybody
        enrolled; who has no such probes has no trials.

        Raises: NotPossibleError without such probes.
        """
        if not len(searches.others):
            raise NotPossibleError(
                "no unprotected person who is enrolled has probes",
                expected=f"{setting('others_probes')} of at least 1, and others with more pictures "
                f"than {setting('gallery')}",
                remedy=f"raise {setting('others_probes')}, or lower {setting('gallery')}",
            )
        return {
            ACCURACY: Outcome(control=_found(control, searches), cloaked=_found(cloaked, searches))
        }


def _found(system: System, searches: Searches) -> Rate:
    probes = searches.others
    best = system.gallery.search(probes, 1).identities[:, 0]
    return rate(best == probes.identities, probes.identities, searches.scraped.people)
