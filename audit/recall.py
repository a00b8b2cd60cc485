"""How much a search finds that looks at some pictures of a gallery only."""

from __future__ import annotations

from dataclasses import dataclass

from audit.outcomes import RECALL, Outcome
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.recognition.matching import Approximate
from lowkey_core.types import Recognition


@dataclass(frozen=True)
class Recall:
    """What a recogniser's matcher has counted of its searches since `begun`."""

    matcher: Approximate | None
    """None: its searches are exact, or a service's."""
    hits: int = 0
    searched: int = 0

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """By name; none of an exact search."""
        if self.matcher is None or self.matcher.searched == self.searched:
            return {}
        share = (self.matcher.hits - self.hits) / (self.matcher.searched - self.searched)
        return {RECALL: Outcome(value=share)}


def begun(recognition: Recognition) -> Recall:
    """Counts from here."""
    matcher = recognition.fit if isinstance(recognition, Embedding) else None
    if not isinstance(matcher, Approximate):
        return Recall(None)
    return Recall(matcher, matcher.hits, matcher.searched)
