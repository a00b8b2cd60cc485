"""`models list|fetch|verify`, against servers that behave, misbehave, or lie."""

from __future__ import annotations

import errno
import hashlib
import io
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

import cli
from audit import models
from lowkey_core import weights
from lowkey_core.errors import MissingWeightsError
from lowkey_core.plugins import Kind
from lowkey_core.recognisers import face_evolve, mobilefacenet
from lowkey_core.weights import Card, download
from lowkey_core.work import files
from lowkey_core.work.files import locked
from reports.console.listings import names

CONTENT = bytes(range(256)) * 64
DIGEST = hashlib.sha256(CONTENT).hexdigest()
PINNED, UNPINNED = "mobilefacenet:ms1m", "face-evolve:ir152-arcface"


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of assets, and cards that ask for CONTENT."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    pinned = replace(mobilefacenet.CARDS["ms1m"], sha256=DIGEST, size=len(CONTENT))
    monkeypatch.setitem(mobilefacenet.CARDS, "ms1m", pinned)
    return tmp_path / "weights"


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def run(*words: str) -> int:
    """The exit code of `lowkey-audit models WORDS`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["lowkey-audit", "models", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
    return int(end.value.code or 0)


def fetch(name: str = PINNED) -> int:
    return run("fetch", name, "--accept-licence")


def card(name: str) -> Card:
    return models.find(name)


def path(name: str = PINNED) -> Path:
    return weights.home(card(name))


def serve(
    web: responses.RequestsMock, name: str = PINNED, body: Any = CONTENT, **more: Any
) -> responses.BaseResponse:
    return web.get(card(name).url, body=body, **more)


class Cut(io.BufferedReader):
    """A connection that breaks off."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))  # type: ignore[type-var]

    def read(self, size: int | None = -1) -> bytes:
        if content := super().read(size):
            return content
        raise ConnectionResetError("cut")


def left(assets: Path) -> set[str]:
    return {p.name for p in assets.glob("*")}


# --- what it says first ---


