"""Tables are made of numbers alone, have a place, and stand in the documents as they are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.report import PER_FACE
from benchmarks import (
    answers,
    audits,
    coverage,
    critique,
    documents,
    learning,
    lowkey,
    numbers,
    record,
    results,
    spotting,
    strangers,
    veil,
    veil_measured,
)
from benchmarks.answers import Row
from benchmarks.numbers import Counts
from lowkey_core.errors import AuditError
from lowkey_core.weights import ASSETS_VARIABLE
from tests.audit.samples import sample

SEEN = {"hits": 9, "probes": 10, "seconds": 0.5}
MISSED = {"dlib": [1, 4], "zoo:mobile": [4, 4]}
ALIKE = {"hits": 99, "probes": 100, "genuine": 0.7, "impostor": 0.1}
REAL = {"found": 0, "of": 150, "threshold": 0.97}


def whole(rows: tuple[Row, ...], people: int = 2) -> dict[str, Any]:
    """Every number that an audit's tables ask for."""
    half = Counts((1,) * people, (2,) * people)
    found: numbers.Numbers = {"quality | lowkey | dssim": 0.03}
    found |= {f"counts | {c}": 1064.0 for c in ("protected", "probes", "gallery", "enrolled")}
    for row in (r for r in rows if r.adversary):
        for attack in ("lowkey", "noise@lowkey"):
            cell = (attack, row.adversary, row.recogniser, "nn", row.transform, "all")
            found[" | ".join((*cell, "rank-1 control"))] = half
            found[" | ".join((*cell, "rank-1 cloaked"))] = half
            found[" | ".join((*cell, "face found control"))] = Counts((2,) * people, (2,) * people)
            found[" | ".join((*cell, "face found cloaked"))] = half
            if row.adversary == "detection":
                found[" | ".join((*cell, "flagged cloaked"))] = half
                found[" | ".join((*cell, "flagged clean"))] = half
                found[" | ".join((*cell, "auc"))] = 0.5
    return numbers.as_json(found)


def copied() -> dict[str, Any]:
    rows = [
        Row("", "", "oblivious", "mobilefacenet:ms1m", t) for t in ("none", "jpeg:75", "jpeg:30")
    ]
    rows += [Row("", "", "oblivious", "edgeface:xxs", row.transform) for row in rows]
    return whole(tuple(rows))


def learned() -> dict[str, Any]:
    half = Counts((1, 1), (2, 2))
    kinds = ("rank-1 cloaked", "rank-1 control", "flagged cloaked", "flagged clean")
    return numbers.as_json(
        {
            f"lowkey | {adversary} | {learning.FIRST} | nn | {transform} | all | {kind}": half
            for adversary in (*learning.ADAPTIVE.values(), *learning.DETECTION.values())
            for transform in learning.TRANSFORMS
            for kind in kinds
        }
    )


def ablated() -> dict[str, Any]:
    """A plan of LowKey's tables."""
    half = [[1, 1], [2, 2]]
    return {
        "surrogates": ["dlib"],
        "cells": [
            {
                **{"attack": "lowkey", "recogniser": recogniser, "transform": transform},
                **{"ranks": {"1": half, str(lowkey.WIDE): half}, "control": half},
            }
            for recogniser in (lowkey.FIRST, lowkey.FURTHEST)
            for transform in {*lowkey.FORMATS, *lowkey.SIZES}
        ],
        "dssim": {"lowkey": 0.02},
        "seconds": {"lowkey": 1.0},
    }


def faced(second: str = "detection:classifier") -> dict[str, Any]:
    """A plan of the table of record: two adversaries, one of whom drops pictures."""
    half = [[1, 1], [2, 2]]
    everywhere = [
        {
            **{"attack": "lowkey", "adversary": adversary, "recogniser": "dlib"},
            **{"scenario": "all", "transform": transform, "detected": 0},
            **{"control": half, "protection": half, "accuracy": [[0, 2], [0, 2]]},
        }
        for adversary in ("oblivious", second)
        for transform in critique.TRANSFORMS
    ]
    everywhere[-1] |= {"detected": 1, "tpr": [[2, 2], [2, 2]], "fpr": half, "auc": 0.9}
    return {
        **{"people": 2, "probes": 4, "enrolled": 9, "dssim": {"lowkey": 0.02}},
        "cells": everywhere,
        "impossible": {"detection:imagenet": {"lowkey": "not possible, because"}},
        "seconds": {},
    }


