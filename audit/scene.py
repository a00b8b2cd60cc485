"""From the names in a plan to objects: networks loaded and verified, photos aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Generator

from adversaries.parts.checked import Checked
from audit import strangers
from audit.measures import MEASURES, Measure
from audit.photographs import Photographs, photographs
from audit.plan import AuditPlan
from audit.scenarios import SCENARIOS, Scenario, older
from audit.sight import Sight
from audit.tools import Granted, loaded
from lowkey_core import cloaks, recognisers, transforms
from lowkey_core.cloaks import ThirdPartyCloak
from lowkey_core.cloaks.noise import Noise
from lowkey_core.errors import PlanError, setting
from lowkey_core.matchers import MATCHERS
from lowkey_core.publish.control import EqualNoise
from lowkey_core.publish.tool import CloakTool, Tool
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.services.asking import Services
from lowkey_core.types import Faces, Network, Pictures, Recognition, Transform, faces_of
from lowkey_core.work import runtime
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Scene:
    """Everything an audit needs, ready to use."""

    tools: tuple[CloakTool, ...]
    """The audited cloaks, in the plan's order."""
    older: tuple[CloakTool, ...]
    """Cloaks that scenarios name, and that are not audited."""
    controls: dict[str, EqualNoise]
    """By cloak, noise of equal energy; none for noise, which is its own control."""
    recognitions: tuple[tuple[Recognition, ...], ...]
    """For each recogniser, in the plan's order, one for each matcher."""
    surrogates: tuple[Network, ...]
    """Those that a cloak asked for."""
    adversaries: dict[str, Checked]
    against: tuple[str, ...]
    """Names of the cloaks that those who run the tool learn about; none: all."""
    instead: dict[str, Granted]
    """By adversary, the tool that it runs in place of the audited cloak, if it names one."""
    each: bool
    """Every adversary tries every recogniser."""
    everywhere: bool
    """Whether adversaries that train on every gallery do so in every scenario and transform."""
    transforms: dict[str, Transform]
    scenarios: dict[str, Scenario]
    measures: dict[str, Measure]
    photos: Photographs
    seed: int
    sight: Sight
    """How adversaries find faces."""
    work: Work
    services: Services

    @cached_property
    def seen(self) -> Photographs:
        """The photos, clean, as adversaries see them: faces where their detector finds them."""
        return self.sight.photographs(self.photos)

    def pair(self, tool: CloakTool) -> list[Tool]:
        """A cloak, and its control if it has one."""
        control = self.controls.get(tool.name)
        return [tool] if control is None else [tool, control]

    def rng(self) -> Generator:
        """A new generator with the plan's seed."""
        return Generator().manual_seed(self.seed)


def assemble(plan: AuditPlan, work: Work, services: Services | None = None) -> Scene:
    """services: that may be asked; None: none. Raises: any AuditError; wrong names come out before
    anything expensive is done."""
    services = services or Services(work)
    if strange := [n for n in plan.adversaries.against if n not in plan.publish.attacks]:
        raise PlanError(
            f"{setting('against')} names {', '.join(strange)}",
            expected=f"cloaks of this audit: {', '.join(plan.publish.attacks)}",
            remedy=f"add {setting('attack')}, or leave {setting('against')} out",
        )
    device = runtime.chosen(plan.run.device)
    granted = {"work": work, "device": device}
    learning = {"epochs": plan.adversaries.epochs, "flagged": plan.adversaries.flagged}
    scenarios = {n: SCENARIOS.load(n) for n in plan.publish.scenarios}
    changes = {n: transforms.load(n) for n in plan.publish.transforms}
    surrogates = _Surrogates(plan.publish.surrogates, device)
    background, batch = _Background(), plan.publish.batch

    def tool(name: str) -> CloakTool:
        return CloakTool(name, cloaks.load(name, surrogates.loaded, work, background), work, batch)

    adversaries = {n: loaded(n, granted, learning, tool) for n in plan.adversaries.names}
    checked = {n: Checked(adversary, n) for n, (adversary, _) in adversaries.items()}
    ranks = {*plan.measure.ranks, *(a.about.scored_at for a in checked.values())}
    measure = {"ranks": tuple(sorted(ranks))}
    measures = {n: MEASURES.load(n, granted=measure) for n in plan.measure.measures}
    before = dict.fromkeys(filter(None, map(older, scenarios.values())))
    tools = {n: tool(n) for n in dict.fromkeys([*plan.publish.attacks, *before])}
    recognitions, told = strangers.among(_recognitions(plan, work, device, services), plan)
    for name in before:
        if isinstance(tools[name].cloak, ThirdPartyCloak):
            raise PlanError(
                f"{setting('scenario')} names the older cloak {name}, of copies made elsewhere",
                expected="a cloak that is made here",
                remedy=f"name another, or audit {name} by itself",
            )
    copied = [t.cloak for t in tools.values() if isinstance(t.cloak, ThirdPartyCloak)]
    photos = photographs(plan, work, copied)
    photos = photos.noting(told, strangers.fewest(recognitions))
    background.pictures = photos.background
    return Scene(
        tools=tuple(tools[n] for n in plan.publish.attacks),
        older=tuple(tools[n] for n in before if n not in plan.publish.attacks),
        controls={
            n: EqualNoise(t, work) for n, t in tools.items() if not isinstance(t.cloak, Noise)
        },
        recognitions=recognitions,
        surrogates=tuple(surrogates.networks),
        adversaries=checked,
        against=plan.adversaries.against,
        instead={n: own for n, (_, own) in adversaries.items() if own is not None},
        each=plan.adversaries.each,
        everywhere=plan.adversaries.everywhere,
        transforms=changes,
        scenarios=scenarios,
        measures=measures,
        photos=photos,
        seed=plan.people.seed,
        sight=Sight.of(plan.adversaries.detector, plan.publish.detect == "again", work),
        work=work,
        services=services,
    )


class _Background:
    """The people whom targeted cloaks aim at. Photos are read after the cloaks are loaded, and
    before any cloak is used."""

    pictures = Pictures(())

    def __call__(self) -> Faces:
        """Their aligned faces."""
        return faces_of(self.pictures)


class _Surrogates:
    """Loaded when the first cloak asks for them."""

    def __init__(self, names: Sequence[str], device: torch.device) -> None:
        self.names, self.device, self.networks = names, device, list[Network]()

    def loaded(self) -> Sequence[Network]:
        """The same networks for every cloak."""
        if not self.networks:
            self.networks += [recognisers.network(name, self.device) for name in self.names]
        return self.networks


def _recognitions(
    plan: AuditPlan, work: Work, device: torch.device, services: Services
) -> tuple[tuple[Recognition, ...], ...]:
    fits = {n: MATCHERS.load(n, granted={"work": work}) for n in plan.adversaries.matchers}
    found: list[tuple[Recognition, ...]] = []
    for name in plan.adversaries.recognisers:
        loaded = recognisers.load(name, device, services)
        found.append(
            (loaded,)  # a service compares by itself
            if isinstance(loaded, Recognition)
            else tuple(Embedding(loaded, fit, matcher, work) for matcher, fit in fits.items())
        )
    called = [first.card.name for first, *_ in found]
    if len(set(called)) < len(called):
        raise PlanError(
            f"the recognisers are called {', '.join(called)}",
            expected="a different name on each one's card",
            remedy="give their cards names of their own",
        )
    return tuple(found)
