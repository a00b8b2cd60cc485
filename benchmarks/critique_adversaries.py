"""LowKey before every adversary, on LFW. `python -m benchmarks.critique_adversaries`

Hours; what is finished is kept.
"""

from __future__ import annotations

import sys

from benchmarks import record
from benchmarks.critique import TRANSFORMS, audited, by_transform, protection, rate, setting, value
from benchmarks.record import Measured

TIMED = False


def measure() -> Measured:
    """The cells of plans/critique-adversaries.toml."""
    return audited("critique-adversaries")


def tables(measured: Measured) -> dict[str, str]:
    """`critique setting`, `critique adversaries` and `critique detection`."""
    return {
        "critique setting": (
            f"{setting(measured)} Protection is 1 - rank-1 identification (rank 2 where an "
            "adversary names two candidates), in brackets 95% intervals over people."
        ),
        "critique adversaries": record.table(
            ("adversary", "recogniser", *TRANSFORMS, "control", "unprotected people found"),
            _adversaries(measured),
        ),
        "critique detection": record.table(
            ("adversary", "transform", "TPR = recall", "FPR", "precision", "AUC"),
            _detection(measured),
        ),
    }


def _adversaries(measured: Measured) -> list[tuple[str, ...]]:
    """A row for each adversary and recogniser, the least protection first."""
    found = by_transform(measured["cells"], "adversary", "recogniser")
    rows = sorted(found.items(), key=lambda row: value(row[1]["none"], "protection"))
    return [
        (
            f"`{adversary}`",
            recogniser,
            *(protection(cells[t]) if t in cells else "not measured" for t in TRANSFORMS),
            rate(cells["none"], "control"),
            rate(cells["none"], "accuracy"),
        )
        for (adversary, recogniser), cells in rows
    ] + [
        (f"`{name}`", "", f"not possible: {'; '.join(why.values())}", "", "", "", "")
        for name, why in measured["impossible"].items()
    ]


def _detection(measured: Measured) -> list[tuple[str, ...]]:
    """A row for each detector and transform, of one recogniser: they flag the same pictures."""
    first = measured["cells"][0]["recogniser"]
    cells = [c for c in measured["cells"] if "tpr" in c and c["recogniser"] == first]
    rows: list[tuple[str, ...]] = []
    for cell in sorted(cells, key=lambda c: (c["adversary"], TRANSFORMS.index(c["transform"]))):
        tpr, fpr = value(cell, "tpr"), value(cell, "fpr")
        rows.append(
            (
                *(f"`{cell['adversary']}`", cell["transform"]),
                *(rate(cell, "tpr"), rate(cell, "fpr")),
                f"{tpr / (tpr + fpr):.3f}" if tpr + fpr else "-",
                f"{cell['auc']:.4f}" if "auc" in cell else "-",
            )
        )
    return rows


if __name__ == "__main__":
    record.alone("critique_adversaries", sys.modules[__name__])