def cloaked(missed: int) -> dict[str, Any]:
    """A cloak, of two people with four probes each."""
    counts = [[missed, missed], [4, 4]]
    return {
        **{"dssim": 0.02, "cost": 1.0},
        "missed": {
            judge: dict.fromkeys(veil_measured.TRANSFORMS, counts) for judge in veil_measured.JUDGES
        },
        "clean": {key: [[0, 0], [4, 4]] for key in veil_measured.JUDGES},
        "mutual": {key: [5, 8] for key in veil_measured.JUDGES},
    }


MEASURED: dict[str, dict[str, Any]] = {
    "audits": {
        "about": {"cores": 2, "processor": "any", "threads": 1},
        "audits": {
            name: {"cold": 162.4, "again": 7.0, "numbers": whole(audit.rows)}
            for name, audit in audits.AUDITS.items()
        },
    },
    "recognition": {"recognisers": {"dlib": SEEN, "edgeface:xxs": {**SEEN, "seconds": 0.15}}},
    "detection": {
        "photos": 9,
        "seconds": {"alone": 2.0, "together": 1.0},
        "others": [],
        "off": {"one.jpg": 0.6},
    },
    "speed": {
        "loop": {
            "released, 1 at a time": {"seconds": 8.0, "cost": 1.0},
            "`lowkey`, 8 at a time": {"seconds": 0.4, "cost": 0.051},
        },
        "cloaks": {"lowkey": 0.5, "tipim": 5.0},
        "rate": {"loop": 4e10, "matrices": 1e11},
        "growth": {"8 pictures": 1.0, "16 pictures": 1.9},
        "profile": {"convolutions": 0.62, "all else": 0.38},
        "photo": {
            **{"faces": 5, "aligned": 4.0, "photo": 5.0, "cost": 1.25},
            **{"memory": 2_000_000_000, "memory of five": 1_500_000_000},
        },
    },
    "lowkey": {"plans": dict.fromkeys(lowkey.PLANS, ablated())},
    "spotting": {
        "trainings": {
            "seed 0, threads: 1": {
                name: {"cloaked": [95, 100], "clean": [3, 100]} for name in spotting.TRANSFORMS
            }
        }
    },
    "cloaks": {
        **faced("adaptive"),
        **{"st_lpips": {"lowkey": 0.05}, "seconds": {f"{PER_FACE}lowkey": 0.24}},
    },
    "critique_adversaries": faced(),
    "critique_galleries": faced(),
    "critique_systems": faced(),
    "critique_knobs": {"all": faced(), "fewer": {"10": faced("adaptive")}},
    "veil": {
        "recipes": {
            "`veil`": [
                {"dssim": dssim, "missed": seen, "mutual": seen, "seconds": 0.5}
                for dssim, hits in ((veil.AT + 0.01, 4), (veil.AT - 0.01, 2))
                for seen in ({judge: [hits, 4] for judge in veil.JUDGES},)
            ]
        }
    },
    "veil_measured": {"cloaks": {"`lowkey`": cloaked(1), "`veil`": cloaked(3)}},
    "chain": {
        "photos": 9,
        "unseen": 1,
        "mean": 0.98,
        "lowest": 0.9,
        "people": 4,
        "hits": {"ours": 4, "theirs": 3, "ours among theirs": 4},
    },
    "learning": {"numbers": learned()},
    "zoo": {
        "recognisers": dict.fromkeys((*results.load("zoo").MEMBERS, "dlib"), SEEN),
        "cloaks": {"dssim": 0.0341, "usual_dssim": 0.041, "missed": MISSED},
    },
    "cloaking": {"schedules": {"a": {"seconds": 2.0, "dssim": 0.024, "missed": MISSED}}},
    "picture": {
        "cloaked": {"dssim": 0.03, "similarity": 0.15},
        "noise": {"dssim": 0.02, "similarity": 0.98},
    },
    "protected": {
        "files": [{"name": "a.png", "faces": 2, "before": 2, "after": 0, "dssim": 0.024}]
    },
    "synthfaces": {
        "found": 2085,
        "pictures": 2100,
        "judges": {
            name: {"synthetic": ALIKE, "lfw": ALIKE, "real": REAL} for name in ("dlib", "other")
        },
    },
    "copies": {"audits": {"one": copied(), "other": copied()}},
    "threads": {
        "waits": {"spinning": {"idle": 0.2, "busy": 1.5}, "ours": {"idle": 0.2, "busy": 0.4}}
    },
    "web": {
        "about": {"cores": 2, "processor": "any"},
        **{"first": [4.0, 4.2, 4.1], "whole": [8.0, 9.0, 8.5]},
        **{"steps": [4.0, 5.0, 60.0], "memory": 1_400_000_000},
    },
    "interruptions": {
        "commands": {
            name: {"kills": 30, "checked": 1271, "violations": []} for name in ("protect", "audit")
        }
    },
    "recipe": {"trained": [169, 180], "shipped": [167, 180]},
    "galleries": {
        **{"entries": 1_000_000, "probes": 1000, "rank": 50},
        "sizes": {
            "128": {"ours": 4.2, "alone": 4.0, "memory": 130_000_000, "same": [50, 50]},
            "512": {"ours": 12.0, "alone": 11.5, "memory": 300_000_000, "same": [49, 50]},
        },
    },
    "workers": {
        "about": {"cores": 2, "processor": "any"},
        **{"command": "audit", "workers": 4},
        "ways": {
            "alone": {"seconds": 100.0, "processor": 98.0, "report": "a"},
            "helped": {"seconds": 62.0, "processor": 107.8, "report": "a"},
            "killed": {"seconds": 70.4, "processor": 117.6, "report": "b"},
        },
    },
    "coverage": {
        "audits": 100,
        "rates": {
            "10": {name: {"low": [2] * 135, "high": [0] * 134 + [1]} for name in coverage.ENDS}
        },
        "pairs": {"10": {"passed": [1, 2]}},
        "power": {name: [96, 100] for name in coverage.ENDS},
        "again": 1000,
        "worst": {name: [3, 12] for name in coverage.ENDS},
        "worst pairs": [4, 7],
    },
    "strangers": {
        "side": 64,
        "audits": {
            "20000": {
                "enrolled": 20_020,
                "without a face": 3,
                "peak": 1_440_000_000,
                "seconds": 1200,
                "left": [[900.0, 1000.0], [360.0, 300.0]],
            }
        },
    },
}
"""Of each benchmark what it might have measured."""


