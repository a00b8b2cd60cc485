"""Purifies pictures before it enrols them: what is left of a cloak then?

- `purification:squeeze`: fewer grey levels, a median, a Gaussian (Xu et al., arXiv 1704.01155).
- `purification:jpeg`: through a JPEG file.
- `purification:resize`: smaller, and back to its size.
- `purification:nlmeans`: non-local means (Buades et al., CVPR 2005).
- `purification:learned`: a network that learned to take cloaks off (PuFace, arXiv 2406.02253).

The first four filter the whole photo, know of no cloak and learn nothing. The last runs the
cloaking tool on the background. Clean pictures are purified as cloaked ones are: the control, a
clean gallery under the same purifier, shows what purification costs in accuracy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Le, Lt
from torch import Generator, Tensor

from adversaries import AdversaryAbout, Prepared, System, ThreatModel
from adversaries.parts import purifiers
from adversaries.parts.purifiers import Method, Purifier
from lowkey_core.errors import OptionError
from lowkey_core.types import Candidates, Gallery, Pictures, Recognition
from lowkey_core.work.work import Work

MEMBERS = tuple(purifiers.DEFAULTS)

On = Literal["gallery", "both"]


def build(
    member: str,
    work: Work,
    device: torch.device | None = None,
    epochs: int = 12,
    on: On = "both",
    bits: Annotated[int, Ge(1), Le(8)] | None = None,
    median: Annotated[int, Ge(1), Le(15)] | None = None,
    sigma: Annotated[float, Ge(0), Le(10)] | None = None,
    quality: Annotated[int, Ge(1), Le(100)] | None = None,
    share: Annotated[float, Ge(0.05), Lt(1)] | None = None,
    strength: Annotated[float, Ge(0.1), Le(255)] | None = None,
    batch: Annotated[int, Ge(1)] | None = None,
    channels: Annotated[int, Ge(4), Le(512)] | None = None,
    stated: Collection[str] = (),
) -> Purification:
    """on: whether probes are purified, too, before they are searched for.

    bits, median, sigma: of `squeeze`. quality: of `jpeg`. share: of height and width, of `resize`.
    strength: of `nlmeans`, in grey levels. epochs, batch, channels (of its layers): of `learned`.
    Without one: as in `purifiers.DEFAULTS`. Raises: OptionError for an option of another member.
    """
    every = {
        **{"bits": bits, "median": median, "sigma": sigma, "quality": quality},
        **{"share": share, "strength": strength},
        **{"batch": batch, "channels": channels},
    }
    given = {name: value for name, value in every.items() if value is not None}
    if "epochs" in stated and member != "learned":
        raise OptionError(
            f"purification:{member} was given epochs",
            expected="no epochs, as it learns nothing",
            remedy="leave out epochs",
        )
    by = purifiers.method(member, given, work, device or torch.device("cpu"), epochs)
    return Purification(by, on)


class Purification:
    """Purifies by some method, then enrols everything with the recogniser as it is."""

    def __init__(self, method: Method, on: On) -> None:
        self.method, self.on = method, on
        what = "" if on == "both" else "of its gallery "
        self.about = AdversaryAbout(
            "Does it survive purification?",
            f"after purification {what}by {method.said}",
            uses_tool=method.uses_tool,
        )

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Raises: NotPossibleError where it must run the tool, and cannot."""
        ready = self.method.ready(threat, rng)
        return Purifying(threat.recognition, ready.purify, self.on, ready.learned)


@dataclass(frozen=True)
class Purifying:
    """Purifies whatever it is given."""

    recognition: Recognition
    purify: Purifier
    on: On
    learned: Mapping[str, float]

    def __call__(self, scraped: Pictures, /) -> System:
        """As `Prepared`; suspects nothing, and keeps every picture."""
        gallery = self.recognition.enrol(self.purify(scraped))
        if self.on == "both":
            gallery = PurifiedProbes(gallery, self.purify)
        return System(gallery, scraped, torch.zeros(len(scraped)).bool())


@dataclass(frozen=True)
class PurifiedProbes:
    """A gallery that purifies whatever is searched for in it."""

    gallery: Gallery
    purify: Purifier

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """As `Gallery.search`."""
        return self.gallery.search(self.purify(probes), k)

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """As `Gallery.likeness`."""
        return self.gallery.likeness(self.purify(probes), claimed)
