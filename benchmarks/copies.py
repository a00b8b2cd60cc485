"""Do copies that `protect` wrote fare as the audit's own cloaks? `python -m benchmarks.copies`

26 people of LFW with twelve pictures each, all cloaked by `protect`; 24 of them are protected in
two audits, one that cloaks by itself and one of the copies, among 600 strangers.
"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks import numbers, record
from benchmarks.answers import Row, counts
from benchmarks.compare import MEASURED
from benchmarks.lfw import export, export_strangers
from benchmarks.record import Measured

TIMED = False
PEOPLE, BACKGROUND, PICTURES, STRANGERS = 24, 2, 12, 600
SURROGATES = ("--surrogate", "dlib,mobilefacenet:casia")
JUDGES = ("mobilefacenet:ms1m", "edgeface:xxs")
TRANSFORMS = ("none", "jpeg:75", "jpeg:30")
AUDITS = {"cloaked by the audit": "audit", "`protect`, then `--attack folder`": "folder"}
"""Row to piece."""


def measure() -> Measured:
    """Per row: the numbers of its audit. A finished audit is not repeated."""
    found = {
        row: record.piece(f"copies-{name}", partial(audit, name)) for row, name in AUDITS.items()
    }
    return {"audits": found}


def audit(name: str) -> Measured:
    """One of the two, the copies made first. Raises: AuditError."""
    folder = record.fresh(f"copies-{name}")
    export(folder / "photos", PEOPLE + BACKGROUND, PICTURES)
    export_strangers(folder / "strangers", STRANGERS)
    photos, copies = str(folder / "photos"), str(folder / "copies")
    cloak = ["--attack", "lowkey", *SURROGATES]
    if name == "folder":
        record.called("protect", photos, "--out", copies, *SURROGATES)
        cloak = ["--attack", "folder", "--cloaked", copies]
    given = {
        "--adversary": "oblivious",
        "--dataset": photos,
        "--distractor-dataset": str(folder / "strangers"),
        "--recogniser": ",".join(JUDGES),
        "--protected": str(PEOPLE),
        "--background": str(BACKGROUND),
        "--others": "0",
        "--out": str(folder / "out"),
        "--cache": str(folder / "cache"),
    }
    flags = [word for pair in given.items() for word in pair]
    record.called("audit", *cloak, "--preset", "standard", *flags, codes=MEASURED)
    found = numbers.flatten(numbers.read(folder / "out" / "report.json"))
    return numbers.as_json({k: v for k, v in found.items() if k.endswith("rank-1 cloaked")})


def tables(measured: Measured) -> dict[str, str]:
    """`copies`: unrecognised probes, everybody cloaking at once."""
    rows, probes = [], 0
    for label, kept in measured["audits"].items():
        found = numbers.from_json(kept)
        missed = [
            counts(found, "rank-1 cloaked", Row("", "", "oblivious", judge, transform)).complement
            for judge in JUDGES
            for transform in TRANSFORMS
        ]
        rows.append((label, *(str(sum(m.hits)) for m in missed)))
        probes = sum(missed[0].trials)
    columns = ("", *(t if t != "none" else judge for judge in JUDGES for t in TRANSFORMS))
    return {
        "copies": f"Unrecognised probes of {probes}, everybody cloaking at once:\n\n"
        + record.table(columns, rows)
    }


if __name__ == "__main__":
    record.alone("copies", sys.modules[__name__])
