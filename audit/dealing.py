"""The cloaks of an audit dealt out: each shard makes its own, and keeps them for all.

Dealt are the batches that cloaks are given, as they are part of the result, in turn: of what
protected people publish, with its controls, and of what adversaries learn from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Generator

from audit import contests
from audit.plan import AuditPlan
from audit.publishing import wanted
from audit.scene import Scene, assemble
from audit.shards import Shard
from audit.tools import Granted, Mixed
from lowkey_core.publish.tool import CloakTool, Tool
from lowkey_core.services.asking import Services
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work


def cloak(plan: AuditPlan, shard: Shard, work: Work) -> int:
    """Makes what is a shard's, and keeps it in `work`. Returns how many batches that is.

    Raises: any AuditError.
    """
    made = 0
    for split in plan.splits:
        scene = assemble(split, work, Services(work, "foreseen"))  # a shard searches nobody
        for number, (tools, pictures) in enumerate(batches(scene)):
            if shard.has(number):
                for tool in tools:
                    tool(pictures, scene.rng())
                made += 1
        work.log_counts()
    return made


def batches(scene: Scene) -> Iterator[tuple[Sequence[Tool], Pictures]]:
    """Every batch, in one order for all shards, and what cloaks it: a tool before its control."""
    photos = scene.photos
    for tool, probes in wanted(scene):
        for pictures in (photos.gallery, *([photos.probes] if probes else [])):
            for part in tool.parts(pictures.select(tool.covered(pictures))):
                yield scene.pair(tool), part
    background = scene.seen.background
    for run in {id(run): run for run in _run_by_adversaries(scene)}.values():
        for each, pictures in _shares(run, background):
            for part in each.parts(pictures):
                yield (_Seen(scene, each),), part


def _run_by_adversaries(scene: Scene) -> Iterator[Granted]:
    """The tools with which adversaries learn."""
    for lesson in contests.lessons(scene, contests.Contests()):
        if lesson.tool is not None:
            yield scene.instead.get(lesson.adversary, lesson.tool)


def _shares(tool: Granted, background: Pictures) -> Iterator[tuple[CloakTool, Pictures]]:
    if not isinstance(tool, Mixed):
        yield tool, background
        return
    for each, rows in tool.turns(background):
        yield each, background.select(rows)


class _Seen:
    """A tool as adversaries run it, with their detector."""

    def __init__(self, scene: Scene, tool: CloakTool) -> None:
        self.name = tool.name
        self._run = scene.sight.tool(tool, scene.photos.background)

    def __call__(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        return self._run(pictures, rng)
