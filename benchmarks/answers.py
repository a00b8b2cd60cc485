"""Tables of an audit's answers, from its numbers alone. Rates are of people, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from audit import statistics
from benchmarks import numbers, record
from benchmarks.numbers import Counts, Numbers
from lowkey_core.errors import AuditError


@dataclass(frozen=True)
class Row:
    """A line of a table of answers: what it says, and which cell it is of."""

    question: str
    what: str
    adversary: str = ""
    """"": nothing was measured."""
    recogniser: str = ""
    transform: str = "none"


def counts(found: Numbers, what: str, row: Row) -> Counts:
    """One cell's. Raises: AuditError."""
    place = _place(row)
    values = [*numbers.cells(found, what, place)]
    if len(values) != 1 or not isinstance(values[0], Counts):
        raise AuditError(
            f"{len(values)} cells have {what!r} of {', '.join(place.values())}",
            expected="one",
            remedy="bring the rows in benchmarks/audits.py in line with what the audit measures",
        )
    return values[0]


def protection(found: Numbers, row: Row) -> tuple[Counts, int, int]:
    """Of the people who were not detected; how many were, and of how many."""
    missed = counts(found, "rank-1 cloaked", row).complement
    spotted = [*numbers.cells(found, "detected", _place(row))]
    people = len(missed.hits)
    detected = spotted[0] if spotted else Counts((0,) * people, (1,) * people)
    return missed.without(detected), sum(detected.hits), people


def _place(row: Row) -> dict[str, str]:
    return {f: getattr(row, f) for f in ("adversary", "recogniser", "transform")}


def rate(counted: Counts) -> str:
    """With its interval."""
    if counted.rate is None:
        return "-"
    low, high = counted.interval
    return f"{counted.rate:.2f} [{low:.2f}, {high:.2f}]"


def table(found: Numbers, rows: Sequence[Row]) -> str:
    """Question, what, protection, control; a question stands once."""
    lines, last = [], ""
    for row in rows:
        cells = ("", "")
        if row.adversary:
            protected, detected, people = protection(found, row)
            said = [rate(protected)] if detected < people else []
            said += [f"{detected} of {people} people detected"] if detected else []
            cells = ("; ".join(said), rate(counts(found, "rank-1 control", row)))
        lines.append(("" if row.question == last else row.question, row.what, *cells))
        last = row.question
    return record.table(("question", "", "protection", "control (clean gallery)"), lines)


def setting(found: Numbers) -> str:
    """Who was audited, and what noise did."""
    noise = [*numbers.cells(found, "rank-1 cloaked", {}, noise=True)]
    (seen,) = (
        value
        for name, value in found.items()
        if name.startswith("quality") and name.endswith(" dssim") and "noise@" not in name
    )
    size = {
        name: f"{_number(found, name):,.0f}"
        for name in ("protected", "probes", "gallery", "enrolled")
    }
    most = max((value.complement.rate or 0.0 for value in noise), default=None)
    said = "was not measured" if most is None else f"protects {most:.2f} at most"
    return (
        f"{size['protected']} people of LFW cloaked their photos with `lowkey`; {size['probes']} "
        "clean photos of them were searched in a\n"
        f"gallery of {size['gallery']} pictures of {size['enrolled']} people. Protection is "
        "1 - rank-1 identification; in brackets 95%\nintervals over people. Mean DSSIM on the face "
        f"{seen:.3f}; noise of the same energy {said}."
    )


def _number(found: Numbers, name: str) -> float:
    return cast(float, found[f"counts{numbers.SEPARATOR}{name}"])


def difference(found: Numbers, recogniser: str, other: str) -> str:
    """Of the protection against two recognisers, as published."""
    one, two = (
        counts(found, "rank-1 cloaked", Row("", "", "oblivious", name)).complement
        for name in (recogniser, other)
    )
    gap, (low, high) = statistics.difference((one.hits, one.trials), (two.hits, two.trials))
    return (
        f"Protection against `{recogniser}` less `{other}`: {gap:+.2f} [{low:+.2f}, {high:+.2f}], "
        "same probes."
    )


def faces(found: Numbers, recogniser: str, transforms: Sequence[str]) -> str:
    """How often the detector lost the face of a published photo."""
    said = []
    for transform in transforms:
        row = Row("", "", "oblivious", recogniser, transform)
        lost, control = (
            counts(found, f"face found {arm}", row).complement for arm in ("cloaked", "control")
        )
        when = "as published" if transform == "none" else f"after {transform}"
        said.append(f"{sum(lost.hits)} ({sum(control.hits)}) {when}")
    return (
        f"Of {sum(lost.trials)} cloaked photos (of their clean twins), the detector lost the face "
        f"in\n{', '.join(said)}."
    )


def detection(found: Numbers, transforms: Sequence[str]) -> str:
    """How well cloaks are told from clean pictures; precision as if both were equally many."""
    rows = []
    for transform in transforms:
        place = {"adversary": "detection", "transform": transform}
        (tpr,) = numbers.cells(found, "flagged cloaked", place)
        (fpr,) = numbers.cells(found, "flagged clean", place)
        (auc,) = numbers.cells(found, "auc", place)
        flagged = (tpr.rate or 0.0) + (fpr.rate or 0.0)
        right = f"{(tpr.rate or 0.0) / flagged:.3f}" if flagged else "-"
        rows.append(("detection", transform, rate(tpr), rate(fpr), right, f"{auc:.4f}"))
    columns = ("adversary", "transform", "TPR = recall", "FPR", "precision", "AUC")
    return record.table(columns, rows)
