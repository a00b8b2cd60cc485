"""Cards of users' networks: missing, invalid, of another file; and Python files."""

from __future__ import annotations

import hashlib
import py_compile
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from lowkey_core import recognisers
from lowkey_core.errors import LocalNetworkError, TamperedWeightsError
from lowkey_core.weights import sidecar
from tests.lowkey_core.networks.user_files import PYTHON, save


def test_a_python_file_gets_the_card_beside_it(tmp_path: Path) -> None:
    ours = recognisers.load(save(tmp_path, "mine.py", PYTHON))
    assert ours.card.name == "mine"
    (tmp_path / "mine.toml").unlink()
    assert recognisers.load(str(tmp_path / "mine.py")).card.licence == "not stated"


def test_a_changed_python_file_is_not_run(tmp_path: Path) -> None:
    name = save(tmp_path, "mine.py", b"def build(): ...\n")
    Path(name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef build(): ...\n")
    with pytest.raises(TamperedWeightsError):
        recognisers.load(name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("carded", [True, False])
def test_a_planted_bytecode_file_is_not_run(carded: bool, tmp_path: Path) -> None:
    """A file in __pycache__ that claims to be compiled from the Python file."""
    name = save(tmp_path, "mine.py", PYTHON)
    if not carded:
        (tmp_path / "mine.toml").unlink()
    (tmp_path / "theirs.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    planted, unchecked = cache_from_source(name), py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(tmp_path / "theirs.py"), planted, invalidation_mode=unchecked)
    recognisers.load(name)
    assert not (tmp_path / "ran").exists()


def test_the_python_file_that_is_run_is_the_one_that_was_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = save(tmp_path, "mine.py", PYTHON)
    verified = sidecar.verified

    def and_swapped(path: Path) -> tuple[sidecar.Sidecar, bytes]:
        found = verified(path)
        path.write_text("raise ValueError('run unseen')")
        return found

    monkeypatch.setattr(sidecar, "verified", and_swapped)
    assert recognisers.load(name).card.name == "mine"


@pytest.mark.parametrize("name", ["mine.pt", "mine.onnx"])
def test_without_a_card_the_error_says_what_to_write(name: str, tmp_path: Path) -> None:
    path = Path(save(tmp_path, name, b"anything"))
    path.with_suffix(".toml").unlink()
    with pytest.raises(LocalNetworkError, match=hashlib.sha256(b"anything").hexdigest()) as refusal:
        recognisers.load(str(path))
    assert "mine.toml" in str(refusal.value)
    assert "trained_on" in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("released = 2024-05-01", "released = 'soon'", "released"),
        ('licence = "my own"\n', "", "licence"),
        ("std = [0.4, 0.5, 0.6]", "std = [0.4, 0.0, 0.6]", "std"),
        ("mean = [0.1, 0.2, 0.3]", "mean = [0.1, nan, 0.3]", "mean"),
        ("size = 112", "size = 0", "size"),
        ('"rgb"', '"gbr"', "channels"),
        ("[input]", "[inputs]", "inputs"),
        ('name = "mine"', 'name = "mine', "mine.toml"),
        ('sha256 = "', 'sha256 = "x', "sha256"),
    ],
)
def test_an_invalid_card_is_refused_with_the_name_of_the_field(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    name = save(tmp_path, "mine.pt", b"never opened")
    card = tmp_path / "mine.toml"
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new))
    with pytest.raises(LocalNetworkError, match=said) as refusal:
        recognisers.load(name)
    assert "\n" not in str(refusal.value)
