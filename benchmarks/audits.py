"""What an audit answers, and how long that takes. `python -m benchmarks.audits`

Three audits from the command line, each with an empty cache and again: wall times, and the tables
of their answers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

from benchmarks import answers, numbers, record
from benchmarks.answers import Row
from benchmarks.compare import MEASURED
from benchmarks.record import Measured

TIMED = True
KEPT = (
    *("rank-1 control", "rank-1 cloaked", "detected", "flagged cloaked", "flagged clean", "auc"),
    *("face found control", "face found cloaked"),
)
"""What is kept of cells. Of counts and quality everything is."""


@dataclass(frozen=True)
class Audit:
    """One command."""

    command: str
    shown: str
    """As the table of wall times calls it."""
    rows: tuple[Row, ...]
    """Of the table of its answers; none: there is no such table."""
    bare: bool = False
    """With what comes along, whatever weights are at hand."""


_LATER = ("jpeg:75", "jpeg:30")
_RETRAINED = "Does it survive robust retraining?"
_SPOTTED = "Does it survive detection?"


def _rows(first: str, others: tuple[Row, ...]) -> tuple[Row, ...]:
    """JPEG, other recognisers, retraining."""
    jpeg = f"Does it survive JPEG? (against {first})"
    retrained = f"{first} retrained on cloaked pictures"
    return (
        Row(jpeg, "as published", "oblivious", first),
        *(Row(jpeg, f"after {t}", "oblivious", first, t) for t in _LATER),
        *others,
        Row(_RETRAINED, retrained, "adaptive", first),
        *(Row(_RETRAINED, f"{retrained}, {t}", "adaptive", first, t) for t in _LATER),
    )


_NEWER = "Does it survive newer models?"
_UNSEEN = "Does it carry over to recognisers that the cloak never saw?"
_DROPPED = "mobilefacenet:ms1m after flagged pictures were dropped"
_LFW = (
    *_rows(
        "mobilefacenet:ms1m",
        (
            Row(
                *(_NEWER, "mobilefacenet:faceplugin (2021-10)"),
                *("oblivious", "mobilefacenet:faceplugin"),
            ),
            Row(_NEWER, "edgeface:xxs (2023-07)", "oblivious", "edgeface:xxs"),
        ),
    ),
    Row(_SPOTTED, _DROPPED, "detection", "mobilefacenet:ms1m"),
    *(Row(_SPOTTED, f"{_DROPPED}, {t}", "detection", "mobilefacenet:ms1m", t) for t in _LATER),
)
_ZOO = _rows(
    "dlib",
    (
        Row(_NEWER, "not measured: `models fetch` gets a newer one"),
        Row(_UNSEEN, "zoo:mobile", "oblivious", "zoo:mobile"),
        Row(_UNSEEN, "zoo:vit", "oblivious", "zoo:vit"),
    ),
)
AUDITS = {
    "offline": Audit(
        "audit --attack lowkey --adversary adaptive",
        "`make audit` (SynthFaces and the zoo, no network)",
        _ZOO,
        bare=True,
    ),
    "quick": Audit(
        "audit --attack lowkey --dataset lfw --adversary adaptive --preset quick",
        "`audit --dataset lfw --adversary adaptive --preset quick`",
        (),
    ),
    "standard": Audit(
        "audit --attack lowkey --dataset lfw --adversary adaptive,detection --preset standard",
        "`audit --dataset lfw --adversary adaptive,detection --preset standard`",
        _LFW,
    ),
}


def measure() -> Measured:
    """Per audit: its seconds, cold and again, and its numbers. A finished one is not repeated."""
    return {
        "audits": {
            name: record.piece(f"audits-{name}", partial(timed, name, audit.command, audit.bare))
            for name, audit in AUDITS.items()
        }
    }


def timed(name: str, command: str, bare: bool = False) -> Measured:
    """One audit. Raises: AuditError."""
    folder = record.fresh(f"audits-{name}")
    words = [*command.split(), "--out", str(folder / "out"), "--cache", str(folder / "cache")]
    cold, again = (record.called(*words, codes=MEASURED, bare=bare) for _ in range(2))
    found = numbers.flatten(numbers.read(folder / "out" / "report.json"))
    kept = {
        name: value
        for name, value in found.items()
        if name.rpartition(numbers.SEPARATOR)[2] in KEPT or name.startswith(("counts", "quality"))
    }
    return {
        "command": command,
        "cold": round(cold, 1),
        "again": round(again, 1),
        "numbers": numbers.as_json(kept),
    }


def tables(measured: Measured) -> dict[str, str]:
    """Wall times of what was measured; of the two audits that README shows, what came out."""
    done = measured["audits"]
    times = [
        (audit.shown, duration(done[name]["cold"]), duration(done[name]["again"]))
        for name, audit in AUDITS.items()
        if name in done
    ]
    about = measured["about"]
    where = f"{about['cores']} cores ({about['processor']}), {about['threads']} threads"
    found = {name: numbers.from_json(done[name]["numbers"]) for name in done}
    real, recognisers = found["standard"], ("edgeface:xxs", "mobilefacenet:ms1m")
    return {
        "audits times": f"On {where}, wall time of a run with an empty cache, and of the same "
        "command again:\n\n" + record.table(("command", "cold", "again"), times),
        "audits offline time": f"On {where}, `make audit` takes "
        f"{duration(done['offline']['cold'])}.",
        "audits offline": answers.table(found["offline"], AUDITS["offline"].rows),
        "audits standard setting": answers.setting(real),
        "audits standard": answers.table(real, AUDITS["standard"].rows),
        "audits standard difference": answers.difference(real, *recognisers),
        "audits standard faces": answers.faces(real, "mobilefacenet:ms1m", ("none", *_LATER)),
        "audits standard detection": answers.detection(real, ("none", *_LATER)),
    }


def duration(seconds: float) -> str:
    """As 2 min 42 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


if __name__ == "__main__":
    record.alone("audits", sys.modules[__name__])