@pytest.fixture(scope="module")
def tables() -> dict[str, str]:
    made: dict[str, str] = {}
    for name in results.NAMES:
        stored = json.loads(record.as_text(MEASURED[name]))
        assert stored == MEASURED[name], "plain JSON"
        made |= results.load(name).tables(stored)
    return made


def test_every_table_has_a_place_and_every_place_a_table(tables: dict[str, str]) -> None:
    places = [m for path in documents.documents() for m in documents.markers(path.read_text())]
    assert set(places) == set(tables)


def test_what_is_kept_is_what_the_documents_say() -> None:
    made = results.tables()
    for path in documents.documents():
        assert documents.rendered(path.read_text(), made) == path.read_text(), (
            f"{path.name}: run `python -m benchmarks.results --render`"
        )


def test_rendered_lines_are_whole(tables: dict[str, str]) -> None:
    for marker, text in tables.items():
        rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
        assert len(set(rows)) <= 1, marker
        assert "None" not in text, marker
        assert "{" not in text or marker == "interruptions", marker


def test_figures_are_rendered(tables: dict[str, str]) -> None:
    assert "| edgeface:xxs | 0.9000 | 9 of 10 | 0.3 |" in tables["recognition"]
    assert "2 min 42 s | 7 s |" in tables["audits times"]
    assert "| zoo:mobile | 0.50 [" in tables["audits offline"]
    assert "lost the face in\n2 (0) as published" in tables["audits standard faces"]
    assert "`zoo:vit` | attention" in tables["zoo members"]
    assert "0 of 2 after (95%: at most 0.84)" in tables["protected"]
    assert "1,271 finished files" in tables["interruptions"]
    assert "0.94 (169 of 180)" in tables["recipe"]
    assert "takes 1.25 times" in tables["speed photo"]
    assert "| convolutions | 62% |" in tables["speed profile"]
    assert "takes 5 ms, 60 at most" in tables["web"].replace("\n", " ")
    assert "0.50 GB more" in tables["speed photo"]
    assert "edgeface:xxs: +0.50 [" in tables["veil difference"]
    assert "| 0.950 | 0.030 |" in tables["spotting"]
    assert "| 512 | 1.04 | 0.30 | 49 of 50 |" in tables["galleries"]
    assert "| 20,020 | 1.44 | 20 | 0.90 to 1.20 |" in tables["strangers"]
    assert "| 4 workers | 62 | 0.62 | 1.10 | yes |" in tables["workers"]
    assert "one killed in the middle | 70 | 0.70 | 1.20 | no |" in tables["workers"]
    assert "; 1 people detected |" in tables["critique adversaries"]
    assert "| 0.667 | 0.9000 |" in tables["critique detection"]
    assert "| adaptive, 10 people | 0.50 [" in tables["critique knobs"]
    assert "controls at least 0.50." in tables["critique galleries"]
    assert "| bounds of gates | 0.970 | 0.980 | 0.0200 | 0.0120 | 0.960 |" in tables["coverage"]
    assert "does in 0.0200 of 100 audits" in tables["coverage pairs"]
    assert "does in 0.0070 of 1,000" in tables["coverage pairs"]


