"""An accurate and a robust recogniser together (the critique, "Data Poisoning Won't Save You",
arXiv 2106.14851): robust training costs a little accuracy, and an ensemble need not pay it.

Both systems start from one recogniser and enrol the same pictures. The accurate one is the
recogniser as it is. The robust one is what the adversary behind the `@` makes of it:
`ensemble:top2@adaptive`, `ensemble:threshold@purification:jpeg`.

`top2`: each names its first candidate. The answer is the pair, so it is scored at rank 2, in the
clean gallery, too. `threshold`: the accurate one answers where it finds a near neighbour, else the
robust one. Near is what all but `share` of the adversary's own clean pictures are to another
picture of their person. The paper gives no threshold: this one is ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from annotated_types import Gt, Lt
from torch import Generator, Tensor, nn

from adversaries import Adversary, AdversaryAbout, Prepared, System, ThreatModel
from adversaries.parts.checked import Checked, CheckedPrepared
from adversaries.parts.enrolment import EnrolAll
from adversaries.parts.ensembles import BothFirst, NearFirst
from lowkey_core.errors import NotPossibleError, OptionError, setting
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Gallery, Pictures, Recognition
from lowkey_core.work.provenance import fingerprint

MEMBERS = ("top2", "threshold")
SHARE = 0.05
"""Of the adversary's own clean pictures that the robust system answers for. Ours."""


def build(
    member: str, of: Adversary, share: Annotated[float, Gt(0), Lt(1)] | None = None
) -> Ensemble:
    """of: what makes the robust system. share: of `threshold` only, SHARE without it. Raises:
    OptionError."""
    if member == "top2" and share is not None:
        raise OptionError(
            f"share is {share} for ensemble:top2",
            expected="ensemble:threshold, which has a threshold to set",
            remedy="leave share out",
        )
    return Ensemble(of, None if member == "top2" else share or SHARE)


class Ensemble:
    """Whatever its robust system learns, it learns; it calls the tool only if that one does."""

    def __init__(self, of: Adversary, share: float | None) -> None:
        """share: as for `build`; None: both systems name a candidate."""
        self.robust, self.share = Checked(of, type(of).__name__), share
        nested, both = self.robust.about, share is None
        how = "each names a candidate" if both else "the latter where nothing is near"
        self.about = AdversaryAbout(
            "Does it survive an accurate and a robust recogniser together, "
            + ("each naming a candidate?" if both else "the robust one where nothing is near?"),
            f"as it is and {nested.phrase or 'by another adversary'}, {how}",
            tries=nested.tries,
            trains_per_gallery=nested.trains_per_gallery,
            faces=nested.faces,
            cards=nested.cards,
            uses_tool=nested.uses_tool,
            scored_at=2 if both else 1,
        )

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Raises: NotPossibleError if the robust system is the recogniser as it is, if it cannot be
        made, or if the background has too few pictures to set the threshold on."""
        robust, start = self.robust.prepare(threat, rng), threat.recognition
        if as_it_is(robust, start):
            raise NotPossibleError(
                f"the ensemble has one member: its robust system is {start.card.name} as it is",
                expected="an adversary that makes something else of the recogniser",
                remedy="name one behind the @, as in ensemble:top2@adaptive",
            )
        if self.share is None:
            return Ensembled(start, robust, robust.learned)
        genuine = genuine_scores(nearest(start), threat.background)
        needed = math.ceil(1 / self.share)
        if len(genuine) < needed:
            raise NotPossibleError(
                f"the background has {len(genuine)} pictures of people who have another there",
                expected=f"{needed} to find a score that {self.share:g} of them are below",
                remedy=f"raise {setting('background')} or {setting('background_pictures')}",
            )
        threshold = float(genuine.quantile(self.share))
        facts = {"pictures": float(len(genuine)), **robust.learned, "threshold": threshold}
        return Ensembled(start, robust, facts, threshold)


def as_it_is(prepared: Prepared, start: Recognition) -> bool:
    """Whether an adversary enrols everything with the recogniser that it was given."""
    made = prepared.prepared if isinstance(prepared, CheckedPrepared) else prepared
    if not isinstance(made, EnrolAll):
        return False
    used = made.recognition
    if isinstance(used, Embedding) and isinstance(start, Embedding):
        return used.matcher == start.matcher and weights(used) == weights(start)
    return used is start


def weights(recognition: Embedding) -> str:
    """Names a network by its class and all that it has learned."""
    network = recognition.network
    held = network.state_dict() if isinstance(network, nn.Module) else network
    return fingerprint(type(network), held)


def nearest(recognition: Recognition) -> Recognition:
    """The same network, by 1-NN: its scores do not depend on how many are enrolled. A service
    compares as it does."""
    if not isinstance(recognition, Embedding):
        return recognition
    return replace(recognition, fit=MATCHERS.load("nn"), matcher="nn")


def genuine_scores(recognition: Recognition, background: Pictures) -> Tensor:
    """(m,): of each picture of a person who has others, the likeness to the nearest of those.

    Leave one out: nobody's score is of the picture itself. Each round leaves out one picture of
    everybody.
    """
    pictures = background.select(background.found)
    rounds: list[list[int]] = []
    for who in pictures.people:
        own = (pictures.identities == who).nonzero().flatten().tolist()
        for place, row in enumerate(own if len(own) > 1 else []):
            rounds += [[]] if place == len(rounds) else []
            rounds[place].append(row)
    scores = [torch.zeros(0)]
    for left_out in rounds:
        kept = torch.ones(len(pictures)).bool()
        kept[left_out] = False
        gallery, probes = recognition.enrol(pictures.select(kept)), pictures.select(left_out)
        found = gallery.likeness(probes, probes.identities).float()
        scores.append(found[found > -torch.inf])
    return torch.cat(scores)


@dataclass(frozen=True)
class Ensembled:
    """Two systems that have learned."""

    accurate: Recognition
    robust: Prepared
    learned: Mapping[str, float]
    threshold: float | None = None
    """None: both name a candidate."""

    def __call__(self, scraped: Pictures, /) -> System:
        """What the robust system flags is flagged. The accurate one enrols it all the same."""
        other = self.robust(scraped)
        own, gallery = self.accurate.enrol(scraped), other.gallery
        answering: Gallery = BothFirst(own, gallery)
        if self.threshold is not None:
            near = nearest(self.accurate).enrol(scraped)
            answering = NearFirst(own, gallery, near, self.threshold)
        return System(answering, scraped, other.flagged, other.suspicion)
