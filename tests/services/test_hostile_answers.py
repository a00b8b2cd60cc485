"""Answers that break off, or are none, end as another try or as one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core.errors import ServiceError
from lowkey_core.services import web
from lowkey_core.services.journal import FOLDER, Journal
from tests.services.galleries import CREATE, FINE, INDEX, SEARCH, search
from tests.services.stand_in import Reply, StandIn

pytestmark = pytest.mark.enable_socket
web_only = pytest.mark.parametrize("name", ["azure-face", "facepp"])
BROKEN = {
    "cut off": Reply(200, "{", {"Content-Length": "9", "Connection": "close"}),
    "in no such packing": Reply(200, "{}", {"Content-Encoding": "gzip"}),
}
SILENT = Reply(200, "{", {"Content-Length": "9"})
NONE = {
    "no utf-8": Reply(200, b"\xff\xfe"),
    "a list": Reply(200, [1]),
    "a number for matches": Reply(200, {"FaceMatches": 3}),
    "a list for an error": Reply(400, [1]),
    "a number for an error": Reply(400, {"__type": 3}),
}


@web_only
@pytest.mark.parametrize("case", BROKEN)
def test_after_an_answer_that_breaks_off_it_is_asked_again(
    service: StandIn, tmp_path: Path, name: str, case: str
) -> None:
    service.once[CREATE[name]].append(BROKEN[case])
    service.once[INDEX[name]].append(BROKEN[case])
    assert search(tmp_path, name)[0].answers == FINE
    assert service.count(CREATE[name]) == 2


@web_only
def test_after_an_answer_that_never_ends_it_is_asked_again(
    service: StandIn, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_TIMEOUT", (10, 0.5))
    service.once[CREATE[name]].append(SILENT)
    assert search(tmp_path, name)[0].answers == FINE
    assert service.count(CREATE[name]) == 2


def test_where_every_answer_breaks_off_it_is_an_error(service: StandIn, tmp_path: Path) -> None:
    service.always[SEARCH["facepp"]] = BROKEN["cut off"]
    with pytest.raises(ServiceError, match=r"6 times.*no answer"):
        search(tmp_path, "facepp")


@pytest.mark.parametrize("case", NONE)
def test_what_amazons_client_cannot_read_is_an_answer_that_is_none(
    service: StandIn, tmp_path: Path, case: str
) -> None:
    service.always["SearchFacesByImage"] = NONE[case]
    with pytest.raises(ServiceError, match="rekognition gave an answer that is none"):
        search(tmp_path, "rekognition")
    assert service.count("SearchFacesByImage") == 1
    assert not service.stores
    assert not Journal(tmp_path / "cache" / FOLDER).entries()


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(
    service: StandIn, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_FACE_KEY", key)
    with pytest.raises(ServiceError, match="AZURE_FACE_KEY has characters") as raised:
        search(tmp_path, "azure-face")
    assert key not in str(raised.value)
    assert not service.asked
