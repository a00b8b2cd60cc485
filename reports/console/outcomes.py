"""What became of each photo, as lines of plain text."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lowkey_core.publish.ledger import NAME, Outcome

DONE, OTHER = ("protected", "already protected"), "no picture"
_NAMED = 20
"""So many photos without a copy are named in the summary."""


def line(outcome: Outcome) -> str:
    """One photo."""
    what = f"{outcome.status}: {outcome.name}"
    if outcome.copy and outcome.dssim is not None:
        faces = f"{outcome.faces} face{'s' if outcome.faces > 1 else ''}"
        what += f" -> {outcome.copy} ({faces}, DSSIM {outcome.dssim:.3f})"
    if outcome.detail:
        what += f" ({outcome.detail})"
    return what


def summary(outcomes: Sequence[Outcome], out: Path) -> Iterator[str]:
    """What is not protected, all in numbers, and how to find out what the copies are worth."""
    pictures = [o for o in outcomes if o.status != OTHER]
    missing = unprotected(outcomes)
    if missing:
        named = [f"{o.name} ({o.status})" for o in missing[:_NAMED]]
        more = [f"{len(missing) - _NAMED} more"] if len(missing) > _NAMED else []
        yield f"NOT PROTECTED, {len(missing)} of {len(pictures)}: {', '.join(named + more)}"
    counts = Counter(outcome.status for outcome in pictures)
    yield f"{', '.join(f'{n} {status}' for status, n in counts.items())}; see {out / NAME}"
    several = [o.faces for o in pictures if o.status in DONE and o.faces > 1]
    if several:
        yield f"photos with several faces cloaked: {len(several)}, with {sum(several)} faces"
    if others := len(outcomes) - len(pictures):
        yield f"other files, no pictures or hidden: {others}"
    yield (
        f"Whether the copies protect anybody is what `check FOLDER --cloaked {out}` tells, with "
        "one person's photos in FOLDER, or a sub-folder per person."
    )


def unprotected(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The pictures that are without a copy, for whatever reason."""
    return [o for o in outcomes if o.status not in (*DONE, OTHER)]


def as_json(outcomes: Sequence[Outcome]) -> str:
    """A list of objects with the fields of `lowkey_core.publish.ledger.Outcome`."""
    return json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1)
