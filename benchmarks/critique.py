"""Cloaks before adversaries on LFW: what the tables of record share.

What "Data Poisoning Won't Save You From Facial Recognition" (Radiya-Dixit et al., ICLR 2022)
measured, measured here: the plans benchmarks/plans/critique-*.toml, and cloaks.toml with every
cloak, each an audit of LFW.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from audit import report as reports
from audit import statistics
from audit.outcomes import ACCURACY, FLAGGED, Cell, Outcome, Rate
from audit.report import AuditReport
from benchmarks import record
from benchmarks.compare import MEASURED
from benchmarks.record import Measured
from lowkey_core.weights import ASSETS_VARIABLE

CACHE = record.FOLDER / "critique-cache"
TRANSFORMS = ("none", "jpeg:75", "jpeg:30")


def audited(name: str, *more: str) -> Measured:
    """The audit of a plan: counts per person of what was found, with and without the cloak. more:
    words of the command line."""
    plan = record.ROOT / "benchmarks" / "plans" / f"{name}.toml"
    folder, cache = record.fresh("-".join((name, *more))), CACHE
    words = ["audit", "--plan", str(plan), "--preset", "standard", *more]
    record.called(*words, "--out", str(folder / "out"), "--cache", str(cache), codes=MEASURED)
    return _numbers(reports.read(folder / "out"))


def _numbers(found: AuditReport) -> Measured:
    audited = [cloak.attack for cloak in found.cloaks]
    return {
        "people": found.counts.protected,
        "probes": found.counts.probes,
        "enrolled": found.counts.enrolled,
        "dssim": {cloak.attack: cloak.quality[0].dssim for cloak in found.cloaks},
        "st_lpips": {cloak.attack: cloak.quality[0].st_lpips for cloak in found.cloaks},
        "cells": [_cell(cell) for cell in found.cells if cell.attack in audited],
        "impossible": {a.name: _elsewhere(a.impossible) for a in found.adversaries if a.impossible},
        "seconds": {stage: round(s, 2) for stage, s in found.timings.items()},
    }


def _elsewhere(reasons: Mapping[str, str]) -> dict[str, str]:
    """Without this machine's folder of weights."""
    here = os.environ.get(ASSETS_VARIABLE) or ASSETS_VARIABLE
    return {attack: why.replace(here, ASSETS_VARIABLE) for attack, why in reasons.items()}


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


def setting(measured: Measured) -> str:
    """Who was searched for, among how many."""
    people, probes, enrolled = (measured[name] for name in ("people", "probes", "enrolled"))
    dssim = measured["dssim"]["lowkey"]
    return (
        f"{people} people of LFW, {probes} photos of them searched for, {enrolled} people "
        f"enrolled; mean DSSIM of lowkey {dssim:.3f}."
    )


def by_transform(
    cells: Sequence[Measured], *fields: str
) -> dict[tuple[str, ...], dict[str, Measured]]:
    """Cells by these fields of theirs, and then by transform."""
    found: dict[tuple[str, ...], dict[str, Measured]] = {}
    for cell in cells:
        found.setdefault(tuple(cell[f] for f in fields), {})[cell["transform"]] = cell
    return found


def both(cell: Measured) -> tuple[str, str]:
    """Protection and control."""
    return protection(cell), rate(cell, "control")


def protection(cell: Measured) -> str:
    """With its interval, and how many people no candidate could be named for: all were flagged."""
    gone = cell["detected"]
    said = rate(cell, "protection")
    return f"{said}; {gone} people detected" if gone else said


def value(cell: Measured, name: str) -> float:
    """A rate; 0 where nothing was tried."""
    return Rate(hits=cell[name][0], trials=cell[name][1]).value or 0.0


def rate(cell: Measured, name: str) -> str:
    """A rate with its interval over people."""
    if name not in cell or not sum(cell[name][1]):
        return "-"
    hits, trials = cell[name]
    low, high = statistics.interval(hits, trials)
    return f"{value(cell, name):.2f} [{low:.2f}, {high:.2f}]"