def test_time_left_is_compared_with_what_it_was() -> None:
    lines = [
        (0.0, "finding faces: 0 of 100"),
        (50.0, "finding faces: 50 of 100; 60 s left of that"),
        (90.0, "finding faces: all 100"),
        (100.0, "embedding with a: 0 of 9; 3 min left in all"),
        (150.0, "embedding with a: 5 of 9; 2 min left in all"),
        (199.0, "embedding with a: 8 of 9; 2 s left in all"),
    ]
    assert [*strangers.left(lines, 200.0)] == [[60.0, 40.0], [120.0, 50.0]]


def test_answers_of_a_stored_report() -> None:
    found = numbers.flatten(json.loads(sample().model_dump_json()))
    rows = (
        Row("JPEG?", "as published", "oblivious", "old"),
        Row("JPEG?", "after jpeg:75", "oblivious", "old", "jpeg:75"),
        Row("Newer?", "new", "oblivious", "new"),
        Row("Spotted?", "old", "detection", "old"),
        Row("Unseen?", "not measured"),
    )
    assert answers.table(found, rows).splitlines()[2:] == [
        "| JPEG? | as published | 1.00 [0.69, 1.00] | 1.00 [0.69, 1.00] |",
        "|  | after jpeg:75 | 1.00 [0.69, 1.00] | 1.00 [0.69, 1.00] |",
        "| Newer? | new | 0.50 [0.34, 0.66] | 1.00 [0.69, 1.00] |",
        "| Spotted? | old | 10 of 10 people detected | 1.00 [0.69, 1.00] |",
        "| Unseen? | not measured |  |  |",
    ]
    assert "300 pictures of 120 people" in answers.setting(found)
    assert "DSSIM on the face 0.020; noise of the same energy protects 0.00" in answers.setting(
        found
    )
    assert ": -0.50 [-0.71, -0.12], same" in answers.difference(found, "new", "old")
    assert "| 1.000 | 0.9990 |" in answers.detection(found, ["none"])


def test_a_cell_that_was_not_measured_is_said() -> None:
    with pytest.raises(
        AuditError, match="0 cells have 'rank-1 control' of a, b, none; expected one"
    ):
        answers.counts({}, "rank-1 control", Row("", "", "a", "b"))


def test_recipes_of_veil_are_compared_at_one_dssim() -> None:
    """Half way between two prices, where protection is half way from 0.5 to 1."""
    (_, _, row) = veil.tables(MEASURED["veil"])["veil"].splitlines()
    assert row.count("0.75") == 2 * len(veil.JUDGES)


def test_a_reason_in_results_names_no_folder_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASSETS_VARIABLE, "/somebody/assets")
    reasons = {"lowkey": "sface has no weights at /somebody/assets/weights/sface.onnx; get them"}
    report = sample()
    first = report.adversaries[0].model_copy(update={"impossible": reasons})
    found = critique._numbers(report.model_copy(update={"adversaries": (first,)}))
    said = json.dumps(found["impossible"])
    assert f"{ASSETS_VARIABLE}/weights/sface.onnx" in said
    assert "somebody" not in said
