"""Adversaries learn, each from what it is granted, before they face any gallery."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Generator

from adversaries import Prepared, ThreatModel
from audit.findings import EVERYBODY
from audit.scene import Scene
from audit.surviving import surviving
from lowkey_core.cloaks import ThirdPartyCloak
from lowkey_core.errors import NotPossibleError, PluginError, setting
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Pictures, Recognition

Tool = Callable[[Pictures, Generator], Pictures]
"""As `ThreatModel.tool`."""
LEFT_OUT = "the plan has it learn about other cloaks only"
AS_PUBLISHED = "none"
"""The transform of adversaries that train on every gallery; their scenario is EVERYBODY."""
NOT_EVERYWHERE = (
    f"it trains on every gallery: measured in scenario {EVERYBODY} and transform {AS_PUBLISHED} "
    "only, with the first matcher, as the choice `everywhere` is off"
)
NO_SCENARIO = (
    f"it trains on every gallery, and the plan is without the scenario {EVERYBODY} and without "
    "the choice `everywhere`"
)


@dataclass(frozen=True)
class Contest:
    """One adversary that has learned, and what it faces."""

    adversary: str
    recognition: Recognition
    """What it started from."""
    prepared: Prepared
    attacks: tuple[str, ...]
    """Names of cloaks, and of controls where it never ran the tool."""
    everywhere: bool = True
    """In every scenario and transform, or only in `EVERYBODY` and `AS_PUBLISHED`."""
    learned_about: str = ""
    """The cloak whose tool it ran; "" if it ran none."""

    def faces(self, scenario: str, transform: str) -> bool:
        """Whether it is measured there."""
        return self.everywhere or (scenario, transform) == (EVERYBODY, AS_PUBLISHED)


@dataclass(frozen=True)
class Contests:
    """Everybody who takes part, and who cannot."""

    contests: list[Contest] = field(default_factory=list)
    impossible: dict[str, dict[str, str]] = field(default_factory=dict)
    """By adversary and cloak: why."""

    def give_up(self, adversary: str, attacks: Iterable[str], why: str) -> None:
        """An adversary cannot face these cloaks."""
        self.impossible.setdefault(adversary, {}).update(dict.fromkeys(attacks, why))

    def surviving(
        self, scene: Scene, adversary: str, attacks: Sequence[str]
    ) -> contextlib.AbstractContextManager[None]:
        """What an adversary does that may be given up against `attacks`."""
        audited = [tool.name for tool in scene.tools if tool.name in attacks]
        return surviving(
            adversary, [*scene.adversaries], lambda why: self.give_up(adversary, audited, why)
        )


@dataclass(frozen=True)
class Lesson:
    """What one adversary starts from, and what it runs before it faces cloaks."""

    adversary: str
    recognition: Recognition
    tool: CloakTool | None
    """None: it runs none."""
    faced: tuple[str, ...]
    everywhere: bool


def prepare(scene: Scene) -> Contests:
    """Every adversary learns its lessons."""
    found = Contests()
    for lesson in lessons(scene, found):
        name, tool, recognition = lesson.adversary, lesson.tool, lesson.recognition
        with found.surviving(scene, name, lesson.faced):
            threat = _threat(scene, recognition, tool, name)
            prepared = scene.adversaries[name].prepare(threat, scene.rng())
            about = tool.name if tool else ""
            found.contests.append(
                Contest(name, recognition, prepared, lesson.faced, lesson.everywhere, about)
            )
    return found


def lessons(scene: Scene, found: Contests) -> Iterator[Lesson]:
    """An adversary that runs the tool learns once for each cloak, any other learns once for all.
    One that also faces cloaks that it did not learn about learns about the one that the plan names.
    Who cannot face a cloak is noted in `found`.

    Those that try every recogniser do so from the oldest on; the rest start from the plan's first,
    unless the plan has every adversary start from each.
    """
    audited = tuple(tool.name for tool in scene.tools)
    for name, adversary in scene.adversaries.items():
        about, everywhere = adversary.about, not restricted(scene, name)
        unseen = about.uses_tool and about.faces == "all"
        if not everywhere and EVERYBODY not in scene.scenarios:
            found.give_up(name, audited, NO_SCENARIO)
            continue
        if unseen and (why := _several(scene, name)):
            found.give_up(name, audited, why)
            continue
        every = scene.each or about.tries == "all"
        for recognition in _tried(scene, every=every, matchers=everywhere):
            if not about.uses_tool:
                yield Lesson(name, recognition, None, tuple(_everything(scene)), everywhere)
                continue
            for tool in scene.tools:
                if not scene.against or tool.name in scene.against:
                    faced = audited if unseen else (tool.name,)
                    yield Lesson(name, recognition, tool, faced, everywhere)
                elif not unseen:
                    found.give_up(name, [tool.name], LEFT_OUT)


def _several(scene: Scene, name: str) -> str:
    """Why an adversary cannot face a cloak that it never saw; "" if it can. What it finds of a
    cloak has one place in a report, so it learns about one cloak only."""
    taught = scene.against or tuple(tool.name for tool in scene.tools)
    if len(taught) == 1:
        return ""
    return str(
        NotPossibleError(
            f"{name} would learn about {len(taught)} cloaks",
            expected="one that it learns about, and others that it never saw",
            remedy=f"name one with {setting('against')}",
        )
    )


def restricted(scene: Scene, adversary: str) -> bool:
    """Whether an adversary trains on every gallery, and the plan does not ask for all of them."""
    return scene.adversaries[adversary].about.trains_per_gallery and not scene.everywhere


def _tried(scene: Scene, *, every: bool, matchers: bool) -> list[Recognition]:
    """every: each recogniser, or the plan's first. matchers: with each of them, or the first."""
    by_age = sorted(
        scene.recognitions, key=lambda group: group[0].card.released or datetime.date.min
    )
    groups = by_age if every else scene.recognitions[:1]
    return [found for group in groups for found in (group if matchers else group[:1])]


def _everything(scene: Scene) -> list[str]:
    return [each.name for tool in scene.tools for each in scene.pair(tool)]


def _threat(
    scene: Scene, recognition: Recognition, tool: CloakTool | None, name: str
) -> ThreatModel:
    background = scene.seen.background
    if tool is not None:
        granted = scene.instead.get(name, tool)
        own = granted.learnable(background)
        run = scene.sight.tool(granted.for_adversary, scene.photos.background)
        if isinstance(granted, CloakTool) and isinstance(granted.cloak, ThirdPartyCloak):
            run = _of_own(run, own)
        return ThreatModel(recognition, own, run)

    def forbidden(_pictures: Pictures, _rng: Generator) -> Pictures:
        raise PluginError(
            f"the adversary {name} ran the cloaking tool",
            expected="uses_tool=True in its `about`: it then learns once for each cloak",
            remedy="say so there, or leave the tool alone",
        )

    return ThreatModel(recognition, background, forbidden)


def _of_own(run: Tool, own: Pictures) -> Tool:
    """Copies that somebody else made are of the background alone: of what was scraped the folder
    has some as well, but nobody can run it on the rest."""
    names = set(own.names)

    def of_own(pictures: Pictures, rng: Generator) -> Pictures:
        if not names.issuperset(pictures.names):
            raise NotPossibleError(
                "somebody else made the cloaked copies: no tool can be run on other pictures",
                expected="a cloak that can be run on any picture",
                remedy=f"name one with {setting('attack')}",
            )
        return run(pictures, rng)

    return of_own
