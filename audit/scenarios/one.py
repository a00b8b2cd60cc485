"""One person at a time cloaks, as in the critique's experiments."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from audit.scenarios import Trial


def build() -> OneAtATime:
    """Takes no options."""
    return OneAtATime()


class OneAtATime:
    """A gallery for each person."""

    phrase = "one person at a time cloaks"

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """As `Scenario`."""
        for who in identities.unique().tolist():
            yield Trial((who,), identities == who)
