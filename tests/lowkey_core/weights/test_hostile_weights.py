"""Hostile weight files are refused, and no code in them is executed."""

from __future__ import annotations

import functools
import hashlib
import io
import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as dump_tensors

from lowkey_core import recognisers, weights
from lowkey_core.errors import AuditError, MissingWeightsError, TamperedWeightsError
from lowkey_core.faces import visibility
from lowkey_core.recognisers import dlib, edgeface, mobilefacenet
from lowkey_core.weights import Card, sidecar
from tests.lowkey_core.networks.user_files import Network, onnx_file, save, torchscript
from tests.lowkey_core.weights.hostile_files import DAMAGE, bombs, checkpoint, damaged, dumped


@dataclass(frozen=True)
class Family:
    """An undamaged file of one kind of network, how to verify and how to load it."""

    path: Path
    content: bytes
    verify: Callable[[], bytes]
    load: Callable[[], object]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of assets."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    (tmp_path / "weights").mkdir()
    return tmp_path


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that exists if hostile code was executed."""
    return tmp_path / "ran"


@functools.cache
def exported(suffix: str) -> bytes:
    return onnx_file() if suffix == ".onnx" else torchscript(Network())


def pinned(card: Card, content: bytes) -> Card:
    return replace(card, sha256=hashlib.sha256(content).hexdigest(), size=0)


def family(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Family:
    """A small seeded file, and a card of `name` that is pinned to it."""
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
    "face-evolve:resnet152-cosface",
    "local .pt",
    "local .onnx",
)


def refused(load: Callable[[], object], mark: Path) -> AuditError:
    with pytest.raises((MissingWeightsError, TamperedWeightsError)) as refusal:
        load()
    assert not mark.exists(), "code in the file was executed"
    assert "\n" not in str(refusal.value)
    return refusal.value


def test_there_are_two_hundred_damaged_files() -> None:
    assert len(FAMILIES) * len(DAMAGE) == 200


def test_the_hostile_pickles_execute_code_when_unpickled(tmp_path: Path) -> None:
    """The control for the tests below."""
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
    """The control: files are refused above because of the damage."""
    whole = family(name, folder, monkeypatch)
    whole.path.write_bytes(whole.content)
    assert whole.verify() == whole.content


UNPINNED = ("facenet:casia-webface", "face-evolve:ir152-arcface")
FIRST_SEEN = {
    **{f"code {i}": (lambda mark, i=i: bombs(mark)[i]) for i in range(3)},
    "truncated": lambda mark: checkpoint(0)[:-200],
    "empty": lambda mark: b"",
    "random": lambda mark: random.Random(0).randbytes(5000),
    "another model's": lambda mark: checkpoint(0),
    "a tensor": lambda mark: dumped(torch.ones(3)),
    "numbers": lambda mark: dumped({"conv.weight": 3}),
    "numbered": lambda mark: dumped({0: torch.ones(3)}),
}


@pytest.mark.parametrize("kind", FIRST_SEEN)
@pytest.mark.parametrize("name", [*UNPINNED, "mobilefacenet:ms1m", "mobilefacenet:casia"])
def test_a_file_that_was_hostile_when_first_seen_is_refused(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its digest matches the recorded one; it is refused because of its content."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    mark, card = tmp_path / "ran", recognisers.cards()[name]
    content = FIRST_SEEN[kind](mark)
    if card.pinned:  # as if the publisher had pinned a hostile file
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
def test_an_unpinned_file_without_a_record_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    path = weights.home(recognisers.cards()[name])
    path.parent.mkdir()
    path.write_bytes(checkpoint(0))
    assert "models fetch" in str(refused(lambda: recognisers.load(name), tmp_path / "ran"))


def test_a_local_file_is_not_opened_without_its_digest(folder: Path, mark: Path) -> None:
    """A Python file is not executed either."""
    for suffix in ("pt", "onnx", "py"):
        path = Path(save(folder, f"theirs.{suffix}", b"the file of the card"))
        path.write_text(f"open({str(mark)!r}, 'w')\ndef build(): ...\n")
        refused(lambda path=path: recognisers.load(str(path)), mark)
