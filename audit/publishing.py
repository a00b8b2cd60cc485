"""What protected people put online: their pictures, cloaked by each cloak and by its control."""

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

    def unchanged(self, clean: Pictures) -> tuple[str, ...]:
        """Names of the covered pictures that are published as they were. clean: the same ones."""
        rows = zip(self.gallery.items, clean.items, self.covered.tolist(), strict=True)
        return tuple(was.name for now, was, c in rows if c and now.digest == was.digest)


def publish(scene: Scene) -> list[Publication]:
    """For each cloak, and then for its control: noise of the same energy."""
    return [_published(scene, tool, each) for tool in scene.tools for each in scene.pair(tool)]


def _published(scene: Scene, tool: CloakTool, each: Tool) -> Publication:
    """tool: the cloak; each: it, or its control."""
    gallery, probes = scene.photos.gallery, scene.photos.probes
    covered, wanted = tool.covered(gallery), _probes_are_cloaked(scene)
    cloaked = iter(each(gallery.select(covered), scene.rng()).items)
    items = [
        next(cloaked) if c else p for p, c in zip(gallery.items, covered.tolist(), strict=True)
    ]
    return Publication(
        each.name,
        Pictures(tuple(items)),
        covered,
        each(probes, scene.rng()) if wanted else None,
    )


def _probes_are_cloaked(scene: Scene) -> bool:
    identities = scene.photos.gallery.identities
    return any(
        trial.probes == "cloaked"
        for scenario in scene.scenarios.values()
        for trial in scenario.trials(identities)
    )
