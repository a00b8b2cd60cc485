"""Every cloaked photo beside its own original, and that beside other photos of the same person.

It is what most people try first, and misleads: a cloak is made to part these two, while other
photos of the person still find it. `audit/measuring.py` has what counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from audit.plan import AuditPlan
from audit.publishing import Publication, publish
from audit.scene import Scene, assemble
from audit.scraped import scrape
from lowkey_core.faces import visibility
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.services.asking import Services
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Likeness:
    """Cosines in [-1, 1], by one recogniser."""

    copy: float
    """Of the photo and its cloaked copy."""
    others: float
    """Of the photo and the person's other clean photos: their mean."""


@dataclass(frozen=True)
class Pair:
    """A photo and its cloaked copy."""

    person: str
    photo: str
    dssim: float
    """As the report states it: of the aligned faces, both cut where the photo's own face is."""
    likeness: Mapping[str, Likeness]
    """By recogniser, in the plan's order. Services give none; nor does anybody where the face of
    the copy was lost."""


def pairs(plan: AuditPlan, work: Work) -> tuple[Pair, ...]:
    """Of each photo that the plan's first cloak covers. After the audit all of it is in `work`.

    Raises: any AuditError.
    """
    scene = assemble(plan, work, Services(work, "foreseen"))  # nobody is searched for
    published = publish(scene)[:1]
    scraped = scrape(scene, published, "none", scene.transforms["none"])
    return tuple(_pairs(scene, published[0], scraped.clean, scraped.cloaked[published[0].attack]))


def _pairs(
    scene: Scene, published: Publication, clean: Pictures, cloaked: Pictures
) -> Iterator[Pair]:
    everything = clean.join(scene.photos.probes)
    same = everything.identities[:, None] == everything.identities
    likeness: list[dict[str, Likeness]] = [{} for _ in clean.items]
    for group in scene.recognitions:
        if isinstance(recognition := group[0], Embedding):
            vectors, copies = recognition.embed(everything), recognition.embed(cloaked)
            cosines = vectors @ vectors.T
            own = (vectors[: len(clean)] * copies).sum(1)
            for row in cloaked.found.nonzero().flatten().tolist():
                others = _but(cosines[row], same[row], row)
                likeness[row][recognition.card.name] = Likeness(float(own[row]), others)
    dssim = visibility.dssim(scene.photos.gallery.faces(), published.gallery.faces())
    for row in published.covered.nonzero().flatten().tolist():
        picture = clean.items[row]
        person = scene.photos.names[picture.identity]
        yield Pair(person, picture.name, float(dssim[row]), likeness[row])


def _but(cosines: Tensor, same: Tensor, row: int) -> float:
    """The mean over a person's pictures but one."""
    return float((cosines[same].sum() - cosines[row]) / (same.sum() - 1))
