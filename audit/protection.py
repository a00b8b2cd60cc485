"""From what `protect` was asked for to the copies it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Generator

from audit.plan import AuditPlan
from lowkey_core import cloaks, embedders
from lowkey_core.cache import Work
from lowkey_core.cloaks import Published
from lowkey_core.copies import sources
from lowkey_core.ledger import Outcome
from lowkey_core.protect import SUFFIXES, Protector, Settings


def protect(
    photos: Sequence[Path], out: Path, plan: AuditPlan, settings: Settings, work: Work
) -> Iterator[Outcome]:
    """Cloaked copies of photos and of all photos in folders, with the plan's cloak.

    Raises: any AuditError, before the first outcome.
    """
    found = sources(photos, out, SUFFIXES[settings.file_format])
    surrogates = tuple(embedders.load(name) for name in plan.surrogates)
    cloak = cloaks.load(plan.attack, surrogates, plan.attack_options)
    published = Published(cloak, work, label=f"cloaking with {plan.attack}", batch=plan.batch)
    rng = Generator().manual_seed(plan.seed)
    yield from Protector(out, published, settings, work, rng).protect(found)
