"""What a report says of services, from their records alone."""

from __future__ import annotations

import pytest

from audit import summed
from audit.caveats.services import services
from audit.outcomes import Outcome
from audit.records import RecogniserRecord
from audit.relations import reach
from lowkey_core.recognisers import azure_face, facepp, rekognition
from lowkey_core.services.boto import Boto
from lowkey_core.services.endpoints import Endpoint
from lowkey_core.services.vendor import Vendor
from tests.audit.samples import cell

HERE = Endpoint("https://127.0.0.1", True)
VENDORS: dict[str, Vendor] = {
    "rekognition": rekognition.Rekognition(Boto(None, None), HERE, "eu-west-1", 1.0),
    "azure-face": azure_face.AzureFace(HERE, 1.0),
    "facepp": facepp.FacePP(HERE, 1.0),
}
TAKEN = {"index: indexed": 7, "search: answered": 4}


def record(**given: object) -> RecogniserRecord:
    plain = {"name": "it", "released": None, "relations": {}, "service": True, "answers": TAKEN}
    return RecogniserRecord.model_validate({**plain, **given})


def codes(*records: RecogniserRecord, ranks: tuple[int, ...] = ()) -> list[str]:
    found = cell(recogniser="it")
    more = {f"rank-{k}": Outcome(control=found.control, cloaked=found.control) for k in ranks}
    return [c.code for c in services(records, [found.model_copy(update={"outcomes": more})])]


def test_a_vendors_service_that_took_everything_is_not_doubted() -> None:
    assert codes(record(most=100, reach=100), ranks=(1, 100)) == []
    assert codes(record(most=100), ranks=(1, 1000)) == [], "all that are enrolled are named"


def test_another_host_is_said() -> None:
    (caveat,) = services([record(simulated=True, host="127.0.0.1:8000")], [])
    assert caveat.code == "simulated-service"
    assert "127.0.0.1:8000" in caveat.text


def test_photos_that_were_not_indexed_are_said_with_reasons() -> None:
    answers = {**TAKEN, "index: no face": 2, "index: refused: TOO_BIG": 1, "search: no face": 9}
    (caveat,) = services([record(answers=answers)], [])
    assert caveat.code == "not-indexed"
    assert "3 of 10 photos (no face: 2, refused: TOO_BIG: 1)" in caveat.text


@pytest.mark.parametrize(("rank", "said"), [(2, []), (3, ["few-candidates"])])
def test_ranks_that_a_service_does_not_reach_are_said(rank: int, said: list[str]) -> None:
    assert codes(record(most=5, reach=2), ranks=(1, rank)) == said
    assert codes(record(name="another", most=5, reach=2), ranks=(1, rank)) == []


def test_faces_of_one_person_are_said_to_be_one_candidate() -> None:
    found = cell(recogniser="it")
    outcomes = {"rank-9": Outcome(control=found.control, cloaked=found.control)}
    cells = [found.model_copy(update={"outcomes": outcomes})]
    (faces,) = services([record(most=5, most_of="faces", reach=1)], cells)
    assert "5 faces in a search, of which several may be of one person" in faces.text
    assert "at ranks above 1 whom" in faces.text
    (people,) = services([record(most=5, reach=5)], cells)
    assert "5 people in a search: at ranks above 5 whom" in people.text


@pytest.mark.parametrize(
    ("name", "photos", "reached"),
    [
        ("facepp", {0: 1, 1: 1, 2: 1, 3: 1, 4: 1}, None),  # all five faces are named
        ("facepp", {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1}, 5),
        ("facepp", {0: 3, 1: 1, 2: 1, 3: 1}, 2),  # three of one person, and two more
        ("facepp", {0: 5, 1: 1}, 1),
        ("facepp", {0: 20, 1: 20}, 1),
        ("rekognition", {0: 8, 1: 8}, None),
        ("rekognition", {0: 8, **dict.fromkeys(range(1, 4090), 1)}, 512),
        ("azure-face", {0: 300, **dict.fromkeys(range(1, 100), 8)}, None),
        ("azure-face", {0: 300, **dict.fromkeys(range(1, 101), 8)}, 100),
    ],
)
def test_a_service_reaches_as_many_people_as_its_candidates_are_at_least(
    name: str, photos: dict[int, int], reached: int | None
) -> None:
    enrolled = [who for who, n in photos.items() for _ in range(n)]
    assert reach(VENDORS[name], enrolled) == reached


def test_of_several_splits_the_least_that_is_reached_counts() -> None:
    parts = [record(most=5, reach=k) for k in (None, 3, 2)]
    assert summed.recogniser(parts).reach == 2
    assert summed.recogniser(parts[:1]).reach is None


def test_answers_of_several_splits_are_added() -> None:
    pooled = summed.recogniser([record(), record(answers={"index: no face": 1, **TAKEN})])
    assert pooled.answers == {"index: indexed": 14, "index: no face": 1, "search: answered": 8}
