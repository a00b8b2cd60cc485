"""Every error of a service ends as an outcome that is counted, or in one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core.errors import NoAnswerError, ServiceError, StorageError
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.services import vendor
from lowkey_core.services.journal import FOLDER, Entry, Journal, Line
from lowkey_core.types import NOT_FOUND
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork
from tests.services import amazon, azure, megvii
from tests.services.galleries import CREATE, FINE, GALLERY, INDEX, NAMES, PROBES, SEARCH, search
from tests.services.stand_in import Reply, StandIn

pytestmark = pytest.mark.enable_socket
THROTTLED = {
    "rekognition": amazon.THROTTLED,
    "azure-face": azure.THROTTLED,
    "facepp": megvii.THROTTLED,
}
HTML = Reply(502, "<html>Bad gateway</html>")
PLAIN_413 = Reply(413, "Request Entity Too Large")
every = pytest.mark.parametrize("name", NAMES)


@every
def test_candidates_are_those_of_the_network_inside(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    _, found = search(tmp_path, name)
    network = Embedding(TinyNetwork(2), MATCHERS.load("nn"), "nn", Work())
    if name != "facepp":
        assert (
            found.identities.tolist()
            == network.enrol(GALLERY).search(PROBES, 4).identities.tolist()
        )
        return
    cosines = network.embed(PROBES) @ network.embed(GALLERY).T
    faces = cosines.argsort(dim=1, descending=True)[:, :5]
    for row, best in zip(found.identities.tolist(), faces.tolist(), strict=True):
        people = dict.fromkeys(int(GALLERY.identities[i]) for i in best)
        assert [who for who in row if who >= 0] == list(people), "five faces, each person once"


@every
def test_where_it_is_busy_it_is_asked_again_after_growing_waits(
    service: StandIn, tmp_path: Path, name: str, waits: list[float]
) -> None:
    service.once[INDEX[name]].extend([THROTTLED[name]] * 3)
    service.once[SEARCH[name]].append(HTML)
    found, _ = search(tmp_path, name)
    assert found.answers == FINE
    least = [3, 3, 4, 1] if name == "azure-face" else [1, 2, 4, 1]  # one asks for 3 s
    assert [wait for wait in waits if wait >= 1] == least


@every
def test_where_it_stays_busy_it_is_asked_six_times_and_later_nothing_is_sent_again(
    service: StandIn, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    service.always[SEARCH[name]] = THROTTLED[name]
    with pytest.raises(NoAnswerError, match=r"6 times.*lower rate.*what was answered is kept"):
        search(tmp_path, name)
    assert service.count(SEARCH[name]) == 6
    assert next(iter(service.stores)) in caplog.text, "what is left is told"
    service.always.clear()
    asked = {what: service.count(what) for what in (CREATE[name], INDEX[name])}
    found, _ = search(tmp_path, name)
    assert found.answers == FINE
    assert {what: service.count(what) for what in asked} == asked
    assert not service.stores


@every
def test_photos_that_it_took_before_it_was_busy_are_not_sent_again(
    service: StandIn, tmp_path: Path, name: str
) -> None:
    took: list[Reply | None] = [None] * 5
    service.once[INDEX[name]].extend([*took, *[THROTTLED[name]] * 6])
    with pytest.raises(NoAnswerError):
        search(tmp_path, name)
    assert search(tmp_path, name)[0].answers == FINE
    assert service.count(INDEX[name]) == len(GALLERY) + 6
    assert not service.stores


@every
def test_photos_that_it_took_before_a_disk_was_full_are_not_sent_again(
    service: StandIn, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Entry.note

    def full(entry: Entry, line: Line) -> None:
        if len(entry.lines) == 5:
            raise StorageError("No space left on device", expected="room", remedy="make room")
        note(entry, line)

    with monkeypatch.context() as patch:
        patch.setattr(Entry, "note", full)
        with pytest.raises(StorageError, match="No space left"):
            search(tmp_path, name)
    assert search(tmp_path, name)[0].answers == FINE
    assert service.count(INDEX[name]) == len(GALLERY) + 1
    assert not service.stores


@every
@pytest.mark.parametrize("step", [INDEX, SEARCH], ids=["index", "search"])
def test_text_that_says_too_large_is_counted(
    service: StandIn, tmp_path: Path, name: str, step: dict[str, str]
) -> None:
    photos = len(GALLERY) if name == "azure-face" and step is SEARCH else 0
    operation = "detect" if photos else step[name]
    service.once[operation].extend([None] * photos + [PLAIN_413])
    found, _ = search(tmp_path, name)
    assert found.answers.total() == 12
    assert found.answers["index: too large"] + found.answers["search: too large"] == 1


REFUSED = [
    ("rekognition", "IndexFaces", amazon.error("ImageTooLargeException"), "index"),
    ("rekognition", "SearchFacesByImage", amazon.error("InvalidImageFormatException"), "search"),
    ("azure-face", "addface", azure.error(400, "InvalidImageSize"), "index"),
    ("azure-face", "detect", azure.error(400, "InvalidImage"), "index"),
    ("facepp", "detect", megvii.error(400, "INVALID_IMAGE_SIZE: image_file"), "index"),
    ("facepp", "search", megvii.error(400, "IMAGE_FILE_TOO_LARGE: image_file"), "search"),
]


@pytest.mark.parametrize(("name", "operation", "reply", "kind"), REFUSED)
def test_a_photo_that_it_refuses_is_counted_with_its_code(
    service: StandIn, tmp_path: Path, name: str, operation: str, reply: Reply, kind: str
) -> None:
    service.once[operation].append(reply)
    found, candidates = search(tmp_path, name)
    said = str(reply.content)
    (lost,) = (what for what in found.answers if "refused" in what)
    assert lost.startswith(f"{kind}: refused: ")
    assert lost.rpartition(" ")[2] in said
    assert found.answers[lost] == 1
    nobody = (candidates.identities == -1).all(1)
    assert int(nobody.sum()) == (kind == "search")


def test_reasons_not_to_index_a_face_are_counted(service: StandIn, tmp_path: Path) -> None:
    service.poor = lambda _: ["LOW_SHARPNESS", "SMALL_BOUNDING_BOX"]
    found, candidates = search(tmp_path, "rekognition")
    assert found.answers == {
        "index: not indexed: LOW_SHARPNESS, SMALL_BOUNDING_BOX": 8,
        "search: nobody is indexed": 4,
    }
    assert service.count("SearchFacesByImage") == 0
    assert candidates.ranks(PROBES.identities).tolist() == [NOT_FOUND] * 4


@every
def test_a_probe_without_a_face_finds_nobody(service: StandIn, tmp_path: Path, name: str) -> None:
    darkest = min(float(p.pixels().mean()) for p in PROBES.items)
    service.sees = lambda pixels: float(pixels.mean()) != darkest
    found, candidates = search(tmp_path, name)
    assert found.answers == {**FINE, "search: answered": 3, "search: no face": 1}
    assert int((candidates.identities[:, 0] == -1).sum()) == 1


@every
def test_a_photo_that_no_file_is_small_enough_for_is_not_sent(
    service: StandIn, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [len(vendor.encode_pixels(p.pixels(), "PNG")) for p in GALLERY.join(PROBES).items]
    encode = vendor.encode_pixels

    def large(pixels: object, form: str, **options: object) -> bytes:
        return encode(pixels, form, **options) + (b"" if form == "JPEG" else bytes(10**7))  # type: ignore[arg-type]

    monkeypatch.setattr(vendor, "encode_pixels", large)
    assert search(tmp_path, name)[0].answers == FINE, "as JPEG it fits"
    assert max(sizes) < 10**5
    monkeypatch.setattr(vendor, "encode_pixels", lambda *_, **__: bytes(10**7))
    before = len(service.asked)
    found, _ = search(tmp_path / "again", name)
    assert found.answers == {"index: too large": 8, "search: nobody is indexed": 4}
    assert len(service.asked) - before == 2, "made and deleted"


ERRORS = {
    "no leave": ("rekognition", "IndexFaces", amazon.error("AccessDeniedException"), "allow the"),
    "wrong key": (
        "rekognition",
        "CreateCollection",
        amazon.error("UnrecognizedClientException"),
        "keys",
    ),
    "quota": ("rekognition", "IndexFaces", amazon.error("ServiceQuotaExceededException"), "quota"),
    "gone": (
        "rekognition",
        "SearchFacesByImage",
        amazon.error("ResourceNotFoundException"),
        "again",
    ),
    "parameter": (
        *("rekognition", "SearchFacesByImage"),
        *(
            amazon.error("InvalidParameterException", "Request has invalid parameters"),
            "parameters",
        ),
    ),
    "html": ("rekognition", "IndexFaces", Reply(200, "<html>Welcome</html>"), "rekognition"),
    "no number": (
        *("rekognition", "SearchFacesByImage"),
        *(Reply(200, {"FaceMatches": [{"Similarity": 1e9, "Face": {}}]}), "answer that is none"),
    ),
    "limited access": ("azure-face", "identify", azure.LIMITED, "Limited Access.*aka.ms/facerec"),
    "limited at once": ("azure-face", "create", azure.LIMITED, "Limited Access"),
    "azure key": ("azure-face", "create", azure.error(401, "401"), "AZURE_FACE_KEY"),
    "forbidden": (
        "azure-face",
        "create",
        azure.error(403, "403", "Out of call volume quota"),
        "quota",
    ),
    "training": ("azure-face", "training", Reply(200, {"status": "failed"}), "could not train"),
    "azure html": (
        "azure-face",
        "detect",
        Reply(200, "<html>Welcome</html>"),
        "answer that is none",
    ),
    "moved": ("azure-face", "detect", Reply(302, "", {"Location": "http://127.0.0.1:1/"}), "302"),
    "endless": ("azure-face", "detect", Reply(200, "x" * 2**23), "more than 4,194,304 bytes"),
    "keys": (
        "facepp",
        "faceset/create",
        megvii.error(401, "AUTHENTICATION_ERROR"),
        "FACEPP_API_KEY",
    ),
    "no api": ("facepp", "search", megvii.error(403, "AUTHORIZATION_ERROR: x"), "console"),
    "full": (
        "facepp",
        "faceset/create",
        megvii.error(400, "FACESET_QUOTA_EXCEEDED"),
        "services clean",
    ),
    "token": (
        "facepp",
        "faceset/addface",
        megvii.error(400, "INVALID_FACE_TOKEN: x"),
        "INVALID_FACE",
    ),
    "empty": ("facepp", "search", megvii.error(400, "EMPTY_FACESET"), "EMPTY_FACESET"),
    "text": ("facepp", "faceset/create", Reply(400, "what?"), "what?"),
    "no list": ("facepp", "detect", Reply(200, {"faces": 3}), "answer that is none"),
    "a list": ("facepp", "detect", Reply(400, [1]), "refuses with 400"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_anything_else_is_one_clear_line_and_nothing_is_left(
    service: StandIn, tmp_path: Path, case: str
) -> None:
    name, operation, reply, said = ERRORS[case]
    service.always[operation] = reply
    with pytest.raises(ServiceError, match=said) as raised:
        search(tmp_path, name)
    assert raised.value.worded(lambda name, _: name).isprintable()
    assert service.count(operation) == 1
    assert not service.stores
    assert not Journal(tmp_path / "cache" / FOLDER).entries()


def test_training_is_waited_for(service: StandIn, tmp_path: Path, waits: list[float]) -> None:
    service.polls = 5
    assert search(tmp_path, "azure-face")[0].answers == FINE
    assert service.count("training") == 6
    assert [wait for wait in waits if wait >= 1] == [1, 2, 4, 8, 10]


def test_training_that_never_ends_is_given_up(service: StandIn, tmp_path: Path) -> None:
    service.polls = 10**6
    with pytest.raises(ServiceError, match="training has not ended"):
        search(tmp_path, "azure-face")


def test_a_service_that_is_not_there_is_an_error(
    service: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9")
    with pytest.raises(ServiceError, match=r"6 times.*no answer"):
        search(tmp_path, "rekognition")
