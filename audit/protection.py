"""From what `protect` was asked for to the copies it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Generator

from audit.plan import AuditPlan
from lowkey_core import cloaks, recognisers
from lowkey_core.publish.copies import sources
from lowkey_core.publish.ledger import Outcome
from lowkey_core.publish.protect import SUFFIXES, Protector, Settings
from lowkey_core.publish.published import Published
from lowkey_core.work.work import Work


def protect(
    photos: Sequence[Path], out: Path, plan: AuditPlan, settings: Settings, work: Work
) -> Iterator[Outcome]:
    """Cloaked copies of photos and of all photos in folders, with the plan's cloak.

    Raises: any AuditError, before the first outcome.
    """
    found = sources(photos, out, SUFFIXES[settings.file_format])
    surrogates = tuple(recognisers.load(name) for name in plan.surrogates)
    cloak = cloaks.load(plan.attack, surrogates, plan.attack_options)
    published = Published(cloak, work, label=f"cloaking with {plan.attack}", batch=plan.batch)
    rng = Generator().manual_seed(plan.seed)
    yield from Protector(out, published, settings, work, rng).protect(found)
