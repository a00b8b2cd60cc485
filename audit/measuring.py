"""Every adversary faces every gallery: what its systems find is counted, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch

from audit.contests import Contest, Contests
from audit.measures import Searches, rate
from audit.outcomes import FOUND, Cell, Outcome, Rate
from audit.publishing import Publication
from audit.scenarios import Scenario, Trial
from audit.scene import Scene
from lowkey_core.errors import PlanError, setting
from lowkey_core.publish.served import found_again, in_place, served
from lowkey_core.types import Pictures, Transform


def measure(scene: Scene, published: list[Publication], prepared: Contests) -> list[Cell]:
    """A cell for every transform, contest, cloak that it faces, and scenario."""
    cells: list[Cell] = []
    for transform, apply in scene.transforms.items():
        scraped = scrape(scene, published, transform, apply)
        for contest in prepared.contests:
            cells += _measured(scene, published, scraped, contest, transform)
        scene.work.forget_items()  # the next transform has embeddings of its own
    return cells


@dataclass(frozen=True)
class Scraped:
    """Everybody's published pictures as a platform serves them, faces found again in those of
    protected people; a picture whose face was lost is there, too, without one."""

    clean: Pictures
    """Of protected people, before anybody cloaked."""
    cloaked: dict[str, Pictures]
    """The same pictures, by cloak."""
    bystanders: Pictures
    probes: dict[str, Pictures]
    """Cloaked probes by cloak, where a scenario searches for them."""

    @property
    def control(self) -> Pictures:
        """The gallery that nobody cloaked, protected people first."""
        return self.clean.join(self.bystanders)

    def of(self, trial: Trial, attack: str) -> Pictures:
        """The gallery of a trial, in the same order."""
        mixed = self.clean.replaced(trial.cloaked, self.cloaked[attack])
        return mixed.join(self.bystanders)


def scrape(scene: Scene, published: list[Publication], name: str, apply: Transform) -> Scraped:
    """Everything after the transform called `name`."""

    def again(pictures: Pictures) -> Pictures:
        after = served(pictures, name, apply)
        return found_again(after, scene.work) if scene.detect_again else after

    return Scraped(
        again(scene.photos.gallery),
        {each.attack: again(each.gallery) for each in published},
        served(scene.photos.bystanders, name, apply),
        {each.attack: again(each.probes) for each in published if each.probes is not None},
    )


def _measured(
    scene: Scene,
    published: list[Publication],
    scraped: Scraped,
    contest: Contest,
    transform: str,
) -> Iterator[Cell]:
    control = contest.prepared(scraped.control)
    for publication in (p for p in published if p.attack in contest.attacks):
        for name, scenario in scene.scenarios.items():
            outcomes: list[tuple[Trial, dict[str, Outcome]]] = []
            cloaked = torch.zeros(len(scraped.clean)).bool()
            for trial in trials(scene, name, scenario, publication):
                gallery = scraped.of(trial, publication.attack)
                system = contest.prepared(gallery)
                searches = _searches(scene, scraped, trial, publication.attack, gallery)
                found = {FOUND: _faces_found(scene, scraped, trial, gallery)}
                for count in scene.measures.values():
                    found |= count(control, system, searches)
                outcomes.append((trial, found))
                cloaked |= trial.cloaked
            yield Cell(
                attack=publication.attack,
                adversary=contest.adversary,
                recogniser=contest.recognition.card.name,
                matcher=contest.recognition.matcher,
                transform=transform,
                scenario=name,
                cloaked_share=cloaked.float().mean().item(),
                outcomes=joined(outcomes),
            )


def _faces_found(scene: Scene, scraped: Scraped, trial: Trial, gallery: Pictures) -> Outcome:
    """Of the pictures of each person that a trial publishes cloaked, those in which the detector
    still finds the face, where it was; and of the same pictures without the cloak."""
    rows = trial.cloaked.nonzero().flatten()
    before = scene.photos.gallery.select(rows)

    def rate_of(published: Pictures) -> Rate:
        pairs = zip(published.select(rows).items, before.items, strict=True)
        hits = torch.tensor([in_place(now, then) for now, then in pairs], dtype=torch.bool)
        return rate(hits, before.identities, trial.scored)

    return Outcome(control=rate_of(scraped.control), cloaked=rate_of(gallery))


def trials(
    scene: Scene, name: str, scenario: Scenario, publication: Publication
) -> Iterator[Trial]:
    """A scenario's trials: of people who can be searched for, cloaked where the cloak covers.

    Raises: PlanError if nothing is cloaked in any.
    """
    people, cloaks = set(scene.photos.people), False
    for trial in scenario.trials(scene.photos.gallery.identities):
        cloaked = trial.cloaked & publication.covered
        cloaks |= bool(cloaked.any())
        if scored := tuple(who for who in trial.scored if who in people):
            yield replace(trial, scored=scored, cloaked=cloaked)
    if not cloaks:
        raise PlanError(
            f"{name} and {publication.attack} cloak none of {len(publication.gallery)} pictures",
            expected="at least one cloaked picture",
            remedy=f"change {setting('scenario')}, raise {setting('gallery')}, or look at the "
            "copies in the folder",
        )


def _searches(
    scene: Scene, scraped: Scraped, trial: Trial, attack: str, gallery: Pictures
) -> Searches:
    clean = scene.photos.probes.of(trial.scored)
    cloaked = scraped.probes[attack].of(trial.scored) if trial.probes == "cloaked" else clean
    changed = torch.zeros(len(gallery)).bool()
    changed[: len(trial.cloaked)] = trial.cloaked
    return Searches(
        scored=trial.scored,
        clean=clean,
        probes=cloaked,
        calibration=scene.photos.calibration,
        scraped=gallery,
        changed=changed,
    )


def joined(found: Sequence[tuple[Trial, dict[str, Outcome]]]) -> dict[str, Outcome]:
    """The outcomes of all trials: rates over scored people in ascending order of identity, in
    which `AuditReport.people` names them; of what is no rate, the mean over trials; any other rate
    is the first trial's."""
    outcomes: dict[str, Outcome] = {}
    for name in dict.fromkeys(name for _, measured in found for name in measured):
        parts = [(trial.scored, measured[name]) for trial, measured in found if name in measured]
        arms = dict[str, Rate | float]()
        for arm in ("control", "cloaked"):
            rates = [(scored, getattr(outcome, arm)) for scored, outcome in parts]
            if all(rate and len(rate.trials) == len(scored) for scored, rate in rates):
                arms[arm] = _by_person(rates)
        if values := [outcome.value for _, outcome in parts if outcome.value is not None]:
            arms["value"] = fmean(values)
        outcomes[name] = parts[0][1].model_copy(update=arms)
    return outcomes


def _by_person(rates: Sequence[tuple[Sequence[int], Rate]]) -> Rate:
    rows = [row for who, rate in rates for row in zip(who, rate.hits, rate.trials, strict=True)]
    return Rate(
        hits=tuple(h for _, h, _ in sorted(rows)), trials=tuple(n for *_, n in sorted(rows))
    )
