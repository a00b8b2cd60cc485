"""What became of each photo, as lines of plain text."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from lowkey_core.photos.protected import NAME, Outcome

DONE, OTHER = ("protected", "already protected"), "no picture"
_NAMED = 20
"""So many photos are named in a line of the summary."""


def line(outcome: Outcome) -> str:
    """One photo."""
    what = f"{outcome.status}: {outcome.name}"
    if outcome.copy and outcome.dssim is not None:
        what += f" -> {outcome.copy} ({_faces(outcome.faces)}, DSSIM {outcome.dssim:.3f}"
        what += f"; {_seen(outcome)})" if outcome.seen is not None else ")"
    if outcome.more:
        what += f" (a second look finds {_faces(outcome.more)} more)"
    if outcome.detail:
        what += f" ({outcome.detail})"
    return what


def _faces(count: int) -> str:
    return f"{count} face{'s' if count > 1 else ''}"


def _seen(outcome: Outcome) -> str:
    """Whether a detector still finds what was cloaked."""
    if outcome.seen == outcome.faces:
        return f"a detector still finds {'it' if outcome.faces == 1 else 'them'}"
    return f"a detector still finds {outcome.seen or 'none'} of {outcome.faces}"


def summary(outcomes: Sequence[Outcome], out: Path) -> Iterator[str]:
    """What is not protected, all in numbers, and how to find out what the copies are worth."""
    pictures = [o for o in outcomes if o.status != OTHER]
    missing = unprotected(outcomes)
    if missing:
        named = _some([f"{o.name} ({o.status})" for o in missing])
        yield f"NOT PROTECTED, {len(missing)} of {len(pictures)}: {named}"
    counts = Counter(outcome.status for outcome in pictures)
    yield f"{', '.join(f'{n} {status}' for status, n in counts.items())}; see {out / NAME}"
    several = [o.faces for o in pictures if o.status in DONE and o.faces > 1]
    if several:
        yield f"photos with several faces cloaked: {len(several)}, with {sum(several)} faces"
    if more := [f"{o.name} ({o.more})" for o in pictures if o.more]:
        yield f"photos in which a second look finds more faces: {_some(more)}"
    if others := len(outcomes) - len(pictures):
        yield f"other files, no pictures or hidden: {others}"
    yield (
        f"Whether the copies protect anybody is what `check FOLDER --cloaked {out}` tells, with "
        "one person's photos in FOLDER, or a sub-folder per person."
    )


def _some(names: Sequence[str]) -> str:
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])


def unprotected(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The pictures that are without a copy, for whatever reason."""
    return [o for o in outcomes if o.status not in (*DONE, OTHER)]


def as_json(outcomes: Sequence[Outcome]) -> str:
    """A list of objects with the fields of `lowkey_core.photos.protected.Outcome`."""
    return json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1)
