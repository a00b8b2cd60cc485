"""`all`: every adversary, every scenario (there `every`: `all` is one of them), every measure.

Never the full cross of them: every adversary is measured under the scenario `all`, every scenario
with the baseline and retraining, unless the other list was given, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.plan import BASELINE
from audit.presets import Nested
from lowkey_core.errors import PlanError, setting


@dataclass(frozen=True)
class _Every:
    """One word for a list."""

    part: str
    field: str
    word: str
    names: Callable[[], tuple[str, ...]]
    """Of everything of the kind."""
    others: Nested
    """What is then measured of the rest, where it was not given."""


def _adversaries() -> tuple[str, ...]:
    from adversaries import ADVERSARIES  # torch takes seconds to import

    return ADVERSARIES.available()


def _scenarios() -> tuple[str, ...]:
    from audit.scenarios import SCENARIOS

    return SCENARIOS.available()


def _measures() -> tuple[str, ...]:
    from audit.measures import MEASURES

    return MEASURES.available()


_EVERY = (
    _Every("adversaries", "names", "all", _adversaries, {"publish": {"scenarios": ("all",)}}),
    _Every(
        *("publish", "scenarios", "every", _scenarios),
        {"adversaries": {"names": (BASELINE, "adaptive")}},
    ),
    _Every(
        *("measure", "measures", "all", _measures),
        {"people": {"calibration": 100, "others_probes": 4}},
    ),
)


def expanded(asked: Mapping[str, Mapping[str, Any]]) -> tuple[Nested, Nested]:
    """What was asked for with every name written out, and what follows from it for the rest.

    Raises: PlanError if `all` stands among other names.
    """
    written: Nested = {part: dict(values) for part, values in asked.items()}
    follows: Nested = {}
    for every in _EVERY:
        names = written.get(every.part, {}).get(every.field, ())
        if not isinstance(names, (list, tuple)) or every.word not in names:
            continue
        if len(names) > 1:
            flag = setting(every.field.rstrip("s") if every.field != "names" else "adversary")
            raise PlanError(
                f"{flag} is {', '.join(map(str, names))}",
                expected=f"{every.word} alone, or names without it",
                remedy=f"leave out {every.word}, or everything else",
            )
        written[every.part][every.field] = every.names()
        for part, values in every.others.items():
            follows.setdefault(part, {}).update(values)
    return written, follows
