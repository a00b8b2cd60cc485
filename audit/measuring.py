"""Every adversary faces every gallery: what its systems find is counted, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import torch

from adversaries import System
from audit import curves, recall
from audit.contests import Contest, Contests
from audit.findings import MIN_CONTROL
from audit.indexing import indexed
from audit.measures import Measure, Searches, rate
from audit.outcomes import FOUND, Cell, Outcome, Rate
from audit.publishing import Publication
from audit.scenarios import Scenario, Trial, older
from audit.scene import Scene
from audit.scraped import Scraped, scrape
from lowkey_core.errors import NotPossibleError, PlanError, PluginError, setting
from lowkey_core.publish.served import in_place
from lowkey_core.types import Pictures


def measure(scene: Scene, published: list[Publication], prepared: Contests) -> list[Cell]:
    """A cell for every transform, contest, cloak and scenario that it faces; none of a contest that
    fails under way."""
    found: list[tuple[Contest, Cell]] = []
    failed: list[Contest] = []
    for transform, apply in scene.transforms.items():
        scraped = scrape(scene, published, transform, apply)
        for contest in (c for c in prepared.contests if c not in failed):
            failed.append(contest)
            with prepared.surviving(scene, contest.adversary, contest.attacks):
                cells = _measured(scene, published, scraped, contest, transform)
                found += [(contest, cell) for cell in cells]
                failed.remove(contest)
        scene.work.forget_items()  # the next transform has embeddings of its own
    return [cell for contest, cell in found if contest not in failed]


def _measured(
    scene: Scene,
    published: list[Publication],
    scraped: Scraped,
    contest: Contest,
    transform: str,
) -> list[Cell]:
    faced = {n: s for n, s in scene.scenarios.items() if contest.faces(n, transform)}
    if not faced:
        return []
    control = contest.prepared(scraped.control)
    own = contest.recognition
    who = contest.adversary, own.card.name, own.matcher, contest.learned_about
    try:
        _works(scene, contest, control)
    except NotPossibleError:
        scene.work.given_up(who)
        raise
    with scene.work.unless_given_up(who):
        return [*_faced(scene, published, scraped, contest, control, transform, faced)]


def _faced(
    scene: Scene,
    published: list[Publication],
    scraped: Scraped,
    contest: Contest,
    control: System,
    transform: str,
    faced: Mapping[str, Scenario],
) -> Iterator[Cell]:
    for publication in (p for p in published if p.attack in contest.attacks):
        for name, scenario in faced.items():
            counting, searched = Counting(scene.measures), recall.begun(contest.recognition)
            cloaked = torch.zeros(len(scraped.clean)).bool()
            earlier = _earlier(published, scenario, publication)
            for number, trial in enumerate(trials(scene, name, scenario, publication)):
                gallery = scraped.of(trial, publication.attack, earlier)
                system = contest.prepared(gallery)
                searches = _searches(scene, scraped, trial, publication.attack, gallery)
                place = publication.attack, name, number
                if place not in scraped.faces_found:
                    scraped.faces_found[place] = _faces_found(scene, scraped, trial, gallery)
                seen = {FOUND: scraped.faces_found[place]}
                seen |= indexed(control, system, trial, scene.seen.gallery)
                counting.add(trial, seen, control, system, searches)
                cloaked |= trial.changed
            yield Cell(
                attack=publication.attack,
                adversary=contest.adversary,
                scored_at=scene.adversaries[contest.adversary].about.scored_at,
                recogniser=contest.recognition.card.name,
                matcher=contest.recognition.matcher,
                transform=transform,
                scenario=name,
                cloaked_share=cloaked.float().mean().item(),
                outcomes=counting.outcomes | searched.outcomes,
                impossible=counting.impossible,
            )


def _works(scene: Scene, contest: Contest, control: System) -> None:
    """Who trains on every gallery is not trained on cloaked ones where the training on the clean
    one has failed: nothing could be concluded from those. Raises: NotPossibleError."""
    about = scene.adversaries[contest.adversary].about
    if not about.trains_per_gallery or scene.work.trying:
        return
    probes = scene.seen.probes.of(scene.photos.people)
    named = control.gallery.search(probes, about.scored_at).ranks(probes.identities)
    share = (named <= about.scored_at).float().mean().item()
    if share < MIN_CONTROL:
        raise NotPossibleError(
            f"inconclusive: trained on the clean gallery, it recognises {share:.2f} of the clean "
            "probes",
            expected=f"at least {MIN_CONTROL}: whom it misses when cloaked proves nothing",
            remedy=f"leave it out, or give it more to learn from with {setting('background')}",
        )


def _earlier(published: list[Publication], scenario: Scenario, own: Publication) -> str:
    """Whose pictures stand beside those of a publication where a scenario has earlier ones: the
    older cloak's; beside a control, which must hold no cloak, noise of that one's energy."""
    named = older(scenario)
    return next((p.attack for p in published if own.of and p.of == named), named)


def _faces_found(scene: Scene, scraped: Scraped, trial: Trial, gallery: Pictures) -> Outcome:
    """Of the pictures of each person that a trial publishes cloaked, those in which the detector
    still finds the face, where it was; and of the same pictures without the cloak."""
    rows = trial.changed.nonzero().flatten()
    before = scene.seen.gallery.select(rows)

    def rate_of(published: Pictures) -> Rate:
        pairs = zip(published.select(rows).items, before.items, strict=True)
        hits = torch.tensor([in_place(now, then) for now, then in pairs], dtype=torch.bool)
        return rate(hits, before.identities, trial.scored)

    return Outcome(control=rate_of(scraped.control), cloaked=rate_of(gallery))


def trials(
    scene: Scene, name: str, scenario: Scenario, publication: Publication
) -> Iterator[Trial]:
    """A scenario's trials: of people who can be searched for, cloaked where the cloak covers.

    Raises: PlanError if nothing is cloaked in any, and that was not meant; PluginError.
    """
    people, cloaks = set(scene.photos.people), False
    for trial in scenario.trials(scene.photos.gallery.identities):
        if trial.earlier is not None and not older(scenario):
            raise PluginError(
                f"the scenario {name} has pictures that were published earlier",
                expected="`older`, the cloak that they were published with",
                remedy="see audit/scenarios/__init__.py for what it promises",
            )
        cloaked = trial.cloaked & publication.covered
        cloaks |= bool(cloaked.any()) or trial.empty or trial.probes == "cloaked"
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
    clean = scene.seen.probes.of(trial.scored)
    cloaked = scraped.probes[attack].of(trial.scored) if trial.probes == "cloaked" else clean
    changed = torch.zeros(len(gallery)).bool()
    changed[: len(trial.changed)] = trial.changed
    return Searches(
        scored=trial.scored,
        clean=clean,
        probes=cloaked,
        calibration=scene.seen.calibration,
        others=scene.seen.others_probes,
        scraped=gallery,
        before=scraped.control,
        changed=changed,
    )


class Counting:
    """What measures count over the trials of a scenario."""

    def __init__(self, measures: Mapping[str, Measure]) -> None:
        self._measures = measures
        self._found: list[tuple[Trial, dict[str, dict[str, Outcome]]]] = []
        self.impossible: dict[str, str] = {}
        """By measure that could not count in some trial: why."""

    def add(
        self,
        trial: Trial,
        seen: dict[str, Outcome],
        control: System,
        system: System,
        searches: Searches,
    ) -> None:
        """A trial. seen: in which of its pictures a face is still found, and by whom."""
        counted = {FOUND: seen}
        for name, count in self._measures.items():
            try:
                counted[name] = count(control, system, searches)
            except NotPossibleError as error:
                self.impossible.setdefault(name, str(error))
        self._found.append((trial, counted))

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Of the measures that could count in every trial: some people's counts are no rate."""
        found = []
        for trial, counted in self._found:
            kept = [o for name, o in counted.items() if name not in self.impossible]
            found.append((trial, {name: one for o in kept for name, one in o.items()}))
        return joined(found)


