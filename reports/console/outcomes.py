"""What became of each photo, as lines of plain text."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lowkey_core.publish.ledger import NAME, Outcome

FINE = ("protected", "already protected", "no face")


def line(outcome: Outcome) -> str:
    """One photo."""
    what = f"{outcome.status}: {outcome.name}"
    if outcome.copy and outcome.dssim is not None:
        faces = f"{outcome.faces} face{'s' if outcome.faces > 1 else ''}"
        what += f" -> {outcome.copy} ({faces}, DSSIM {outcome.dssim:.3f})"
    if outcome.detail:
        what += f" ({outcome.detail})"
    return what


def summary(outcomes: Sequence[Outcome], out: Path) -> tuple[str, str]:
    """All of them in a line, and in another how to find out what the copies are worth."""
    counts = Counter(outcome.status for outcome in outcomes)
    said = ", ".join(f"{n} {status}" for status, n in counts.items())
    return f"{said}; see {out / NAME}", (
        f"Whether the copies protect anybody is what `audit --attack folder --cloaked {out} "
        "--dataset FOLDER` measures, with a sub-folder per person in FOLDER."
    )


def failed(outcomes: Sequence[Outcome]) -> bool:
    """Whether a photo is without a copy for any reason but having no face."""
    return any(outcome.status not in FINE for outcome in outcomes)


def as_json(outcomes: Sequence[Outcome]) -> str:
    """A list of objects with the fields of `lowkey_core.publish.ledger.Outcome`."""
    return json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1)
