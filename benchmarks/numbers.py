"""Every number of a stored report under a name, whichever version of the format it has.

Reads plain JSON, so that reports of two commits can be compared, and benchmarks outlive a change
of the format. A name is made of parts with ` | ` between them: of a cell, for example
`lowkey | oblivious | dlib | nn | none | all | rank-1 control`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit import statistics
from lowkey_core.errors import AuditError

SEPARATOR = " | "
_PARTS = ("attack", "adversary", "recogniser", "matcher", "transform", "scenario", "what")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
"""How reports write floats that JSON has no numbers for."""


@dataclass(frozen=True)
class Counts:
    """Hits and trials per identity. What is yes or no per identity has one trial each."""

    hits: tuple[int, ...]
    trials: tuple[int, ...]

    @property
    def rate(self) -> float | None:
        """Hits over trials; None without trials."""
        return sum(self.hits) / sum(self.trials) if sum(self.trials) else None

    @property
    def interval(self) -> tuple[float, float]:
        """95%, with the identity as the unit."""
        return statistics.interval(self.hits, self.trials)

    @property
    def complement(self) -> Counts:
        """The misses."""
        misses = tuple(n - h for h, n in zip(self.hits, self.trials, strict=True))
        return Counts(misses, self.trials)

    def without(self, marked: Counts) -> Counts:
        """Of those identities alone that `marked` counts no hit of."""
        rows = zip(self.hits, self.trials, marked.hits, strict=True)
        kept = [(h, n) for h, n, mark in rows if not mark]
        return Counts(tuple(h for h, _ in kept), tuple(n for _, n in kept))

    def __str__(self) -> str:
        if self.rate is None:
            return "no trials"
        low, high = self.interval
        hits, trials = sum(self.hits), sum(self.trials)
        return f"{hits} of {trials} = {self.rate:.4f} [{low:.2f}, {high:.2f}]"


Numbers = dict[str, Counts | float]
"""By name. What a report does not state has no entry."""


def read(path: Path) -> dict[str, Any]:
    """A report.json as it stands. Raises: AuditError."""
    try:
        report = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AuditError(
            f"{path} cannot be read ({error})",
            expected="the report.json of an audit",
            remedy="run the audit again",
        ) from error
    if not isinstance(report, dict) or report.get("version") not in _FLATTENED_BY:
        version = report.get("version") if isinstance(report, dict) else type(report).__name__
        raise AuditError(
            f"{path} is a report of version {version!r}",
            expected=f"one of {', '.join(map(str, _FLATTENED_BY))}",
            remedy="teach benchmarks/numbers.py to read it",
        )
    return report


def flatten(report: Mapping[str, Any]) -> Numbers:
    """All numbers of a report that `read` returned, but for its timings. Raises: AuditError."""
    found: Numbers = {}
    for name, value in _FLATTENED_BY[report["version"]](report):
        if name in found:
            raise AuditError(
                f"two numbers of the report are called {name!r}",
                expected="one of each name",
                remedy="teach benchmarks/numbers.py what tells them apart",
            )
        found[name] = value
    return found


def timings(report: Mapping[str, Any]) -> dict[str, float]:
    """Seconds per stage, as the report states them."""
    return {name: v for name, v in _leaves("", report.get("timings")) if isinstance(v, float)}


def renamed(numbers: Numbers, names: Mapping[str, str]) -> Numbers:
    """With every part that is a key of `names` replaced, behind an @ too (`noise@OLD`)."""

    def new(part: str) -> str:
        before, at, name = part.partition("@")
        return names.get(part) or (f"{before}@{names[name]}" if at and name in names else part)

    return {SEPARATOR.join(map(new, key.split(SEPARATOR))): v for key, v in numbers.items()}


def cells(
    numbers: Numbers, what: str, place: Mapping[str, str], *, noise: bool = False
) -> Iterator[Any]:
    """What the cells of the audited cloak (noise: its control) say, everybody cloaking, by 1-NN.

    what: "rank-1 cloaked" and the like. place: adversary, recogniser, transform, all or some.
    """
    wanted = {"matcher": "nn", "scenario": "all", "what": what, **place}
    for name, value in numbers.items():
        parts = dict(zip(_PARTS, name.split(SEPARATOR), strict=False))
        is_noise = parts["attack"].startswith("noise@")
        if is_noise == noise and all(parts.get(k) == v for k, v in wanted.items()):
            yield value


def as_json(numbers: Numbers) -> dict[str, Any]:
    """To be kept."""
    return {
        name: {"hits": list(v.hits), "trials": list(v.trials)} if isinstance(v, Counts) else v
        for name, v in numbers.items()
    }


def from_json(kept: Mapping[str, Any]) -> Numbers:
    """What `as_json` was given."""
    return {name: _counts(v) if isinstance(v, Mapping) else v for name, v in kept.items()}


def _first(report: Mapping[str, Any]) -> Iterator[tuple[str, Counts | float]]:
    """Version 1: one attack, ranks and a detector, each in a field of its own."""
    attack = report["plan"]["attack"]
    names = {"noise": f"noise@{attack}"} if attack != "noise" else {}
    for cell in report["cells"]:
        known = names.get(cell["attack"], cell["attack"])
        where = _place(known, cell, cell["condition"])
        for arm in ("control", "cloaked"):
            for rank, counts in cell[arm].items():
                yield f"{where}rank-{rank} {arm}", _counts(counts)
        hits = tuple(map(int, cell["detected"]))
        yield f"{where}detected", Counts(hits, (1,) * len(hits))
        if detection := cell.get("detection"):
            yield f"{where}flagged cloaked", _counts(detection["cloaked"])
            yield f"{where}flagged clean", _counts(detection["clean"])
            yield from _leaves(f"{where}auc", detection["auc"])
    yield from _qualities(report.get("quality") or (), names)
    yield from _leaves("counts", report.get("counts"))
    yield from _leaves("learned", report.get("learned"))


def _second(report: Mapping[str, Any]) -> Iterator[tuple[str, Counts | float]]:
    """Version 2: several cloaks, and outcomes by name."""
    for cell in report["cells"]:
        where = _place(cell["attack"], cell, cell["scenario"])
        for measure, outcome in (cell.get("outcomes") or {}).items():
            for arm, name in _arms(measure).items():
                found = outcome.get(arm)
                if isinstance(found, Mapping):
                    yield where + name, _counts(found)
                else:
                    yield from _leaves(where + name, found)
    for cloak in report.get("cloaks") or ():
        records = cloak.get("quality") or ()
        yield from _qualities([{"attack": cloak["attack"], **r} for r in records], {})
    yield from _leaves("counts", report.get("counts"))
    for adversary in report.get("adversaries") or ():
        yield from _leaves(f"learned{SEPARATOR}{adversary['name']}", adversary.get("learned"))


_FLATTENED_BY: dict[int, Callable[[Mapping[str, Any]], Iterator[tuple[str, Counts | float]]]] = {
    1: _first,
    2: _second,
}


def _arms(measure: str) -> dict[str, str]:
    """What the parts of an outcome are called; of what version 1 had, as there."""
    if measure == "flagged":
        return {"control": "flagged clean", "cloaked": "flagged cloaked", "value": "auc"}
    if measure == "detected":
        return {"control": "detected control", "cloaked": "detected", "value": "detected value"}
    return {arm: f"{measure} {arm}" for arm in ("control", "cloaked", "value")}


def _place(attack: str, cell: Mapping[str, Any], scenario: str) -> str:
    fields = (cell[field] for field in ("adversary", "recogniser", "matcher", "transform"))
    return SEPARATOR.join((attack, *fields, scenario, ""))


def _counts(given: Mapping[str, Sequence[int]]) -> Counts:
    return Counts(tuple(map(int, given["hits"])), tuple(map(int, given["trials"])))


def _qualities(
    records: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> Iterator[tuple[str, Counts | float]]:
    for record in records:
        facts = {name: fact for name, fact in record.items() if name != "attack"}
        attack = names.get(record["attack"], record["attack"])
        yield from _leaves(f"quality{SEPARATOR}{attack}", facts)


def _leaves(name: str, value: object) -> Iterator[tuple[str, Counts | float]]:
    """Numbers as they are, lists by their length, and what is inside tables; no text."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}{SEPARATOR}{key}" if name else str(key), inner)
    elif isinstance(value, (list, tuple)):
        yield name, float(len(value))
    elif isinstance(value, (bool, int, float)) or value in _NOT_FINITE:
        yield name, float(value)