def joined(found: Sequence[tuple[Trial, dict[str, Outcome]]]) -> dict[str, Outcome]:
    """The outcomes of all trials: rates over scored people in ascending order of identity, in
    which `AuditReport.people` names them; any other rate is the first trial's; values and curves
    are means over trials, weighted by the people scored."""
    outcomes: dict[str, Outcome] = {}
    for name in dict.fromkeys(name for _, measured in found for name in measured):
        parts = [(trial.scored, measured[name]) for trial, measured in found if name in measured]
        arms = dict[str, Rate | float]()
        for arm in ("control", "cloaked"):
            rates = [(scored, getattr(outcome, arm)) for scored, outcome in parts]
            if all(rate and len(rate.trials) == len(scored) for scored, rate in rates):
                arms[arm] = _by_person(rates)
        values = [(o.value, len(scored)) for scored, o in parts if o.value is not None]
        value = {"value": fmean(*zip(*values, strict=True)) if values else None}
        curve = curves.mean((outcome.curve, len(scored)) for scored, outcome in parts)
        outcomes[name] = parts[0][1].model_copy(update={**arms, **value, "curve": curve})
    return outcomes


def _by_person(rates: Sequence[tuple[Sequence[int], Rate]]) -> Rate:
    rows = [row for who, rate in rates for row in zip(who, rate.hits, rate.trials, strict=True)]
    return Rate(
        hits=tuple(h for _, h, _ in sorted(rows)), trials=tuple(n for *_, n in sorted(rows))
    )
