"""From what was measured to the report."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import torch

from audit import strangers
from audit.caveats import caveats
from audit.comparisons import comparisons
from audit.contests import NOT_EVERYWHERE, Contests, restricted
from audit.outcomes import Cell
from audit.photographs import Photographs
from audit.plan import BASELINE, AuditPlan
from audit.publishing import Publication
from audit.records import (
    AdversaryRecord,
    Card,
    CloakRecord,
    Copies,
    Quality,
    SplitRecord,
)
from audit.relations import families, related
from audit.report import PER_FACE, AuditReport
from audit.scene import Scene
from audit.showing import shown
from audit.visible import Ruler, visible
from lowkey_core import weights
from lowkey_core.cloaks import ThirdPartyCloak
from lowkey_core.faces.detection import DETECTOR_CARDS
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.matchers import nn
from lowkey_core.publish.tool import CloakTool
from lowkey_core.training import lfw_pictures
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)


@dataclass
class Clock:
    """Seconds per stage, for the report and the log; a clock that is set does not disturb it."""

    work: Work
    laps: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """A stage is over."""
        now = time.perf_counter()
        self.laps[stage] = round(now - self.last, 2)
        self.last = now
        log.info("%s took %.2f s", stage, self.laps[stage])
        self.work.log_counts()


def record(
    plan: AuditPlan,
    scene: Scene,
    published: list[Publication],
    prepared: Contests,
    cells: list[Cell],
    clock: Clock,
    *,
    faces: bool,
) -> AuditReport:
    """The report of what was measured. faces: it may hold those of real people."""
    ruler = Ruler.present()
    seen = visible(scene, published, ruler)
    pictures = shown(scene, published, ruler, faces=faces)
    clock.lap("measuring visibility")
    own = {p.attack: p for p in published}
    cloaks = tuple(_cloak(scene, tool, own[tool.name], seen) for tool in scene.tools)
    recognisers = related(scene)
    adversaries = tuple(_adversary(scene, name, prepared) for name in scene.adversaries)
    photos = scene.photos
    people = tuple(photos.names[who] for who in photos.people)
    split = SplitRecord(seed=scene.seed, people=people, cells=tuple(cells))
    return AuditReport(
        plan=plan,
        counts=photos.counts,
        cloaks=cloaks,
        recognisers=recognisers,
        adversaries=adversaries,
        cells=split.cells,
        cards=tuple(networks(scene, ruler.cards)),
        caveats=caveats(
            *(photos.counts, cloaks, recognisers, adversaries, cells),
            (*notes_on_pictures(scene), *scene.sight.notes(scene.seen)),
        ),
        environment=_environment() | _searches(scene),
        timings=clock.laps | dict(_faces(scene)),
        people=people,
        groups=photos.groups,
        enrolled=tuple(photos.names[who] for who in photos.enrolled),
        comparisons=comparisons([c.attack for c in cloaks], recognisers[0].name, [split]),
        shown=pictures,
    )


def _faces(scene: Scene) -> Iterator[tuple[str, float]]:
    for tool in scene.tools:
        if (seconds := scene.work.mean_seconds(tool.name)) is not None:
            yield PER_FACE + tool.name, round(seconds, 3)


def _cloak(
    scene: Scene, tool: CloakTool, published: Publication, seen: Mapping[str, Quality]
) -> CloakRecord:
    about, pair = tool.cloak.about, scene.pair(tool)
    return CloakRecord(
        attack=tool.name,
        control=pair[1].name if len(pair) > 1 else None,
        released=about.released,
        notes=about.notes,
        surrogates=None if about.against is None else tuple(n.card.name for n in about.against),
        families=families(about.against),
        quality=tuple(seen[each.name] for each in pair),
        copies=_copies(scene, tool.cloak) if isinstance(tool.cloak, ThirdPartyCloak) else None,
        unchanged=published.unchanged(scene.photos.gallery),
        threshold=about.budget.dssim,
        bound=about.budget.linf,
    )


def _copies(scene: Scene, cloak: ThirdPartyCloak) -> Copies:
    own = scene.photos.gallery.names
    lost = {*cloak.missing, *cloak.unusable}
    return Copies(
        folder=str(getattr(cloak, "root", "")),
        matched=len([name for name in own if name not in lost]),
        missing=tuple(name for name in own if name in cloak.missing),
        unusable=tuple(name for name in own if name in cloak.unusable),
        background=len([n for n in scene.photos.background.names if n not in lost]),
        reasons={name: cloak.reasons[name] for name in own if name in cloak.reasons},
        unchanged=tuple(name for name in own if name in cloak.unchanged),
        strays=dict(cloak.strays),
        notes=cloak.notes,
    )


def _adversary(scene: Scene, name: str, prepared: Contests) -> AdversaryRecord:
    about = scene.adversaries[name].about
    faced = [
        (attack, contest)
        for contest in prepared.contests
        for attack in contest.attacks
        if contest.adversary == name and attack in (tool.name for tool in scene.tools)
    ]
    unseen = {a: c.learned_about for a, c in faced if c.learned_about not in ("", a)}
    learned = {
        attack: dict(contest.prepared.learned)
        for attack, contest in faced
        if contest.prepared.learned and attack not in unseen
    }
    return AdversaryRecord(
        name=name,
        question=about.question,
        phrase=about.phrase,
        baseline=name == BASELINE,
        scored_at=about.scored_at,
        learned=learned,
        impossible=prepared.impossible.get(name, {}),
        left_out=NOT_EVERYWHERE if restricted(scene, name) else "",
        learned_about=unseen,
    )


def networks(scene: Scene, metrics: Sequence[weights.Card] = ()) -> Iterator[Card]:
    """Every network that took part. metrics: those that measured how visible cloaks are."""
    roles = {
        "surrogate": [network.card for network in scene.surrogates],
        "recogniser": [group[0].card for group in scene.recognitions],
        "adversary": [card for a in scene.adversaries.values() for card in a.about.cards],
        "face detector": [*DETECTOR_CARDS, *scene.sight.cards],
        "data set": list(scene.photos.dataset.cards),
        "perceptual metric": list(metrics),
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
                released=card.released,
                trained_on=card.trained_on,
                preprocessing=card.preprocessing,
                family=card.family,
            )


def notes_on_pictures(scene: Scene) -> Iterator[str]:
    """What the data set says of itself, and who has learned from it."""
    dataset = scene.photos.dataset
    yield from dataset.notes
    cards = [group[0].card for group in scene.recognitions]
    known = [card.name for card in cards if dataset.called in card.data]
    if known:
        yield (
            f"{', '.join(known)} learned from {dataset.called}, too: "
            "a recogniser that did not may be fooled more easily."
        )
    zoo = [card.name for card in cards if card.embedded and "LFW" in card.data]
    if zoo and not known and (count := lfw_pictures.known(_contents(scene.photos))):
        yield (
            f"{count} of the pictures are of LFW, and {', '.join(zoo)} learned from them, too: "
            "a recogniser that did not may be fooled more easily."
        )


def _contents(photos: Photographs) -> Iterator[str]:
    """The digest of each file."""
    for part in (photos.gallery, photos.probes, photos.bystanders, photos.background):
        yield from (p.content for p in part.items if isinstance(p, PhotoPicture))


def _searches(scene: Scene) -> dict[str, str]:
    """Where the matcher `nn` leaves the search to another."""
    matchers = {r.matcher for group in scene.recognitions for r in group}
    largest = max([scene.photos.counts.gallery, *strangers.sizes(scene.recognitions)])
    said = nn.by_faiss(largest) if "nn" in matchers else ""
    return {"nn": said} if said else {}


def _environment() -> dict[str, str]:
    packages = ("torch", "torchvision", "numpy", "pillow", "facenet-pytorch")
    return {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "threads": str(torch.get_num_threads()),
        **{name: version(name) for name in packages},
    }
