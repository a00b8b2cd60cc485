"""The table of record: cloaks before adversaries on LFW. `python -m benchmarks.critique`

What "Data Poisoning Won't Save You From Facial Recognition" (Radiya-Dixit et al., ICLR 2022)
measured, measured here: the plans benchmarks/plans/critique-*.toml, each an audit of LFW. Hours;
what is finished is kept.
"""

from __future__ import annotations

import sys
from functools import partial

from audit import report as reports
from audit import statistics
from audit.outcomes import ACCURACY, FLAGGED, Cell, Outcome, Rate
from audit.report import AuditReport
from benchmarks import record
from benchmarks.compare import MEASURED
from benchmarks.record import Measured

TIMED = False
PLANS = ("adversaries", "galleries", "systems")
TRANSFORMS = ("none", "jpeg:75", "jpeg:30")


def measure() -> Measured:
    """Per plan its cells: counts per person of what was found, with and without the cloak."""
    return {
        "plans": {name: record.piece(f"critique-{name}", partial(_one, name)) for name in PLANS}
    }


def _one(name: str) -> Measured:
    plan = record.ROOT / "benchmarks" / "plans" / f"critique-{name}.toml"
    folder, cache = record.fresh(f"critique-{name}"), record.FOLDER / "critique-cache"
    words = ["audit", "--plan", str(plan), "--preset", "standard"]
    record.called(*words, "--out", str(folder / "out"), "--cache", str(cache), codes=MEASURED)
    return _numbers(reports.read(folder / "out"))


def _numbers(found: AuditReport) -> Measured:
    audited = [cloak.attack for cloak in found.cloaks]
    return {
        "people": found.counts.protected,
        "probes": found.counts.probes,
        "enrolled": found.counts.enrolled,
        "dssim": {cloak.attack: cloak.quality[0].dssim for cloak in found.cloaks},
        "cells": [_cell(cell) for cell in found.cells if cell.attack in audited],
        "impossible": {a.name: a.impossible for a in found.adversaries if a.impossible},
        "seconds": {stage: round(s, 1) for stage, s in found.timings.items()},
    }


def _cell(cell: Cell) -> Measured:
    flagged, others = cell.outcomes.get(FLAGGED, Outcome()), cell.outcomes.get(ACCURACY, Outcome())
    rates = {
        "control": cell.control,
        "protection": cell.protection,
        "tpr": flagged.cloaked,
        "fpr": flagged.control,
        "accuracy": others.cloaked,
    }
    fields = ("attack", "adversary", "recogniser", "scenario", "transform")
    return {
        **{field: getattr(cell, field) for field in fields},
        **{n: [[*r.hits], [*r.trials]] for n, r in rates.items() if r is not None},
        "detected": sum(cell.detected),
        **({"auc": flagged.value} if flagged.value is not None else {}),
    }


def tables(measured: Measured) -> dict[str, str]:
    """`critique setting`, `adversaries`, `detection`, `galleries` and `systems`."""
    plans = measured["plans"]
    every, galleries, systems = (plans[name] for name in PLANS)
    first = every["cells"][0]["recogniser"]
    return {
        "critique setting": (
            f"{every['people']} people of LFW, {every['probes']} clean photos of them, "
            f"{every['enrolled']} people enrolled; mean DSSIM {every['dssim']['lowkey']:.3f}. "
            "Protection is 1 - rank-1 identification (rank 2 where an adversary names two "
            "candidates), in brackets 95% intervals over people."
        ),
        "critique adversaries": record.table(
            ("adversary", "recogniser", *TRANSFORMS, "control", "unprotected people found"),
            _adversaries(every),
        ),
        "critique detection": record.table(
            ("adversary", "transform", "TPR = recall", "FPR", "precision", "AUC"),
            _detection(every, first),
        ),
        "critique galleries": record.table(
            ("gallery", "adversary", "recogniser", "protection", "control"),
            [
                (c["scenario"], c["adversary"], c["recogniser"], *_both(c))
                for c in galleries["cells"]
            ],
        ),
        "critique systems": record.table(
            ("cloak", "recogniser", "adversary", "protection", "control", "unprotected found"),
            [
                (
                    f"`{c['attack']}`",
                    c["recogniser"],
                    c["adversary"],
                    *_both(c),
                    _rate(c, "accuracy"),
                )
                for c in sorted(systems["cells"], key=_order)
            ],
        ),
    }


def _adversaries(plan: Measured) -> list[tuple[str, ...]]:
    """A row for each adversary and recogniser, the least protection first."""
    found: dict[tuple[str, str], dict[str, Measured]] = {}
    for cell in plan["cells"]:
        found.setdefault((cell["adversary"], cell["recogniser"]), {})[cell["transform"]] = cell
    rows = sorted(found.items(), key=lambda row: _value(row[1]["none"], "protection"))
    return [
        (
            f"`{adversary}`",
            recogniser,
            *(_protection(cells[t]) if t in cells else "not measured" for t in TRANSFORMS),
            _rate(cells["none"], "control"),
            _rate(cells["none"], "accuracy"),
        )
        for (adversary, recogniser), cells in rows
    ] + [
        (f"`{name}`", "", f"not possible: {'; '.join(why.values())}", "", "", "", "")
        for name, why in plan["impossible"].items()
    ]


def _detection(plan: Measured, first: str) -> list[tuple[str, ...]]:
    cells = [c for c in plan["cells"] if "tpr" in c and c["recogniser"] == first]
    rows: list[tuple[str, ...]] = []
    for cell in sorted(cells, key=lambda c: (c["adversary"], TRANSFORMS.index(c["transform"]))):
        tpr, fpr = _value(cell, "tpr"), _value(cell, "fpr")
        rows.append(
            (
                *(f"`{cell['adversary']}`", cell["transform"]),
                *(_rate(cell, "tpr"), _rate(cell, "fpr")),
                f"{tpr / (tpr + fpr):.3f}" if tpr + fpr else "-",
                f"{cell['auc']:.4f}" if "auc" in cell else "-",
            )
        )
    return rows


def _order(cell: Measured) -> tuple[str, str, str]:
    return f"`{cell['attack']}`", cell["recogniser"], cell["adversary"]


def _both(cell: Measured) -> tuple[str, str]:
    return _protection(cell), _rate(cell, "control")


def _protection(cell: Measured) -> str:
    gone = cell["detected"]
    said = _rate(cell, "protection")
    return f"{said}; {gone} people detected" if gone else said


def _value(cell: Measured, name: str) -> float:
    return Rate(hits=cell[name][0], trials=cell[name][1]).value or 0.0


def _rate(cell: Measured, name: str) -> str:
    if name not in cell or not sum(cell[name][1]):
        return "-"
    rate = Rate(hits=cell[name][0], trials=cell[name][1])
    low, high = statistics.interval(rate.hits, rate.trials)
    return f"{rate.value or 0:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    record.alone("critique", sys.modules[__name__])
