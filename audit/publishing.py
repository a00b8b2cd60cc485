"""What protected people put online: their pictures, cloaked by each cloak and by its control.

Older cloaks that a scenario names are published in the same way, once for all scenarios: each on
every picture, so that a picture's copy does not depend on which scenarios ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from audit.scene import Scene
from lowkey_core.publish.tool import CloakTool, Tool
from lowkey_core.types import Pictures


@dataclass(frozen=True)
class Publication:
    """What one cloak makes of the protected people's pictures."""

    attack: str
    """The cloak's name, or its control's."""
    gallery: Pictures
    """All of their gallery, cloaked where the cloak covers it."""
    covered: Tensor
    """(n,) bool: where that is."""
    probes: Pictures | None
    """Their probes, cloaked; None where no scenario searches for those."""
    of: str = ""
    """Of a control, the cloak whose energy it has; "" of a cloak itself."""

    def unchanged(self, clean: Pictures) -> tuple[str, ...]:
        """Names of the covered pictures that are published as they were. clean: the same ones."""
        rows = zip(self.gallery.items, clean.items, self.covered.tolist(), strict=True)
        return tuple(was.name for now, was, c in rows if c and now.digest == was.digest)


def publish(scene: Scene) -> list[Publication]:
    """For each cloak, and then for its control: noise of the same energy. The audited ones come
    first, then those that scenarios name."""
    return [
        _published(scene, tool, each, probes=probes)
        for tool, probes in wanted(scene)
        for each in scene.pair(tool)
    ]


def wanted(scene: Scene) -> list[tuple[CloakTool, bool]]:
    """The cloaks, and whether probes are cloaked with them, too."""
    searched = _probes_are_cloaked(scene)
    return [*((tool, searched) for tool in scene.tools), *((tool, False) for tool in scene.older)]


def _published(scene: Scene, tool: CloakTool, each: Tool, *, probes: bool) -> Publication:
    """tool: the cloak; each: it, or its control. probes: whether theirs are cloaked, too."""
    gallery, covered = scene.photos.gallery, tool.covered(scene.photos.gallery)
    cloaked = iter(each(gallery.select(covered), scene.rng()).items)
    items = [
        next(cloaked) if c else p for p, c in zip(gallery.items, covered.tolist(), strict=True)
    ]
    return Publication(
        each.name,
        Pictures(tuple(items)),
        covered,
        each(scene.photos.probes, scene.rng()) if probes else None,
        of="" if each is tool else tool.name,
    )


def _probes_are_cloaked(scene: Scene) -> bool:
    identities = scene.photos.gallery.identities
    return any(
        trial.probes == "cloaked"
        for scenario in scene.scenarios.values()
        for trial in scenario.trials(identities)
    )
