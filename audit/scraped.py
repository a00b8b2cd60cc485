"""What adversaries find online: everybody's pictures, as a platform serves them."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.outcomes import Outcome
from audit.publishing import Publication
from audit.scenarios import Trial
from audit.scene import Scene
from lowkey_core.publish.served import served
from lowkey_core.types import Pictures, Transform


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
    faces_found: dict[tuple[str, str, int], Outcome] = field(default_factory=dict)
    """In how many cloaked ones a face is found, by cloak, scenario and number of the trial: the
    same for every adversary, and counted once."""

    @property
    def control(self) -> Pictures:
        """The gallery that nobody cloaked, protected people first."""
        return self.clean.join(self.bystanders)

    def of(self, trial: Trial, attack: str, earlier: str = "") -> Pictures:
        """The gallery of a trial, in the same order. earlier: the cloak of its earlier pictures."""
        mixed = self.clean.replaced(trial.cloaked, self.cloaked[attack])
        if trial.earlier is not None:
            mixed = mixed.replaced(trial.earlier, self.cloaked[earlier])
        return mixed.join(self.bystanders)


def scrape(scene: Scene, published: list[Publication], name: str, apply: Transform) -> Scraped:
    """Everything after the transform called `name`."""

    seen = scene.seen

    def again(pictures: Pictures, clean: Pictures) -> Pictures:
        return scene.sight.again(served(pictures, name, apply), clean)

    return Scraped(
        again(scene.photos.gallery, seen.gallery),
        {each.attack: again(each.gallery, seen.gallery) for each in published},
        served(seen.bystanders, name, apply),
        {p.attack: again(p.probes, seen.probes) for p in published if p.probes is not None},
    )
