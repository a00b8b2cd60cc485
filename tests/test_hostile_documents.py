"""Strangers' plans, cards, reports, notes, ledgers and kept work, whatever is in them: read, or
refused in one line; never a traceback."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import choices, report, runs
from lowkey_core.errors import AuditError, ReportError
from lowkey_core.photos.protected import NAME, Outcome
from lowkey_core.publish.ledger import Ledger
from lowkey_core.weights import sidecar
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import _digest, seal
from reports import REPORTS
from tests.audit.samples import sample

FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
"""Files are written anew for each example."""
WORDS = st.sampled_from(["", "lowkey", "none", "rank-1", "old", "a\x1b[31m\r", "@" * 50, "x.py"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 9),
    st.sampled_from([2**31, 2**63, 10**20, -(10**300)]),
    st.floats(allow_subnormal=False),  # the project flushes them to zero
    st.text(max_size=5),
    WORDS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def somewhere(whole: Any, data: st.DataObject) -> Any:
    """The document with one value, at any depth, replaced or left out."""
    changed = above = copy.deepcopy(whole)
    while True:
        key = data.draw(
            st.sampled_from([*(above if isinstance(above, dict) else range(len(above)))])
        )
        below = above[key]
        if isinstance(below, dict | list) and below and data.draw(st.integers(0, 4)):
            above = below
            continue
        if data.draw(st.booleans()):
            above[key] = data.draw(VALUES)
        else:
            del above[key]
        return changed


REPORT = json.loads(sample().model_dump_json())
FORMATS = [REPORTS.load(name) for name in REPORTS.available()]


@FEW
@given(st.data())
def test_any_report_is_shown_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    (tmp_path / "run").mkdir(exist_ok=True)
    (tmp_path / "run" / "report.json").write_text(json.dumps(somewhere(REPORT, data)))
    assert len([*runs.listing(tmp_path)]) == 1
    with contextlib.suppress(ReportError):
        read = report.read(tmp_path / "run")
        assert all(show(read) for show in FORMATS)


@FEW
@given(st.data())
def test_any_note_of_a_run_is_listed_and_resumed_or_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    runs.begin(tmp_path / "run", sample().plan)
    note = tmp_path / "run" / runs.PLAN
    note.write_text(json.dumps(somewhere(json.loads(note.read_text()), data)))
    (line,) = runs.listing(tmp_path)
    assert line.isprintable()
    with contextlib.suppress(AuditError):
        runs.resumed(tmp_path / "run", [])


def toml(value: Any) -> str:
    """A value as TOML has it: nearly as JSON has it."""
    match value:
        case None:
            return "2026-01-01"
        case dict():
            pairs = (f"{json.dumps(k)} = {toml(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case float():
            return repr(value)
    return json.dumps(value)


@FEW
@given(st.sampled_from([*choices.choices()]), VALUES)
def test_any_plan_is_made_or_refused(tmp_path: Path, choice: choices.Choice, value: Any) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(f"[{choice.part}]\n{choice.field} = {toml(value)}")
    with contextlib.suppress(AuditError):
        assert choices.make(file=file).digest


CARD = {
    "name": "mine",
    "sha256": "0" * 64,
    "released": "2024-01-01",
    "licence": "MIT",
    "source": "here",
    "trained_on": "faces",
    "input": {"size": 112, "mean": [0.5] * 3, "std": [0.5] * 3, "channels": "rgb"},
}


@FEW
@given(st.data())
def test_any_card_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    card = somewhere(CARD, data)
    (tmp_path / "mine.pt").write_bytes(b"")
    (tmp_path / "mine.toml").write_text("".join(f"{k} = {toml(v)}\n" for k, v in card.items()))
    with contextlib.suppress(AuditError):
        sidecar.verified(tmp_path / "mine.pt")


@FEW
@given(st.data())
def test_any_ledger_is_read_or_passed_over(tmp_path: Path, data: st.DataObject) -> None:
    ours = Outcome("a.png", "protected", copy="a.png", source="s", photo="p", files={"a.png": "0"})
    line = json.dumps(somewhere(dataclasses.asdict(ours), data), sort_keys=True)
    (tmp_path / NAME).write_text(f"{line}\n{line[:-3]}\n")
    with contextlib.suppress(AuditError), Ledger(tmp_path) as ledger:
        assert ledger.done("s", "p", "") is None
        ledger.hindrance("a.png", "s", "p")
        ledger.record(ours)


@FEW
@given(st.data())
def test_any_kept_record_is_tensors_or_counts_as_absent(
    tmp_path: Path, data: st.DataObject
) -> None:
    """Sealed by somebody who knows how."""
    cache, key = Cache(tmp_path), "ab" * 16
    whole = seal(key, {"x": torch.ones(3)})
    start = whole.index(b'"blake2b":"') + 11
    header = whole[8 : 8 + int.from_bytes(whole[:8], "little")]
    tensors = json.dumps(data.draw(VALUES)).encode()
    odd = header.replace(b'{"dtype"', tensors[:20] + b'{"dtype"')[: data.draw(st.integers(90, 200))]
    content = len(odd).to_bytes(8, "little") + odd + whole[8 + len(header) :]
    sealed = content[:start] + _digest(key, content, start) + content[start + 32 :]
    path = tmp_path / key[:2] / f"{key[2:]}.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sealed)
    assert cache.get(key) is None or path.exists()
