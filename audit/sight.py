"""How adversaries find faces in photos: as people who cloak do, or with a detector of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from torch import Generator

from audit.photographs import Photographs
from lowkey_core.faces import detectors
from lowkey_core.faces.detectors import Detector, seen_by
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.publish.served import found_again
from lowkey_core.types import Pictures
from lowkey_core.weights import Card
from lowkey_core.work.work import Work

Run = Callable[[Pictures, Generator], Pictures]


@dataclass(frozen=True)
class Sight:
    """One detector, for everybody's photos and in both arms."""

    detector: Detector | None
    """None: MTCNN, with which the photos were aligned."""
    looks_again: bool
    """Whether it looks at what protected people published, or takes faces where they were."""
    work: Work

    @classmethod
    def of(cls, name: str, looks_again: bool, work: Work) -> Sight:
        """name: the plan's. Raises: OptionError, MissingWeightsError, TamperedWeightsError."""
        return cls(None if name == "mtcnn" else detectors.load(name), looks_again, work)

    @property
    def cards(self) -> tuple[Card, ...]:
        """Of its weights, where it is not MTCNN."""
        return self.detector.cards if self.detector else ()

    def photographs(self, photos: Photographs) -> Photographs:
        """Clean photos as it sees them. A background picture without a face is left out."""
        if self.detector is None:
            return photos
        background = self._look(photos.background)
        return replace(
            photos,
            gallery=self._look(photos.gallery),
            probes=self._look(photos.probes),
            bystanders=self._look(photos.bystanders),
            background=background.select(background.found),
            calibration=self._look(photos.calibration),
            others_probes=self._look(photos.others_probes),
        )

    def again(self, published: Pictures, clean: Pictures) -> Pictures:
        """What protected people published, as it is served. clean: the same photos as it saw them
        before, in the same order."""
        if self.looks_again:
            return self._look(published) if self.detector else found_again(published, self.work)
        if self.detector is None:
            return published
        return _at(published, clean)

    def tool(self, run: Run, background: Pictures) -> Run:
        """The public tool for an adversary with this detector. The tool finds faces as it always
        does; the adversary cuts them where it found them in the clean photos. background: as the
        tool sees it."""
        if self.detector is None:
            return run
        frames = {p.content: p.frame for p in background.items if isinstance(p, PhotoPicture)}

        def seen(pictures: Pictures, rng: Generator) -> Pictures:
            own = Pictures(
                tuple(
                    p.seen_at(frames[p.content])
                    if isinstance(p, PhotoPicture) and p.content in frames
                    else p
                    for p in pictures.items
                )
            )
            return _at(run(own, rng), pictures)

        return seen

    def notes(self, seen: Photographs) -> Iterator[str]:
        """What the report must say of it. seen: the photos as it sees them."""
        if self.detector is None:
            return
        name = self.detector.name
        yield (
            f"Adversaries find and align faces with {name}, the cloak with MTCNN: {name} finds no "
            f"face in {_lost(seen.probes)} of {len(seen.probes)} clean probes, in "
            f"{_lost(seen.gallery)} of {len(seen.gallery)} clean pictures of protected people and "
            f"in {_lost(seen.bystanders)} of {len(seen.bystanders)} of others; those find nobody, "
            "or are not enrolled."
        )

    def _look(self, pictures: Pictures) -> Pictures:
        assert self.detector is not None, "MTCNN has looked already"
        return seen_by(pictures, self.detector, self.work)


def _lost(pictures: Pictures) -> int:
    return len(pictures) - int(pictures.found.sum())


def _at(pictures: Pictures, others: Pictures) -> Pictures:
    """The pictures with their faces where the others, as many, have them."""
    pairs = zip(pictures.items, others.items, strict=True)
    return Pictures(
        tuple(
            p.seen_at(o.frame) if isinstance(p, PhotoPicture) and isinstance(o, PhotoPicture) else p
            for p, o in pairs
        )
    )
