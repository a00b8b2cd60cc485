"""Weight files damaged, swapped or booby-trapped: none loads, and nothing of them runs."""

from __future__ import annotations

import functools
import hashlib
import io
import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save as dump_tensors

from lowkey_core import recognisers, weights
from lowkey_core.errors import AuditError, MissingWeightsError, TamperedWeightsError
from lowkey_core.faces import visibility
from lowkey_core.recognisers import dlib, edgeface, mobilefacenet
from lowkey_core.weights import Card, sidecar
from tests.lowkey_core.networks.test_local_networks import Network, onnx_file, save, torchscript


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.mark), "w")


def bombs(mark: Path) -> list[bytes]:
    """A booby-trapped pickle, bare and in each of PyTorch's two formats."""
    made = [pickle.dumps(Bomb(mark))]
    for zipped in (True, False):
        buffer = io.BytesIO()
        state = {"weight": torch.ones(2), "logits.bias": Bomb(mark)}
        torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
        made.append(buffer.getvalue())
    return made


def checkpoint(seed: int) -> bytes:
    """A small plain state dict."""
    buffer, rng = io.BytesIO(), torch.Generator().manual_seed(seed)
    torch.save({"conv.weight": torch.randn(8, 3, 3, 3, generator=rng)}, buffer)
    return buffer.getvalue()


@dataclass(frozen=True)
class Family:
    """A whole file of one family, how to verify it, and how to load it."""

    path: Path
    content: bytes
    verify: Callable[[], bytes]
    load: Callable[[], object]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Assets."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    (tmp_path / "weights").mkdir()
    return tmp_path


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Is there if hostile code ran."""
    return tmp_path / "ran"


@functools.cache
def exported(suffix: str) -> bytes:
    return onnx_file() if suffix == ".onnx" else torchscript(Network())


def pinned(card: Card, content: bytes) -> Card:
    return replace(card, sha256=hashlib.sha256(content).hexdigest(), size=0)


def family(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Family:
    """A small seeded file, pinned in place of the one that `name` expects."""
    if name.startswith("local"):
        suffix = name.partition(" ")[2]
        path = Path(save(folder, f"mine{suffix}", exported(suffix)))
        load = lambda: recognisers.load(str(path))  # noqa: E731
        return Family(path, exported(suffix), lambda: sidecar.verified(path)[1], load)
    load = lambda: recognisers.load(name)  # noqa: E731
    content = checkpoint(len(name))
    if name == "dlib":
        card = pinned(replace(dlib.CARD, distribution="", file="dlib.dat"), content)
        patch.setattr(dlib, "CARD", card)
    elif name == "edgeface:xxs":
        content = dump_tensors({"stem.weight": torch.ones(4, 3)})
        card = pinned(edgeface.CARD, content)
        patch.setattr(edgeface, "CARD", card)
    elif name == "mobilefacenet:casia":
        card = pinned(mobilefacenet.CARDS["casia"], content)
        patch.setitem(mobilefacenet.CARDS, "casia", card)
    elif name == "lpips:alexnet":
        card = pinned(visibility.TRUNK, content)
        patch.setattr(visibility, "TRUNK", card)
        load = visibility.Lpips
    else:
        card = recognisers.cards()[name]
        weights.record(card, weights.home(card), hashlib.sha256(content).hexdigest())
    return Family(weights.home(card), content, lambda: weights.read(card), load)


FAMILIES = (
    "dlib",
    "edgeface:xxs",
    "mobilefacenet:casia",
    "lpips:alexnet",
    "facenet:vggface2",
    "face_evolve:resnet152-cosface",
    "local .pt",
    "local .onnx",
)
FLIPS, CUTS, TAILS = 12, 4, 3
DAMAGE = (
    *(f"bit flip {i}" for i in range(FLIPS)),
    *(f"truncation {i}" for i in range(CUTS)),
    *(f"extension {i}" for i in range(TAILS)),
    *(f"booby trap {i}" for i in range(3)),
    "another model's file",
    "empty",
    "a directory",
)


def damaged(content: bytes, kind: str, mark: Path) -> bytes:
    """`content` after one of DAMAGE; what is drawn depends on the kind alone."""
    rng, which = random.Random(kind), kind.rpartition(" ")[2]
    if kind.startswith("bit flip"):
        made = bytearray(content)
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
        return bytes(made)
    if kind.startswith("truncation"):
        return content[: rng.randrange(1, len(content))]
    if kind.startswith("extension"):
        return content + rng.randbytes(1 + 100 * int(which))
    if kind.startswith("booby trap"):
        return bombs(mark)[int(which)]
    return b"" if kind == "empty" else checkpoint(1000)


def refused(load: Callable[[], object], mark: Path) -> AuditError:
    with pytest.raises((MissingWeightsError, TamperedWeightsError)) as refusal:
        load()
    assert not mark.exists(), "code in the file was run"
    assert "\n" not in str(refusal.value)
    return refusal.value


def test_there_are_two_hundred() -> None:
    assert len(FAMILIES) * len(DAMAGE) == 200


def test_a_booby_trap_goes_off_where_it_is_unpickled(tmp_path: Path) -> None:
    """The control: these files would do harm."""
    mark = tmp_path / "ran"
    bare, *checkpoints = bombs(mark)
    pickle.loads(bare)
    assert mark.exists()
    for content in checkpoints:
        mark.unlink()
        torch.load(io.BytesIO(content), weights_only=False)
        assert mark.exists()


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("name", FAMILIES)
def test_a_damaged_file_is_refused(
    name: str, kind: str, folder: Path, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = family(name, folder, monkeypatch)
    if kind == "a directory":
        whole.path.unlink(missing_ok=True)
        whole.path.mkdir()
        refused(whole.load, mark)
        return
    hostile = damaged(whole.content, kind, mark)
    assert hostile != whole.content
    whole.path.write_bytes(hostile)
    error = refused(whole.load, mark)
    assert hashlib.sha256(hostile).hexdigest() in str(error) or "more than" in str(error)


@pytest.mark.parametrize("name", FAMILIES)
def test_an_undamaged_file_passes(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what is refused above is refused for its damage."""
    whole = family(name, folder, monkeypatch)
    whole.path.write_bytes(whole.content)
    assert whole.verify() == whole.content


