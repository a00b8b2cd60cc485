"""The audit: photographs are cloaked, published, scraped, enrolled by an adversary, and probed."""

from __future__ import annotations

import datetime
import logging
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

import torch
from torch import Generator

from adversaries import Enrol, ThreatModel
from audit import metrics
from audit.caveats import caveats
from audit.plan import AuditPlan
from audit.report import AuditReport, Card, Cell, Copies, Quality
from audit.scene import Scene, assemble
from lowkey_core import weights
from lowkey_core.cloaks import notes_of, release_date
from lowkey_core.errors import NotPossibleError
from lowkey_core.faces.detection import DETECTOR_CARDS
from lowkey_core.faces.visibility import LINEAR, TRUNK, lpips_if_present
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognisers import held_out, shared_data
from lowkey_core.types import Embedder, Faces, Images, Transform
from lowkey_core.weights import card_of
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)

CLEAN = "clean"
"""The arm that nobody cloaks."""


def run_audit(plan: AuditPlan, work: Work) -> AuditReport:
    """Raises: any AuditError. What is finished stays in `work`, so that a rerun resumes."""
    clock = _Clock(work)
    scene = assemble(plan, work)
    clock.lap("assembling")
    published = publish(scene, plan)
    clock.lap("cloaking")
    contests, impossible = prepare(scene, plan)
    clock.lap("learning")
    cells: list[Cell] = []
    for transform, apply in scene.transforms.items():
        arms = scrape(scene, published, apply)
        for contest in contests:
            cells += measure(plan, scene, contest, transform, arms)
    clock.lap("recognising")
    copies = _copies(scene, plan)
    seen = tuple(visibility(scene, published))
    learned = {c.adversary: c.learned for c in contests if c.learned}
    return AuditReport(
        plan=plan,
        counts=scene.photos.counts,
        cloak_released=release_date(scene.cloak),
        copies=copies,
        quality=seen,
        cells=tuple(cells),
        learned=learned,
        impossible=impossible,
        cards=tuple(cards(scene, lpips=any(q.lpips is not None for q in seen))),
        caveats=caveats(
            scene.photos.counts,
            cells,
            seen,
            learned,
            notes_of(scene.cloak),
            copies,
            notes_on_pictures(scene),
        ),
        environment=_environment(),
        timings=clock.laps,
    )


def publish(scene: Scene, plan: AuditPlan) -> dict[str, Images]:
    """What protected people put online, by attack: their gallery, its cloaked part cloaked."""
    part = scene.photos.gallery.select(scene.photos.cloaked_rows)
    published = {CLEAN: scene.photos.gallery.images}
    for attack, cloak in scene.attacks.items():
        images = scene.photos.gallery.images.clone()
        images[scene.photos.cloaked_rows] = cloak(part, _rng(plan))
        published[attack] = images
    return published


@dataclass(frozen=True)
class Contest:
    """One adversary that has learned, with one recogniser and one matcher."""

    adversary: str
    embedder: Embedder
    matcher: str
    enrol: Enrol
    attacks: tuple[str, ...]
    """What it faces: `oblivious` also faces the noise control."""

    @property
    def learned(self) -> dict[str, float]:
        """What it reports of its training."""
        return dict(getattr(self.enrol, "learned", {}))


def prepare(scene: Scene, plan: AuditPlan) -> tuple[list[Contest], dict[str, str]]:
    """`oblivious` tries every recogniser, oldest first; the others start from the plan's first.

    Also returns, by adversary, why it cannot take part.
    """
    contests: list[Contest] = []
    impossible: dict[str, str] = {}
    for name, adversary in scene.adversaries.items():
        oblivious = name == "oblivious"
        by_age = sorted(scene.recognisers, key=lambda e: card_of(e).released)
        for embedder in by_age if oblivious else scene.recognisers[:1]:
            for matcher in plan.matchers:
                threat = ThreatModel(
                    embedder, MATCHERS[matcher], scene.photos.background, scene.tool
                )
                try:
                    enrol = adversary.prepare(threat, _rng(plan))
                except NotPossibleError as error:
                    impossible[name] = str(error)
                    continue
                attacks = tuple(scene.attacks) if oblivious else (plan.attack,)
                contests.append(Contest(name, embedder, matcher, enrol, attacks))
    return contests, impossible


def scrape(scene: Scene, published: dict[str, Images], apply: Transform) -> dict[str, Faces]:
    """By arm, everybody's published pictures after the transform, protected identities first."""
    bystanders = Faces(apply(scene.photos.bystanders.images), scene.photos.bystanders.identities)
    return {
        arm: Faces(apply(images), scene.photos.gallery.identities).join(bystanders)
        for arm, images in published.items()
    }


