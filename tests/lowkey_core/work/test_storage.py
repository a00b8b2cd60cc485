"""The folder of finished work: its owner's alone, measured, emptied of records and nothing else."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lowkey_core.errors import StorageError
from lowkey_core.work import storage
from lowkey_core.work.cache import Cache
from lowkey_core.work.storage import Amount

KEYS = [f"{i:032x}" for i in range(3)]


def filled(root: Path) -> Cache:
    """A face, a photo's file, and numbers alone."""
    cache = Cache(root)
    face = torch.zeros(1, 3, 112, 112, dtype=torch.uint8)
    cache.put(KEYS[0], {"boxes": torch.ones(1, 4), "shows": face})
    cache.put(KEYS[1], {"0": torch.zeros(50, dtype=torch.uint8)})
    cache.put(KEYS[2], {"rows": torch.ones(2, 128)})
    return cache


def test_nobody_but_its_owner_may_look_into_it(tmp_path: Path) -> None:
    filled(tmp_path / "above" / "cache")
    assert (tmp_path / "above" / "cache").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    filled(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_faces_are_removed_alone_or_with_all_else(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    held = sum(file.stat().st_size for file in tmp_path.rglob("*.safetensors"))
    assert storage.size(tmp_path) == Amount(3, held)
    assert storage.size(tmp_path, faces=True).records == 2
    assert storage.clear(tmp_path, faces=True).records == 2
    assert [cache.get(key) is None for key in KEYS] == [True, True, False]
    assert storage.clear(tmp_path).records == 1
    assert storage.size(tmp_path) == storage.clear(tmp_path) == Amount()


def test_an_absent_folder_holds_nothing(tmp_path: Path) -> None:
    assert storage.size(tmp_path / "nowhere") == Amount()
    assert str(Amount(1234, 5_600_000)) == "1,234 records, 5.6 MB"


@pytest.mark.parametrize("content", [b"", b"\xff" * 20, b"\x02" + bytes(7) + b"[]", b"x" * 9])
def test_a_damaged_record_may_hold_a_face(content: bytes, tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / KEYS[2][:2] / f"{KEYS[2][2:]}.safetensors").write_bytes(content)
    assert storage.size(tmp_path, faces=True).records == 3


def test_nothing_but_records_is_removed(tmp_path: Path) -> None:
    filled(tmp_path / "cache")
    mine = tmp_path / "cache" / "ab" / "mine.safetensors"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    (tmp_path / "elsewhere").write_bytes(b"mine")
    link = mine.with_name(f"{'0' * 30}.safetensors")
    link.symlink_to(tmp_path / "elsewhere")
    assert storage.clear(tmp_path / "cache").records == 3
    assert mine.read_bytes() == (tmp_path / "elsewhere").read_bytes() == link.read_bytes()


def test_it_is_measured_without_torch() -> None:
    code = "import sys, lowkey_core.work.storage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def refusing(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


def test_a_folder_that_may_not_be_used_keeps_nothing_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = Cache(tmp_path / "cache")
    monkeypatch.setattr(Path, "mkdir", refusing)
    with caplog.at_level(logging.WARNING):
        for key in KEYS:
            cache.put(key, {"x": torch.ones(1)})
            assert cache.get(key) is None
    (said,) = caplog.messages
    assert said == f"no permission to use {tmp_path}/cache: work goes on, but is not kept there"


def test_a_file_in_its_place_is_a_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="move it"):
        Cache(tmp_path / "file").put(KEYS[0], {})