UNPINNED = ("facenet:casia-webface", "face_evolve:ir152-arcface")
FIRST_SEEN = {
    **{f"booby trap {i}": (lambda mark, i=i: bombs(mark)[i]) for i in range(3)},
    "truncated": lambda mark: checkpoint(0)[:-200],
    "empty": lambda mark: b"",
    "random": lambda mark: random.Random(0).randbytes(5000),
    "another model's": lambda mark: checkpoint(0),
    "a tensor": lambda mark: dumped(torch.ones(3)),
    "numbers": lambda mark: dumped({"conv.weight": 3}),
    "numbered": lambda mark: dumped({0: torch.ones(3)}),
}


def dumped(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", FIRST_SEEN)
@pytest.mark.parametrize("name", [*UNPINNED, "mobilefacenet:ms1m", "mobilefacenet:casia"])
def test_a_file_that_was_hostile_when_first_seen_is_refused(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest that was recorded is right, and the file is refused for what is in it."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    mark, card = tmp_path / "ran", recognisers.cards()[name]
    content = FIRST_SEEN[kind](mark)
    if card.pinned:  # by somebody who was taken in
        card = pinned(card, content)
        monkeypatch.setitem(mobilefacenet.CARDS, name.partition(":")[2], card)
    path = weights.home(card)
    path.parent.mkdir()
    path.write_bytes(content)
    weights.record(card, path, hashlib.sha256(content).hexdigest())
    error = refused(lambda: recognisers.load(name), mark)
    assert str(path) in str(error)
    assert weights.read(card) == content


@pytest.mark.parametrize("name", UNPINNED)
@pytest.mark.parametrize("record", [b"", b"\0" * 64, b"g" * 64, b"0" * 63, b"0" * 65, b"0" * 5000])
def test_a_damaged_record_is_refused(
    name: str, record: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    path = weights.home(recognisers.cards()[name])
    path.parent.mkdir()
    path.write_bytes(checkpoint(0))
    weights.record_of(path).write_bytes(record)
    refused(lambda: recognisers.load(name), tmp_path / "ran")


@pytest.mark.parametrize("name", UNPINNED)
def test_a_file_that_nobody_recorded_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    path = weights.home(recognisers.cards()[name])
    path.parent.mkdir()
    path.write_bytes(checkpoint(0))
    assert "models fetch" in str(refused(lambda: recognisers.load(name), tmp_path / "ran"))


def test_a_local_file_is_not_opened_without_its_digest(folder: Path, mark: Path) -> None:
    """Nor is a Python file run, whatever the card beside it says."""
    for suffix in ("pt", "onnx", "py"):
        path = Path(save(folder, f"theirs.{suffix}", b"what the card was written for"))
        path.write_text(f"open({str(mark)!r}, 'w')\ndef build(): ...\n")
        refused(lambda path=path: recognisers.load(str(path)), mark)