def measure(
    plan: AuditPlan, scene: Scene, contest: Contest, transform: str, arms: dict[str, Faces]
) -> Iterator[Cell]:
    """The cells of one contest under one transform. Both arms use the same learned weights."""
    people, probes = scene.photos.people, scene.photos.probe_faces
    card, released = card_of(contest.embedder), release_date(scene.cloak)
    apart = held_out(contest.embedder, scene.surrogates) if scene.surrogates else None
    changed = torch.zeros(len(arms[CLEAN])).bool()
    changed[scene.photos.cloaked_rows] = True
    clean = contest.enrol(arms[CLEAN])
    control = metrics.identification(clean, probes, people, plan.ranks)
    for attack in contest.attacks:
        for condition in plan.conditions:
            spotted = None
            if condition == "all":
                cloaked = contest.enrol(arms[attack])
                rates = metrics.identification(cloaked, probes, people, plan.ranks)
                detected = metrics.all_dropped(cloaked, arms[attack], people)
                spotted = metrics.detection(clean, cloaked, arms[attack], changed, people)
            else:
                rates, detected = metrics.one_at_a_time(
                    contest.enrol, arms[CLEAN], arms[attack], probes, people, plan.ranks
                )
            yield Cell(
                attack=attack,
                adversary=contest.adversary,
                recogniser=card.name,
                released=_stated(card),
                newer=released is not None
                and card.released > released
                and apart is not False
                and not card.embedded,
                held_out=apart,
                shared_data=shared_data(contest.embedder, scene.surrogates),
                matcher=contest.matcher,
                transform=transform,
                condition=condition,
                cloaked_share=scene.photos.cloaked_share,
                control=control,
                cloaked=rates,
                detected=detected,
                detection=spotted,
            )


def visibility(scene: Scene, published: dict[str, Images]) -> Iterator[Quality]:
    """How visible each attack is, over the pictures it changed."""
    rows, lpips = scene.photos.cloaked_rows, lpips_if_present()
    for attack in scene.attacks:
        clean = scene.photos.gallery.images[rows]
        yield metrics.quality(attack, clean, published[attack][rows], lpips)


def cards(scene: Scene, *, lpips: bool) -> Iterator[Card]:
    """Every network that took part, LPIPS's among them or not."""
    roles = {
        "surrogate": [card_of(e) for e in scene.surrogates],
        "recogniser": [card_of(e) for e in scene.recognisers],
        "face detector": list(DETECTOR_CARDS),
        "data set": list(scene.photos.dataset.cards),
        "perceptual metric": [TRUNK, LINEAR] if lpips else [],
    }
    for role, members in roles.items():
        for card in members:
            yield Card(
                name=card.name,
                role=role,
                sha256=weights.digest(card),
                first_seen=bool(card.file) and not card.pinned,
                source=card.source,
                licence=card.licence,
                released=_stated(card),
                trained_on=card.trained_on,
                preprocessing=card.preprocessing,
            )


def notes_on_pictures(scene: Scene) -> Iterator[str]:
    """What the data set says of itself, and who has learned from it."""
    dataset = scene.photos.dataset
    yield from dataset.notes
    known = [card_of(e).name for e in scene.recognisers if dataset.called in card_of(e).data]
    if known:
        yield (
            f"{', '.join(known)} learned from {dataset.called}, too: "
            "a recogniser that did not may be fooled more easily."
        )


def _copies(scene: Scene, plan: AuditPlan) -> Copies | None:
    copied = scene.photos.copied
    if copied is None or plan.cloaked is None:
        return None
    published = set(scene.photos.gallery.names)
    return Copies(
        folder=plan.cloaked,
        matched=len(published.intersection(copied.faces)),
        missing=tuple(name for name in copied.missing if name in published),
        unusable=tuple(name for name in copied.unusable if name in published),
        background=len(set(copied.faces) - published),
    )


def _stated(card: weights.Card) -> datetime.date | None:
    return None if card.released == datetime.date.min else card.released


def _rng(plan: AuditPlan) -> Generator:
    return Generator().manual_seed(plan.seed)


def _environment() -> dict[str, str]:
    packages = ("torch", "torchvision", "numpy", "pillow", "facenet-pytorch")
    return {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "threads": str(torch.get_num_threads()),
        **{name: version(name) for name in packages},
    }


@dataclass
class _Clock:
    """Seconds per stage, for the report and the log; a clock that is set does not disturb it."""

    work: Work
    laps: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round(now - self.last, 2)
        self.last = now
        log.info("%s took %.2f s", stage, self.laps[stage])
        self.work.log_counts()
