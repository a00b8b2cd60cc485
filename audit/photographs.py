"""The photos of an audit, read, aligned and dealt out: what everything else works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audit import world as around
from audit.advice import RIVALS
from audit.counts import Counts
from audit.plan import AuditPlan, People
from audit.protocol import split
from lowkey_core import datasets
from lowkey_core.cloaks import ThirdPartyCloak
from lowkey_core.datasets import Dataset
from lowkey_core.errors import DatasetError, Reason
from lowkey_core.faces.found import Found, find
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.photos.photo import Photo
from lowkey_core.recognition.ready import is_ready
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Photographs:
    """Pictures by part; identities are numbered, protected ones from 0."""

    gallery: Pictures
    """Of protected identities, clean."""
    probes: Pictures
    bystanders: Pictures
    """Of everybody else enrolled; never cloaked."""
    background: Pictures
    """The adversary's own."""
    calibration: Pictures
    """Of people in no other part."""
    others_probes: Pictures
    """Of others enrolled, clean."""
    counts: Counts
    dataset: Dataset
    """What all of them are from, as far as the report speaks of it."""
    names: tuple[str, ...]
    """Of identities, by their numbers."""

    @property
    def people(self) -> list[int]:
        """Protected identities with a face in the gallery and among the probes."""
        return _people(self.gallery, self.probes)

    @property
    def groups(self) -> tuple[str, ...]:
        """Of each of `people`, "" where it is not stated; none where the data set has no groups."""
        stated = self.dataset.groups
        return tuple(stated.get(self.names[who], "") for who in self.people) if stated else ()

    @property
    def enrolled(self) -> list[int]:
        """Everybody in the gallery."""
        return self.gallery.join(self.bystanders).people

    def noting(self, notes: Sequence[str], ready: int) -> Photographs:
        """The same, with more that the report must say. ready: strangers by embeddings alone."""
        dataset = replace(self.dataset, notes=(*self.dataset.notes, *notes))
        counts = self.counts.model_copy(update={"ready": ready})
        return replace(self, dataset=dataset, counts=counts)


def photographs(plan: AuditPlan, work: Work, copies: Sequence[ThirdPartyCloak] = ()) -> Photographs:
    """copies: cloaks whose pictures somebody else made. Raises: DatasetError, PlanError."""
    sizes, dataset = plan.people, datasets.load(plan.people.dataset, work)
    for cloak in copies:
        dataset = replace(dataset, photos=cloak.originals(dataset.photos))
    copied = {p.name for p in dataset.photos if all(cloak.covers(p.name) for cloak in copies)}
    pictured = [name for name in sizes.distractor_datasets if not is_ready(name)]
    strangers = [p for name in pictured for p in datasets.strangers(name, work)]
    world = around.load(sizes.world, dataset, work) if sizes.world else None
    parts = split(dataset, plan, strangers, copied if copies else None, world)
    aligned = align(parts.photos, work)
    numbers = {who: i for i, who in enumerate(dict.fromkeys(p.identity for p in parts.photos))}
    probes, *others = (
        aligned.pictures(photos, numbers)
        for photos in (
            parts.probes,
            parts.gallery,
            parts.bystanders,
            parts.background,
            parts.calibration,
            parts.others_probes,
        )
    )
    (gallery, bystanders, background, calibration, others_probes), duplicates = once(
        aligned.shows, probes, *others
    )
    for cloak in copies:
        cloak.read(gallery.join(probes).join(background))
    people, enrolled = _people(gallery, probes), gallery.join(bystanders).people
    if not people or not len(background) or len(enrolled) < RIVALS:
        lost = _counted(aligned, duplicates)
        raise DatasetError(
            f"usable are {len(gallery)} pictures of the gallery, {len(probes)} probes, "
            f"{len(bystanders)} pictures of others and {len(background)} of the background"
            + (f" ({lost})" if lost else ""),
            expected="at least one person with a face in gallery and probes, somebody else "
            "enrolled, and a background",
            remedy="look at the pictures, or use another data set",
        )
    showing = _people(others[0], probes)
    counts = Counts(
        dataset=" among ".join(filter(None, (sizes.dataset, sizes.world))),
        protected=len(people),
        without_pictures=sizes.protected - len(people),
        only_duplicates=len(showing) - len(people),
        probes=len(probes),
        gallery=len(gallery) + len(bystanders),
        enrolled=len(enrolled),
        background_identities=len(background.people),
        background_pictures=len(background),
        calibration_identities=len(calibration.people),
        calibration_pictures=len(calibration),
        others_probes=len(others_probes),
        no_face=aligned.no_face,
        unreadable=tuple(aligned.unreadable),
        unreadable_reasons=dict(sorted(Counter(aligned.unreadable.values()).items())),
        duplicates=duplicates,
        protectable=parts.protectable,
        too_few_pictures=parts.too_few_pictures,
    )
    return Photographs(
        gallery=gallery,
        probes=probes,
        bystanders=bystanders,
        background=background,
        calibration=calibration,
        others_probes=others_probes,
        counts=counts,
        dataset=_noted(dataset if world is None else world.of(dataset), sizes, calibration),
        names=tuple(numbers),
    )


