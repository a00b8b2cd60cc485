"""Adversaries learn, each from what it is granted, before they face any gallery."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from torch import Generator

from adversaries import Prepared, ThreatModel
from audit.scene import Scene
from lowkey_core.errors import NotPossibleError, PluginError, setting
from lowkey_core.publish.tool import CloakTool
from lowkey_core.types import Pictures, Recognition

LEFT_OUT = "the plan has it learn about other cloaks only"


@dataclass(frozen=True)
class Contest:
    """One adversary that has learned, and what it faces."""

    adversary: str
    recognition: Recognition
    """What it started from."""
    prepared: Prepared
    attacks: tuple[str, ...]
    """Names of cloaks, and of controls where it never ran the tool."""
    learned_about: str = ""
    """The cloak whose tool it ran; "" if it ran none."""


@dataclass(frozen=True)
class Contests:
    """Everybody who takes part, and who cannot."""

    contests: tuple[Contest, ...]
    impossible: dict[str, dict[str, str]]
    """By adversary and cloak: why."""


def prepare(scene: Scene) -> Contests:
    """An adversary that runs the tool learns once for each cloak, any other learns once for all.
    One that also faces cloaks that it did not learn about learns about the one that the plan names.

    Those that try every recogniser do so from the oldest on; the rest start from the plan's first.
    """
    contests: list[Contest] = []
    impossible: dict[str, dict[str, str]] = {}
    for name, adversary in scene.adversaries.items():
        about = adversary.about
        if about.uses_tool and about.faces == "all" and (why := _several(scene, name)):
            impossible[name] = dict.fromkeys((tool.name for tool in scene.tools), why)
            continue
        for recognition in _tried(scene, every=about.tries == "all"):
            for tool in scene.tools if about.uses_tool else (None,):
                faced = tuple(_everything(scene)) if tool is None else (tool.name,)
                if tool and scene.against and tool.name not in scene.against:
                    if about.faces == "own":
                        impossible.setdefault(name, {})[tool.name] = LEFT_OUT
                    continue
                if tool and about.faces == "all":
                    faced = tuple(tool.name for tool in scene.tools)
                try:
                    threat = _threat(scene, recognition, tool, name)
                    prepared = adversary.prepare(threat, scene.rng())
                    learned_about = tool.name if tool else ""
                    contests.append(Contest(name, recognition, prepared, faced, learned_about))
                except NotPossibleError as error:
                    audited = [tool.name for tool in scene.tools if tool.name in faced]
                    impossible.setdefault(name, {}).update(dict.fromkeys(audited, str(error)))
    return Contests(tuple(contests), impossible)


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


def _tried(scene: Scene, *, every: bool) -> list[Recognition]:
    if not every:
        return list(scene.recognitions[0])
    by_age = sorted(
        scene.recognitions, key=lambda group: group[0].card.released or datetime.date.min
    )
    return [recognition for group in by_age for recognition in group]


def _everything(scene: Scene) -> list[str]:
    return [each.name for tool in scene.tools for each in scene.pair(tool)]


def _threat(
    scene: Scene, recognition: Recognition, tool: CloakTool | None, name: str
) -> ThreatModel:
    background = scene.photos.background
    if tool is not None:
        return ThreatModel(recognition, tool.learnable(background), tool.for_adversary)

    def forbidden(_pictures: Pictures, _rng: Generator) -> Pictures:
        raise PluginError(
            f"the adversary {name} ran the cloaking tool",
            expected="uses_tool=True in its `about`: it then learns once for each cloak",
            remedy="say so there, or leave the tool alone",
        )

    return ThreatModel(recognition, background, forbidden)