def test_licence_origin_and_size_are_said_before_anything_is_asked_for(
    web: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fetch", PINNED) == 2
    said = capsys.readouterr().err
    for fact in ("Apache-2.0", card(PINNED).url, f"{len(CONTENT):,} bytes", DIGEST):
        assert fact in said
    assert "--accept-licence" in said
    assert not path().exists()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_on_a_terminal_it_asks(answer: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    with responses.RequestsMock(assert_all_requests_are_fired=code == 0) as web:
        serve(web)
        assert run("fetch", PINNED) == code
    assert path().exists() == (code == 0)


def test_a_file_without_a_url_is_got_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch("edgeface:xxs") == 2
    assert "by hand from https://github.com/otroshi/edgeface" in capsys.readouterr().err


# --- what it gets ---


def test_a_fetched_file_is_verified_and_alone(web: responses.RequestsMock, assets: Path) -> None:
    serve(web)
    assert fetch() == 0
    assert left(assets) == {path().name}
    assert weights.read(card(PINNED)) == CONTENT


def test_what_is_there_is_verified_and_not_fetched(web: responses.RequestsMock) -> None:
    path().parent.mkdir()
    path().write_bytes(CONTENT)
    assert fetch() == 0
    path().write_bytes(CONTENT[:-1])
    assert fetch() == 2
    assert fetch("dlib") == 0


def test_an_unpinned_file_is_held_to_what_was_first_seen(
    web: responses.RequestsMock, assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(web, UNPINNED)
    assert fetch(UNPINNED) == 0
    assert "first seen" in capsys.readouterr().err
    record = weights.record_of(path(UNPINNED))
    assert record.read_text() == f"{DIGEST}  {path(UNPINNED).name}\n"
    assert left(assets) == {path(UNPINNED).name, record.name}
    assert weights.read(card(UNPINNED)) == CONTENT
    path(UNPINNED).unlink()  # gone, and then another comes
    serve(web, UNPINNED, CONTENT[::-1])
    assert fetch(UNPINNED) == 2
    assert f"if it was replaced there, delete {record}" in capsys.readouterr().err
    assert left(assets) == {record.name}


def test_an_unpinned_file_put_there_by_hand_is_recorded(web: responses.RequestsMock) -> None:
    path(UNPINNED).parent.mkdir()
    path(UNPINNED).write_bytes(CONTENT)
    assert models.state(card(UNPINNED)) == "unrecorded"
    assert fetch(UNPINNED) == 0
    assert models.state(card(UNPINNED)) == "present"


def test_a_card_with_the_first_digits_only_is_held_to_what_was_first_seen(
    web: responses.RequestsMock, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, trunk = "lpips:alexnet", replace(models.TRUNK, sha256=DIGEST[:8])
    monkeypatch.setattr(models, "TRUNK", trunk)
    path(name).parent.mkdir()
    path(name).write_bytes(CONTENT[::-1])
    assert fetch(name) == 2
    assert left(assets) == {trunk.file}, "a file with other first digits is not recorded"
    path(name).write_bytes(CONTENT)
    assert models.state(trunk) == "unrecorded"
    with pytest.raises(MissingWeightsError, match="never verified"):
        weights.read(trunk)
    assert fetch(name) == 0
    assert models.state(trunk) == "present"
    assert weights.record_of(path(name)).read_text().startswith(DIGEST)


@pytest.mark.parametrize("finishes", [True, False])
def test_of_two_fetches_at_once_one_waits(finishes: bool, web: responses.RequestsMock) -> None:
    path(UNPINNED).parent.mkdir()
    waits, said = threading.Event(), []

    def say(line: str) -> None:
        said.append(line)
        waits.set()

    second = threading.Thread(target=download.fetch, args=(card(UNPINNED), say))
    with locked(path(UNPINNED), lambda: None):
        second.start()
        assert waits.wait(60)
        if finishes:
            path(UNPINNED).write_bytes(CONTENT)
            weights.record(card(UNPINNED), path(UNPINNED), DIGEST)
        else:
            serve(web, UNPINNED)
    second.join(60)
    assert said[0].endswith("waiting for another fetch of it")
    assert ("already at" in said[-1]) == finishes
    assert weights.read(card(UNPINNED)) == CONTENT


@pytest.mark.parametrize("name", [PINNED, UNPINNED])
def test_redirects_are_followed(name: str, web: responses.RequestsMock) -> None:
    web.get(card(name).url, status=302, headers={"Location": "https://elsewhere.example/file"})
    web.get("https://elsewhere.example/file", body=CONTENT)
    assert fetch(name) == 0


# --- interrupted ---


@pytest.mark.parametrize("name", [PINNED, UNPINNED])
def test_an_interrupted_download_leaves_nothing_and_starts_again(
    name: str,
    web: responses.RequestsMock,
    assets: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "CHUNK", 1000)
    whole = {"Content-Length": str(len(CONTENT))}
    serve(web, name, Cut(CONTENT[:5000]), headers=whole, auto_calculate_content_length=False)
    assert fetch(name) == 2
    assert "stopped after 5,000 bytes" in capsys.readouterr().err
    assert left(assets) == set()
    serve(web, name)
    assert fetch(name) == 0
    assert weights.read(card(name)) == CONTENT


@pytest.mark.parametrize("name", [PINNED, UNPINNED])
def test_what_a_killed_fetch_left_is_removed(
    name: str, web: responses.RequestsMock, assets: Path
) -> None:
    assets.mkdir()
    (assets / f"{files.PART}killed").write_bytes(CONTENT[:5000])
    (assets / f".{path(name).name}.lock").touch()
    serve(web, name)
    assert fetch(name) == 0
    assert not [f for f in left(assets) if f.startswith(".")]


def test_a_server_that_stops_early_is_not_believed(web: responses.RequestsMock) -> None:
    serve(web, PINNED, CONTENT[:5000])  # with a Content-Length of 5000
    assert fetch() == 2
    serve(web, UNPINNED, CONTENT[:5000], headers={"Content-Length": str(len(CONTENT))})
    assert fetch(UNPINNED) == 2
    assert not path().exists()
    assert not path(UNPINNED).exists()


def test_a_connection_that_fails_is_one_line(
    web: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(web, body=requests.ConnectionError("no route"))
    assert fetch() == 2
    assert "ConnectionError" in capsys.readouterr().err.splitlines()[-1]


def test_a_full_disk_is_one_line(
    web: responses.RequestsMock,
    assets: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    serve(web)
    monkeypatch.setattr(files.os, "fsync", full)
    assert fetch() == 2
    assert re.search(r"16,384 bytes: No space left on device", capsys.readouterr().err)
    assert left(assets) == set()


# --- hostile ---


@pytest.mark.parametrize("name", [PINNED, UNPINNED])
@pytest.mark.parametrize(
    "location",
    ["http://elsewhere.example/file", "file:///etc/passwd", "https://[bad", "//[bad]x/"],
)
def test_a_redirect_away_from_https_is_not_followed(
    name: str, location: str, web: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    web.get(card(name).url, status=302, headers={"Location": location})
    assert fetch(name) == 2
    assert "expected https all the way" in capsys.readouterr().err
    assert len(web.calls) == 1
    assert not path(name).exists()


def test_a_circle_of_redirects_ends(
    web: responses.RequestsMock, capsys: pytest.CaptureFixture[str]
) -> None:
    web.get(card(PINNED).url, status=302, headers={"Location": card(PINNED).url})
    assert fetch() == 2
    assert "redirects more than" in capsys.readouterr().err


def test_a_wrong_digest_leaves_nothing(
    web: responses.RequestsMock, assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = CONTENT[:-1] + b"x"
    serve(web, body=wrong)
    assert fetch() == 2
    assert hashlib.sha256(wrong).hexdigest() in capsys.readouterr().err
    assert left(assets) == set()


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_that_is_too_large_is_cut_off(
    announced: bool, web: responses.RequestsMock, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "LARGEST", 4000)
    headers = {"Content-Length": str(len(CONTENT))} if announced else {}
    serve(web, UNPINNED, CONTENT, headers=headers)
    assert fetch(UNPINNED) == 2
    assert left(assets) == set()


def test_another_size_than_the_cards_is_refused_unread(
    web: responses.RequestsMock, assets: Path
) -> None:
    serve(web, body=CONTENT * 2, headers={"Content-Length": str(2 * len(CONTENT))})
    assert fetch() == 2
    assert left(assets) == set()


@pytest.mark.parametrize("status", [206, 403, 404, 416, 500])
def test_any_other_answer_is_an_error(
    status: int, web: responses.RequestsMock, assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(web, UNPINNED, b"<html>", status=status)
    assert fetch(UNPINNED) == 2
    assert f"answered {status}" in capsys.readouterr().err
    assert left(assets) == set()


# --- list and verify ---


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    return {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}


def test_list_names_every_weight_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    shown = lines(capsys)
    assert {*face_evolve.MEMBERS} <= {n.partition(":")[2] for n in shown}
    assert {"lpips:alexnet", "mtcnn:pnet", "mtcnn:rnet", "mtcnn:onet"} <= {*shown}
    assert shown["dlib"].endswith("present")
    assert "CC0-1.0" in shown["dlib"]
    assert "22,466,066" in shown["dlib"]
    assert "unpinned" in shown[UNPINNED]
    assert shown[UNPINNED].endswith("absent")


def test_list_and_verify_tell_whole_from_tampered(capsys: pytest.CaptureFixture[str]) -> None:
    path().parent.mkdir()
    path().write_bytes(CONTENT)
    path(UNPINNED).write_bytes(CONTENT)
    weights.record(card(UNPINNED), path(UNPINNED), DIGEST)
    assert run("list") == 0
    shown = lines(capsys)
    assert shown[PINNED].endswith("present")
    assert f"{DIGEST[:12]} (first seen)" in shown[UNPINNED]
    assert run("verify") == 0
    assert lines(capsys)[UNPINNED].endswith("present")
    path(UNPINNED).write_bytes(CONTENT[1:])
    assert run("verify") == 2
    shown = lines(capsys)
    assert shown[UNPINNED].endswith("tampered")
    assert shown[PINNED].endswith("present")
    assert (run("verify", UNPINNED), run("verify", PINNED)) == (2, 0)


def test_a_file_that_cannot_be_read_ends_no_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path().parent.mkdir()
    path().write_bytes(CONTENT)
    whole = weights.read_capped

    def read(file: Path, largest: int) -> bytes:
        if file == path():
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return whole(file, largest)

    monkeypatch.setattr(weights, "read_capped", read)
    assert run("list") == 0
    shown = lines(capsys)
    assert shown[PINNED].endswith("unreadable")
    assert shown["dlib"].endswith("present")
    assert run("verify") == 2
    assert lines(capsys)[PINNED].endswith("unreadable")


def test_recognisers_are_listed_by_their_files_and_not_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CONTENT is no network; it is what the cards ask for, or what was recorded."""
    monkeypatch.setattr(Kind, "load", None)
    path().parent.mkdir()
    path().write_bytes(CONTENT)
    path(UNPINNED).write_bytes(CONTENT)
    shown = {line.split()[0]: line for line in names("recognisers")}
    assert shown[PINNED] == f"{PINNED}  released 2019-07, Apache-2.0, verified"
    assert shown[UNPINNED].endswith("unrecorded")
    assert shown["mobilefacenet:casia"].endswith("absent: models fetch mobilefacenet:casia")
    assert "absent: get it from https" in shown["edgeface:xxs"]
    weights.record(card(UNPINNED), path(UNPINNED), DIGEST)
    shown = {line.split()[0]: line for line in names("recognisers")}
    assert shown[UNPINNED].endswith("as first seen")
    path().write_bytes(CONTENT[1:])
    shown = {line.split()[0]: line for line in names("recognisers")}
    assert shown[PINNED].endswith("tampered")


def test_names_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("fetch", "verify"):
        assert run(command, "dlip") == 2
        assert "did you mean 'dlib'" in capsys.readouterr().err
    assert run("verify", UNPINNED) == 2
    assert f"models fetch {UNPINNED}" in capsys.readouterr().err


def test_our_own_files_are_here_without_assets(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    shown = lines(capsys)
    for name in ("zoo:mobile", "synthfaces"):
        assert shown[name].endswith("present")
        assert run("verify", name) == 0
        assert run("fetch", name, "--accept-licence") == 0
        said = capsys.readouterr().err
        assert "already at" in said
        assert "not part of this project" not in said
    shown = {line.split()[0]: line for line in names("recognisers")}
    assert shown["zoo:mobile"].endswith("verified")


def test_without_our_own_files_it_says_to_install_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever lies under their names among the assets."""
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path / "nowhere")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / card("zoo:mobile").file).write_bytes(CONTENT)
    assert run("list") == 0
    assert lines(capsys)["zoo:mobile"].endswith("absent")
    shown = {line.split()[0]: line for line in names("recognisers")}
    assert shown["zoo:mobile"].endswith("absent: install lowkey-audit again")
    for command in ("verify", "fetch"):
        options = ["--accept-licence"] if command == "fetch" else []
        assert run(command, "zoo:mobile", *options) == 2
        assert "install lowkey-audit again" in capsys.readouterr().err