def once(
    shows: Mapping[str, str], probes: Pictures, *parts: Pictures
) -> tuple[list[Pictures], tuple[str, ...]]:
    """The parts without any picture that is a probe or stands before it, and the names left out.

    A probe that was enrolled, or learned from, would find itself. shows: by name, the digest of a
    picture's aligned 8-bit pixels. Pictures are the same if those are: so are those of one file's
    copies, whatever they are called. Pixels of a file that was encoded again are not, and stay.
    """
    seen, kept, left_out = {shows[name] for name in probes.names}, list[Pictures](), list[str]()
    for part in parts:
        rows = []
        for i, name in enumerate(part.names):
            if shows[name] in seen:
                left_out.append(name)
            else:
                rows.append(i)
                seen.add(shows[name])
        kept.append(part.select(rows))
    return kept, tuple(left_out)


def _counted(aligned: Aligned, duplicates: Sequence[str]) -> str:
    """How many pictures are of no use, for each reason; "" if all are."""
    reasons = Counter(aligned.unreadable.values())
    counts = Counter({"no face": len(aligned.no_face), "the same as another": len(duplicates)})
    counts.update(reasons)
    return ", ".join(f"{n} {why}" for why, n in counts.items() if n)


def _noted(dataset: Dataset, sizes: People, calibration: Pictures) -> Dataset:
    """The data set, and whether it has fewer people for thresholds than were asked for."""
    if (left := len(calibration.people)) == sizes.calibration:
        return dataset
    note = f"Of {sizes.calibration} people asked for to set thresholds on, {left} were left."
    return replace(dataset, notes=(*dataset.notes, note))


def _people(gallery: Pictures, probes: Pictures) -> list[int]:
    return sorted(set(gallery.people) & set(probes.people))


@dataclass(frozen=True)
class Aligned:
    """Where faces are, by photo name, and the photos that gave none."""

    found: dict[str, Found]
    """Of photos with a face."""
    no_face: tuple[str, ...]
    unreadable: dict[str, Reason]
    """And why."""

    def pictures(self, photos: Sequence[Photo], numbers: Mapping[str, int]) -> Pictures:
        """Those among `photos` with a face, identities by their numbers."""
        rows = [(photo, self.found[photo.name]) for photo in photos if photo.name in self.found]
        return Pictures(
            tuple(
                PhotoPicture(photo, numbers[photo.identity], found.content, found.frames[0])
                for photo, found in rows
            )
        )

    @property
    def shows(self) -> dict[str, str]:
        """By name, the digest of each main face's aligned pixels."""
        return {name: found.shows for name, found in self.found.items()}


def align(photos: Sequence[Photo], work: Work) -> Aligned:
    """Every photo's main face; failures are counted, not dropped."""
    outcome = {p.name: found for p, found in zip(photos, find(photos, work), strict=True)}
    return Aligned(
        {n: f for n, f in outcome.items() if f.frames},
        tuple(n for n, f in outcome.items() if not f.frames and not f.lost),
        {n: f.lost for n, f in outcome.items() if f.lost},
    )
