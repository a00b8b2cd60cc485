"""What was made with the keys of one account is not looked for in another."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from lowkey_core import recognisers
from lowkey_core.services.asked import Asked
from lowkey_core.services.asking import Services
from lowkey_core.services.journal import FOLDER, Journal
from tests.services.conftest import keys
from tests.services.galleries import NAMES, interrupted, search
from tests.services.stand_in import KEY, StandIn

pytestmark = pytest.mark.enable_socket
OTHER = "AKIDOFSOMEBODYELSE"


def cleaned(cache: Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["services", "clean", "--cache", str(cache)])
    return done.exit_code, done.output


@pytest.mark.parametrize("name", NAMES)
def test_another_account_neither_deletes_a_collection_nor_goes_on_with_it(
    service: StandIn, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    interrupted(tmp_path, name)
    ours, service.stores, service.key = service.stores, {}, OTHER
    (entry,) = Journal(cache / FOLDER).entries()
    with monkeypatch.context() as patch:
        for variable in ("AWS_ACCESS_KEY_ID", "AZURE_FACE_KEY", "FACEPP_API_KEY"):
            patch.setenv(variable, OTHER)
        code, said = cleaned(cache)
        assert (code, "in another account" in said) == (2, True)
        assert search(tmp_path, name)[0].answers == {"index: indexed": 8, "search: answered": 4}
        assert not service.stores
        assert Journal(cache / FOLDER).entries() == [entry]
    service.stores, service.key = ours, KEY
    assert cleaned(cache)[0] == 0
    assert not service.stores
    assert not Journal(cache / FOLDER).entries()


def test_a_mark_shows_nothing_of_the_account(tmp_path: Path) -> None:
    kept = Journal(tmp_path / FOLDER)
    one, other = (kept.new("facepp", "host", KEY, "0" * 32, 3) for _ in range(2))
    one.write()
    assert one.of(KEY)
    assert not one.of(OTHER)
    assert one.header.account != other.header.account, "nor that two collections are of one"
    assert KEY not in one.path.read_text()


def test_amazons_account_is_its_number_where_it_is_known_as_keys_of_a_role_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in keys("http://127.0.0.1:1", tmp_path).items():
        monkeypatch.setenv(variable, value)

    def account() -> str:
        loaded = recognisers.load("rekognition", services=Services(use="allowed"))
        assert isinstance(loaded, Asked)
        return loaded.vendor.account

    assert account() == KEY
    monkeypatch.setenv("AWS_ACCOUNT_ID", "123456789012")
    assert account() == "123456789012"
