"""What a report says of services, from their records alone."""

from __future__ import annotations

import pytest

from audit import summed
from audit.caveats.services import services
from audit.outcomes import Outcome
from audit.records import RecogniserRecord
from tests.audit.samples import cell

TAKEN = {"index: indexed": 7, "search: answered": 4}


def record(**given: object) -> RecogniserRecord:
    plain = {"name": "it", "released": None, "relations": {}, "service": True, "answers": TAKEN}
    return RecogniserRecord.model_validate({**plain, **given})


def codes(*records: RecogniserRecord, ranks: tuple[int, ...] = ()) -> list[str]:
    found = cell(recogniser="it")
    more = {f"rank-{k}": Outcome(control=found.control, cloaked=found.control) for k in ranks}
    return [c.code for c in services(records, [found.model_copy(update={"outcomes": more})])]


def test_a_vendors_service_that_took_everything_is_not_doubted() -> None:
    assert codes(record(most=100), ranks=(1, 100)) == []


def test_another_host_is_said() -> None:
    (caveat,) = services([record(simulated=True, host="127.0.0.1:8000")], [])
    assert caveat.code == "simulated-service"
    assert "127.0.0.1:8000" in caveat.text


def test_photos_that_were_not_indexed_are_said_with_reasons() -> None:
    answers = {**TAKEN, "index: no face": 2, "index: refused: TOO_BIG": 1, "search: no face": 9}
    (caveat,) = services([record(answers=answers)], [])
    assert caveat.code == "not-indexed"
    assert "3 of 10 photos (no face: 2, refused: TOO_BIG: 1)" in caveat.text


@pytest.mark.parametrize(("rank", "said"), [(5, []), (6, ["few-candidates"])])
def test_ranks_that_a_service_does_not_reach_are_said(rank: int, said: list[str]) -> None:
    assert codes(record(most=5), ranks=(1, rank)) == said
    assert codes(record(name="another", most=5), ranks=(1, rank)) == []


def test_answers_of_several_splits_are_added() -> None:
    pooled = summed.recogniser([record(), record(answers={"index: no face": 1, **TAKEN})])
    assert pooled.answers == {"index: indexed": 14, "index: no face": 1, "search: answered": 8}
