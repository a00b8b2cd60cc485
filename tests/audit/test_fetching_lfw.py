"""`datasets fetch lfw`: terms first, then scikit-learn's fetcher, then a tar that `lfw` reads."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import sklearn.datasets

from audit.fetching_lfw import fetch
from lowkey_core import datasets, weights
from lowkey_core.errors import DownloadError, OptionError, StorageError, UnknownNameError


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path / "assets"))
    return tmp_path / "assets"


@pytest.fixture
def fetcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of scikit-learn's: leaves what it leaves."""

    def left(data_home: str, **_: Any) -> None:
        for who, count in (("Ada_Lovelace", 2), ("Bob_Noyce", 1)):
            folder = Path(data_home) / "lfw_home" / "lfw_funneled" / who
            folder.mkdir(parents=True)
            for i in range(count):
                (folder / f"{who}_{i + 1:04}.jpg").write_bytes(f"{who} {i}".encode())

    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", left)


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: Any) -> None:
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_lfw_people", fails)


@pytest.mark.usefixtures("fetcher")
def test_what_was_fetched_is_the_data_set_lfw(assets: Path) -> None:
    said: list[str] = []
    assert fetch("lfw", said.append)
    found = datasets.load("lfw")
    assert {who: len(p) for who, p in found.by_identity.items()} == {
        "Ada_Lovelace": 2,
        "Bob_Noyce": 1,
    }
    assert found.photos[0].read() == b"Ada_Lovelace 0"
    assert [p.name for p in assets.iterdir()] == ["lfw-funneled.tar"], "nothing else is left"
    assert said[-1].startswith("lfw: 3 pictures in ")


@pytest.mark.usefixtures("fetcher")
def test_terms_are_shown_before_it_is_asked_and_nothing_is_fetched_against_a_no(
    assets: Path,
) -> None:
    said: list[str] = []

    def no() -> bool:
        assert any("licence: none is stated" in line for line in said)
        return False

    assert not fetch("lfw", said.append, no)
    assert not assets.exists()


def test_where_nobody_can_be_asked_it_is_an_error() -> None:
    with pytest.raises(OptionError, match="nobody is there"):
        fetch("lfw", print, lambda: None)


@pytest.mark.usefixtures("fetcher")
def test_what_is_here_is_not_fetched_again(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch("lfw", print)
    failing(AssertionError("was asked again"), monkeypatch)
    said: list[str] = []
    assert fetch("lfw", said.append)
    assert said == [f"lfw is here already: {assets / 'lfw-funneled.tar'}"]


@pytest.mark.parametrize("error", [URLError("no route"), ConnectionResetError(104, "reset"),
                                   OSError("a wrong SHA256 checksum")])  # fmt: skip
def test_without_a_network_it_is_one_line(
    error: OSError, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(error, monkeypatch)
    with pytest.raises(DownloadError) as refused:
        fetch("lfw", print)
    assert "scikit-learn cannot fetch LFW" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(assets.iterdir())


def test_a_full_disk_is_no_trouble_with_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(OSError(errno.ENOSPC, "No space left on device"), monkeypatch)
    with pytest.raises(StorageError):
        fetch("lfw", print)


def test_nothing_else_is_fetched() -> None:
    with pytest.raises(UnknownNameError, match="lfw"):
        fetch("vggface", print)
