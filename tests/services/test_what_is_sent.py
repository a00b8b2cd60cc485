"""What is sent, to whom, how often, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core.errors import NotPossibleError, ServiceError
from lowkey_core.services.asked import AskedGallery
from lowkey_core.services.asking import Services
from lowkey_core.types import Pixels
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.lowkey_core.recognition.test_lost_faces import losing
from tests.services import azure, megvii
from tests.services.galleries import CREATE, FINE, GALLERY, NAMES, PROBES, SEARCH, asked, search
from tests.services.stand_in import KEY, SECRET, Reply, StandIn

pytestmark = pytest.mark.enable_socket
every = pytest.mark.parametrize("name", NAMES)


def test_photos_are_sent_whole_also_where_our_detector_lost_the_face(
    service: StandIn, tmp_path: Path
) -> None:
    sent: list[Pixels] = []

    def sees(pixels: Pixels) -> bool:
        sent.append(pixels)
        return len(sent) != 2

    service.sees = sees
    with Services(Work(Cache(tmp_path / "cache")), "allowed") as services:
        gallery = asked(services, "rekognition").enrol(losing(GALLERY, 0, 5))
        assert isinstance(gallery, AskedGallery)
        assert gallery.indexed.tolist() == [i != 1 for i in range(len(GALLERY))]
    for pixels, picture in zip(sent, GALLERY.items, strict=True):
        assert (pixels == picture.pixels()).all()


def test_a_service_is_not_asked_how_alike_two_photos_are(service: StandIn, tmp_path: Path) -> None:
    with Services(Work(Cache(tmp_path / "cache")), "allowed") as services:
        gallery = asked(services, "rekognition").enrol(GALLERY)
        with pytest.raises(NotPossibleError, match="how alike 4 pictures are"):
            gallery.likeness(PROBES, PROBES.identities)
    assert not service.asked


@every
def test_it_takes_as_many_calls_as_are_foreseen(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    found, _ = search(tmp_path, name)
    filling = found.vendor.calls(len(GALLERY), len(GALLERY.people))
    assert len(service.asked) == filling + len(PROBES) * found.vendor.per_search


@every
def test_one_search_answers_for_every_rank(service: StandIn, tmp_path: Path, name: str) -> None:
    with Services(Work(Cache(tmp_path / "cache")), "allowed") as services:
        gallery = asked(services, name).enrol(GALLERY)
        many, one = gallery.search(PROBES, 4), gallery.search(PROBES, 1)
    assert service.count(SEARCH[name]) == len(PROBES)
    assert one.identities.equal(many.identities[:, :1])
    assert one.scores.equal(many.scores[:, :1])
    first, _ = search(tmp_path / "first", name, k=1)
    assert search(tmp_path / "first", name)[1].identities.equal(many.identities)
    assert first.answers == FINE
    assert service.count(SEARCH[name]) == 2 * len(PROBES)


@pytest.mark.parametrize("name", ["azure-face", "facepp"])
def test_a_key_that_is_echoed_is_not_repeated(service: StandIn, tmp_path: Path, name: str) -> None:
    echo = f"no such key: {KEY} {SECRET}"
    replies = {"azure-face": azure.error(401, "401", echo), "facepp": megvii.error(401, echo)}
    service.always[CREATE[name]] = replies[name]
    with pytest.raises(ServiceError) as raised:
        search(tmp_path, name)
    assert KEY not in str(raised.value)
    assert "***" in str(raised.value)


def test_a_key_that_stands_where_a_message_is_cut_is_not_begun(
    service: StandIn, tmp_path: Path
) -> None:
    service.always["create"] = Reply(401, "x" * (300 - len(KEY) // 2) + KEY)
    with pytest.raises(ServiceError, match="refuses with 401: xxx") as raised:
        search(tmp_path, "azure-face")
    assert KEY[:4] not in str(raised.value)


@every
def test_what_is_asked_on_this_machine_goes_through_no_proxy(
    service: StandIn, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # where nobody answers
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_ENDPOINT_URL_REKOGNITION", "AZURE_FACE_ENDPOINT", "FACEPP_ENDPOINT"):
        monkeypatch.setenv(variable, service.url.replace("http", "HTTP"))
    assert search(tmp_path, name)[0].answers == FINE
    assert service.asked


def test_what_is_only_foreseen_is_not_sent_outside_a_trial(
    service: StandIn, tmp_path: Path
) -> None:
    services = Services(Work(Cache(tmp_path / "cache")), "foreseen")
    with pytest.raises(ServiceError, match="would be sent photos"):
        asked(services, "facepp").enrol(GALLERY).search(PROBES, 4)
    assert not service.asked
