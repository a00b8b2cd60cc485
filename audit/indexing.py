"""Cloaked pictures that a service does not index: neither recognised nor missed, but not taken."""

from __future__ import annotations

from adversaries import System
from audit.measures import rate
from audit.outcomes import INDEXED, Outcome
from audit.scenarios import Trial
from lowkey_core.types import Pictures


def indexed(
    control: System, system: System, trial: Trial, published: Pictures
) -> dict[str, Outcome]:
    """Of the pictures of each person that a trial publishes cloaked, those that the service has
    indexed; and of the same pictures without the cloak. Nothing where networks recognise, or an
    adversary enrolled others than it scraped.

    published: the protected people's, which stand first in either gallery.
    """
    arms = [getattr(each.gallery, "indexed", None) for each in (control, system)]
    rows = trial.changed.nonzero().flatten()
    before, after = arms
    if before is None or after is None or {len(before), len(after)} != {len(system.flagged)}:
        return {}
    whose = published.identities[rows]
    return {
        INDEXED: Outcome(
            control=rate(before[rows], whose, trial.scored),
            cloaked=rate(after[rows], whose, trial.scored),
        )
    }
