"""A switch that comes late: pictures with an older cloak are online before their owner takes the
audited one (the critique, Section 4): `late@fawkes:v1.0:mode=high`, `late:0.25@fawkes`.

What adversaries learn is about the audited cloak. The older one is run by its owners only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Gt, Lt
from torch import Tensor

from audit.scenarios import Trial, first
from lowkey_core.cloaks import CLOAKS
from lowkey_core.spec import Spec, parse

OLDER = "fawkes:v1.0:mode=high"
"""What was at hand before LowKey."""


def build(share: Annotated[float, Gt(0), Lt(1)] = 0.5, of: Spec | None = None) -> Late:
    """share: of each person's pictures that the older cloak was on, above 0 and below 1. of: the
    older cloak, OLDER without one. Raises: UnknownNameError."""
    of = of or parse(OLDER)
    CLOAKS.find(of)
    return Late(share, of)


class Late:
    """Of each person's n pictures the first round(share * n) have the older cloak, all others the
    audited one."""

    def __init__(self, share: float, of: Spec) -> None:
        self.share, self.older = share, str(of)
        self.phrase = (
            f"{share:.0%} of each protected person's pictures were online with {self.older}, and "
            "the others are cloaked"
        )

    def trials(self, identities: Tensor, /) -> Iterator[Trial]:
        """As `Scenario`."""
        earlier = first(identities, self.share)
        yield Trial(tuple(identities.unique().tolist()), ~earlier, earlier=earlier)
