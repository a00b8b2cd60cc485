"""From what `protect` was asked for to the copies it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Generator

from audit.plan import AuditPlan
from lowkey_core import cloaks, recognisers
from lowkey_core.cloaks import PhotoCloak
from lowkey_core.datasets.synthetic import people_of_nobody
from lowkey_core.errors import OptionError, setting
from lowkey_core.photos.folders import head
from lowkey_core.photos.formats import kind_of
from lowkey_core.photos.photo import Photo
from lowkey_core.photos.protected import Outcome
from lowkey_core.publish.protect import Protector
from lowkey_core.publish.published import Published
from lowkey_core.publish.settings import Settings
from lowkey_core.publish.sources import named, sources
from lowkey_core.publish.wanted import PHOTO_BY_PHOTO, RECOGNISER, Wanted, recurring
from lowkey_core.types import Network
from lowkey_core.work import runtime
from lowkey_core.work.work import Work


def protect(
    photos: Sequence[Path], out: Path, plan: AuditPlan, settings: Settings, work: Work
) -> Iterator[Outcome]:
    """Cloaked copies of photos and of all photos in folders, with the plan's cloak; an outcome
    for every file.

    Raises: any AuditError, before the first outcome.
    """
    found, device = sources(photos, out), runtime.chosen(plan.run.device)
    published, rng = publishing(plan, lambda name: recognisers.network(name, device), work)
    yield from found.refused
    pairs = named(found.photos, lambda photo: settings.suffix(kind_of(head(photo.path))))
    wanted = _wanted(settings, [photo for photo, _ in pairs], device, work)
    yield from Protector(out, published, settings, work, rng, wanted).protect(pairs)
    yield from found.others


def publishing(
    plan: AuditPlan, network: Callable[[str], Network], work: Work
) -> tuple[Published, Generator]:
    """The plan's cloak as photos of one's own are published with it, and its generator.

    network: a surrogate by name. Raises: OptionError for a cloak of whole photos or for several
    cloaks, and any AuditError of the cloak.
    """
    name, publish = one_cloak(plan), plan.publish

    def surrogates() -> list[Network]:
        return [network(surrogate) for surrogate in publish.surrogates]

    cloak = cloaks.load(name, surrogates, work, lambda: people_of_nobody(work))
    if isinstance(cloak, PhotoCloak):
        raise OptionError(
            f"{name} gives whole photos that somebody else made",
            expected="a cloak of faces",
            remedy=f"name another with {setting('attack')}, or use that tool on the folder itself",
        )
    made = Published(cloak, work, name=name, batch=publish.batch)
    return made, Generator().manual_seed(plan.people.seed)


def one_cloak(plan: AuditPlan) -> str:
    """The plan's only cloak. Raises: OptionError if it has several."""
    if len(plan.publish.attacks) > 1:
        raise OptionError(
            f"{len(plan.publish.attacks)} cloaks were named",
            expected=f"one {setting('attack')}",
            remedy="run once for each, into folders of their own",
        )
    return plan.publish.attacks[0]


def _wanted(
    settings: Settings, photos: Sequence[Photo], device: torch.device, work: Work
) -> Wanted:
    """Raises: OptionError if nobody's face recurs."""
    if settings.faces == "mine":
        return recurring(photos, recognisers.network(RECOGNISER, device), work)
    return PHOTO_BY_PHOTO[settings.faces]
