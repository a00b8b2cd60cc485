"""Reports of both versions give the same names for the same numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import numbers
from benchmarks.numbers import Counts
from lowkey_core.errors import AuditError
from tests.audit.samples import sample

FIRST: dict[str, Any] = {
    "version": 1,
    "plan": {"attack": "lowkey"},
    "counts": {"dataset": "lfw", "protected": 2, "no_face": ["a", "b"], "reasons": {"torn": 3}},
    "quality": [
        {"attack": "lowkey", "pictures": 4, "dssim": 0.02, "lpips": None, "psnr": "Infinity"},
        {"attack": "noise", "pictures": 4, "dssim": 0.01},
    ],
    "cells": [
        {
            "attack": attack,
            "adversary": "detection",
            "recogniser": "old",
            "matcher": "nn",
            "transform": "none",
            "condition": "all",
            "control": {"1": {"hits": [4, 4], "trials": [4, 4]}},
            "cloaked": {"1": {"hits": [0, 1], "trials": [4, 4]}},
            "detected": [True, False],
            "detection": {
                "cloaked": {"hits": [3, 3], "trials": [4, 4]},
                "clean": {"hits": [1, 0], "trials": [9, 9]},
                "auc": 0.9,
            },
        }
        for attack in ("lowkey", "noise")
    ],
    "learned": {"adaptive": {"pictures": 300.0}},
    "timings": {"cloaking": 1.5},
}
SECOND: dict[str, Any] = {
    "version": 2,
    "plan": {"publish": {"attacks": ["lowkey"]}},
    "counts": {"dataset": "lfw", "protected": 2, "no_face": 2, "reasons": {"torn": 3}},
    "cloaks": [{"attack": "lowkey", "control": "noise@lowkey", "quality": []}, {"attack": "x"}],
    "adversaries": [{"name": "adaptive", "learned": {"pictures": 300}}, {"name": "oblivious"}],
    "cells": [
        {
            "attack": attack,
            "adversary": "detection",
            "recogniser": "old",
            "matcher": "nn",
            "transform": "none",
            "scenario": "all",
            "outcomes": {
                "rank-1": {
                    "control": {"hits": [4, 4], "trials": [4, 4]},
                    "cloaked": {"hits": [0, 1], "trials": [4, 4]},
                    "value": None,
                },
                "detected": {"cloaked": {"hits": [1, 0], "trials": [1, 1]}},
                "flagged": {
                    "control": {"hits": [1, 0], "trials": [9, 9]},
                    "cloaked": {"hits": [3, 3], "trials": [4, 4]},
                    "value": 0.9,
                },
            },
        }
        for attack in ("lowkey", "noise@lowkey")
    ],
}
SECOND["cloaks"][0]["quality"] = [
    {"pictures": 4, "dssim": 0.02, "psnr": "Infinity"},  # the cloak's own
    {"attack": "noise@lowkey", "pictures": 4, "dssim": 0.01},
]


def test_both_versions_say_the_same() -> None:
    first, second = numbers.flatten(FIRST), numbers.flatten(SECOND)
    assert first == second
    where = "noise@lowkey | detection | old | nn | none | all | "
    assert first[f"{where}rank-1 cloaked"] == Counts((0, 1), (4, 4))
    assert first[f"{where}detected"] == Counts((1, 0), (1, 1))
    assert first[f"{where}auc"] == 0.9
    assert first["quality | lowkey | psnr"] == math.inf
    assert first["counts | no_face"] == 2
    assert first["learned | adaptive | pictures"] == 300
    assert not any("dataset" in name or "lpips" in name for name in first)
    assert len(first) == 2 * 6 + 5 + 3 + 1


def test_what_may_be_missing() -> None:
    bare = {"version": 2, "cells": [{**SECOND["cells"][0], "outcomes": {"open-set": {}}}]}
    assert numbers.flatten(bare) == {}
    assert numbers.timings(bare) == {}
    assert numbers.timings(FIRST) == {"cloaking": 1.5}


def test_a_name_that_stands_twice_is_refused() -> None:
    twice = {**SECOND, "cells": SECOND["cells"][:1] * 2}
    with pytest.raises(AuditError, match="two numbers of the report are called"):
        numbers.flatten(twice)


def test_noise_that_is_audited_keeps_its_name() -> None:
    assert not any("@" in name for name in numbers.flatten({**FIRST, "plan": {"attack": "noise"}}))


def test_other_measures_are_named_by_their_arms() -> None:
    outcome = {"cloaked": {"hits": [1], "trials": [2]}, "value": 0.25}
    cell = {**SECOND["cells"][0], "outcomes": {"open-set": outcome}}
    names = [name.rpartition(" | ")[2] for name in numbers.flatten({**SECOND, "cells": [cell]})]
    assert names[:2] == ["open-set cloaked", "open-set value"]


def test_a_report_as_it_is_stored(tmp_path: Path) -> None:
    sample().save(tmp_path / "report.json")
    found = numbers.flatten(numbers.read(tmp_path / "report.json"))
    half = found["lowkey | oblivious | new | nn | none | all | rank-1 cloaked"]
    assert isinstance(half, Counts)
    assert (half.rate, half.complement.rate) == (0.5, 0.5)
    assert half.interval == sample().cells[4].identified.interval
    assert "20 of 40 = 0.5000 [0.34, 0.66]" in str(half)


def test_identities_are_left_out() -> None:
    kept = Counts((1, 2, 3), (4, 4, 4)).without(Counts((0, 1, 0), (1, 1, 1)))
    assert kept == Counts((1, 3), (4, 4))
    assert str(Counts((), ())) == "no trials"


def test_renaming_takes_whole_parts() -> None:
    given = {"lowkey | a | lowkey:x": 1.0, "noise@lowkey | a": 2.0, "quality | lowkey | dssim": 3.0}
    assert [*numbers.renamed(given, {"lowkey": "new:b=1"})] == [
        "new:b=1 | a | lowkey:x",
        "noise@new:b=1 | a",
        "quality | new:b=1 | dssim",
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (json.dumps({"version": 3}), "version 3; expected one of 1, 2; teach"),
        (json.dumps([]), "version 'list'"),
        ("{", "cannot be read"),
    ],
)
def test_other_files_are_refused(content: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(AuditError, match=complaint):
        numbers.read(tmp_path / "report.json")
