"""Nothing computed twice, nothing stale taken, nothing half-written seen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lowkey_core.cloaks import CLOAKS
from lowkey_core.errors import StorageError
from lowkey_core.spec import parse
from lowkey_core.types import Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

SOURCE = """
class Thing:
    size = {size}
    def __call__(self): return {result}
def build(): return Thing()
"""


def test_fingerprints_tell_content_apart() -> None:
    things = [1, 1.0, "1", True, None, (1,), {"1": 1}, torch.ones(1), torch.ones(1, 1), b"1"]
    things += [TinyNetwork(1), TinyNetwork(2), torch.ones(1).double(), ("1", "1"), ("11",)]
    assert len({fingerprint(t) for t in things}) == len(things)


def test_equal_content_has_one_fingerprint() -> None:
    assert fingerprint(TinyNetwork(1)) == fingerprint(TinyNetwork(1))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_a_file_that_is_edited_and_loaded_again_has_another_fingerprint(tmp_path: Path) -> None:
    """As in a notebook, where one process sees both."""
    (tmp_path / "mine.py").write_text(SOURCE.format(size=1, result=1))
    first = fingerprint(CLOAKS.find(parse(str(tmp_path / "mine.py"))).build())
    assert fingerprint(CLOAKS.find(parse(str(tmp_path / "mine.py"))).build()) == first
    (tmp_path / "mine.py").write_text(SOURCE.format(size=1, result=2))
    assert fingerprint(CLOAKS.find(parse(str(tmp_path / "mine.py"))).build()) != first


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    code = (
        "from lowkey_core.work.provenance import fingerprint;"
        "from lowkey_core.cloaks.lowkey import SCHEDULES;"
        "print(fingerprint({'x', 'y'}, SCHEDULES))"
    )
    runs = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(2)]
    assert runs[0] == runs[1]


def test_editing_a_users_plugin_changes_its_fingerprint(tmp_path: Path) -> None:
    seen = set()
    for i, (size, result) in enumerate([(1, "3"), (2, "3"), (1, "4")]):
        file = tmp_path / f"{i}" / "types.py"  # as a module of Python's own
        file.parent.mkdir()
        file.write_text(SOURCE.format(size=size, result=result))
        seen.add(fingerprint(CLOAKS.load(str(file))))
    assert len(seen) == 3


def test_keeps_what_it_is_given(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new")
    assert cache.get("ab12") is None
    cache.put("ab12", {"x": torch.arange(6).view(2, 3)})
    kept = cache.get("ab12")
    assert kept is not None
    assert torch.equal(kept["x"], torch.arange(6).view(2, 3))
    cache.forget("ab12")
    assert cache.get("ab12") is None


@pytest.mark.parametrize("keep", [0, 5, 60])
def test_a_damaged_file_counts_as_absent(tmp_path: Path, keep: int) -> None:
    cache = Cache(tmp_path)
    cache.put("ab12", {"x": torch.ones(30)})
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:keep])
    assert cache.get("ab12") is None
    assert not file.exists()


def test_no_flipped_bit_is_ever_taken_for_good(tmp_path: Path) -> None:
    """Every bit of a record's file, header, digest and numbers alike."""
    cache = Cache(tmp_path)
    cache.put("ab12", {"x": torch.ones(3), "y": torch.zeros(2).byte()})
    (file,) = tmp_path.rglob("*.safetensors")
    whole = file.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        assert cache.get("ab12") is None, f"bit {bit}"
        assert not file.exists()
    file.write_bytes(whole)
    assert cache.get("ab12") is not None


def test_a_record_under_another_key_counts_as_absent(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("ab12", {"x": torch.ones(3)})
    (tmp_path / "ab" / "12.safetensors").rename(tmp_path / "ab" / "34.safetensors")
    assert cache.get("ab34") is None


@pytest.mark.parametrize(
    "record",
    [
        {},
        {'"blake2b":"': torch.ones(2), "0" * 32: torch.ones(0)},
        {"x": torch.ones(4, 2).T, "half": torch.ones(2).bfloat16(), "flag": torch.ones(1).bool()},
    ],
)
def test_any_record_comes_back(tmp_path: Path, record: Record) -> None:
    Cache(tmp_path).put("ab12", record)
    kept = Cache(tmp_path).get("ab12")
    assert kept is not None
    assert {n: (t.dtype, t.tolist()) for n, t in kept.items()} == {
        n: (t.dtype, t.tolist()) for n, t in record.items()
    }


def test_a_cache_that_is_a_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="move it, or name another place"):
        Cache(tmp_path / "file").get("ab12")


def test_a_folder_that_vanishes_is_made_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    for _ in range(2):
        cache.put("ab12", {"x": torch.ones(3)})
        assert cache.get("ab12") is not None
        shutil.rmtree(tmp_path / "cache")
        assert cache.get("ab12") is None


def test_each_face_is_computed_once(tmp_path: Path) -> None:
    calls: list[int] = []

    class Mean:
        fingerprint = "mean"

        def __call__(self, images: Tensor) -> Tensor:
            calls.append(len(images))
            return images.mean((2, 3))

    pictures = people(5, 1)
    work = Work(Cache(tmp_path))
    twice = pictures.select([0, 1, 0])

    def means(work: Work, of: Pictures) -> Tensor:
        return work.per_item("", Mean(), of.digests, lambda rows: of.faces(rows=rows), batch=2)

    first = means(work, twice)
    assert torch.equal(first, twice.faces().mean((2, 3)))
    means(work, pictures)
    assert calls == [2, 2, 1]
    assert torch.equal(means(Work(Cache(tmp_path)), twice), first)
    assert torch.equal(means(work, pictures)[:2], first[:2])
    assert calls == [2, 2, 1]
