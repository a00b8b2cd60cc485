"""Workers make what one process makes, to the last bit, whatever becomes of them."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core import recognisers
from lowkey_core.cloaking.others import Others
from lowkey_core.cloaks import load
from lowkey_core.errors import (
    AuditError,
    DatasetError,
    OptionError,
    PluginError,
    UnreadableImageError,
    as_flag,
    setting,
)
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.published import Published
from lowkey_core.types import Network as AnyNetwork
from lowkey_core.types import Pictures, faces_of
from lowkey_core.work import runtime
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from lowkey_core.workers import sending, worker
from lowkey_core.workers.cluster import Cluster
from tests.conftest import TinyNetwork, people
from tests.lowkey_core.networks.user_files import Network, onnx_file, save, torchscript
from tests.lowkey_core.workers.conftest import Logged, squared

pytestmark = pytest.mark.enable_socket


def test_both_workers_make_groups_and_this_process_none(pool: Cluster) -> None:
    records = list(Work(pool=pool).map("squaring", Logged(), range(40), together=2))
    assert squared(records) == [i * i for i in range(40)]
    makers = {int(record["by"]) for record in records}
    assert len(makers) == 2
    assert os.getpid() not in makers


def embedded(work: Work, pictures: Pictures, network: AnyNetwork) -> Tensor:
    take = partial(_faces, pictures)
    return work.per_item("embedding", FlipAveraged(network), pictures.digests, take, batch=8)


def _faces(pictures: Pictures, rows: list[int]) -> Tensor:
    return pictures.faces(rows=rows)


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*.safetensors")}


def test_embeddings_and_what_is_kept_of_them_are_those_of_one_process(
    pool: Cluster, tmp_path: Path
) -> None:
    pictures, network = people(6, 5), TinyNetwork(1)
    alone = embedded(Work(Cache(tmp_path / "alone")), pictures, network)
    helped = embedded(Work(Cache(tmp_path / "helped"), pool=pool), pictures, network)
    assert torch.equal(alone, helped)
    assert files(tmp_path / "alone") == files(tmp_path / "helped") != {}


CLOAK = """
import torch
class Shifted:
    \"\"\"Draws from the generator that it is given.\"\"\"
    def __call__(self, faces, rng):
        if "2/1" in faces.names and {fails}: {what}
        return (faces.images + 0.1 * torch.rand(faces.images.shape, generator=rng)).clamp(0, 1)
def build(): return Shifted()
"""


def cloaked(work: Work, cloak: Any, batch: int = 4) -> Tensor:
    published = Published(cloak, work, name="a cloak", batch=batch)
    return published(faces_of(people(4, 3)), Generator().manual_seed(5))


@pytest.mark.parametrize("name", ["lowkey:steps=3", "fawkes:steps=2", "noise", "a file"])
def test_cloaks_are_those_of_one_process(pool: Cluster, name: str, tmp_path: Path) -> None:
    if name == "a file":
        (tmp_path / "mine.py").write_text(CLOAK.format(fails=False, what="pass"))
        name = str(tmp_path / "mine.py")
    cloak = load(name, lambda: [TinyNetwork(1), TinyNetwork(2)])
    assert torch.equal(cloaked(Work(), cloak), cloaked(Work(pool=pool), cloak))


@pytest.mark.parametrize("what", ["1 / 0", "raise SystemExit(3)"])
def test_a_plugin_that_fails_in_a_worker_is_blamed_as_it_is_here(
    pool: Cluster, what: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(CLOAK.format(fails=True, what=what))
    with pytest.raises(PluginError, match=r"mine\.py raised (ZeroDivisionError|SystemExit)") as e:
        cloaked(Work(pool=pool), load(str(file), list))
    assert "in line 6" in e.value.got


@pytest.mark.parametrize(
    "error",
    [
        OptionError(f"{setting('batch', 3)} is odd", expected="even", remedy="double it"),
        UnreadableImageError("x.png is text", expected="y", remedy="z", reason="damaged"),
        PluginError("it returned a str", expected="a tensor", remedy="mend it"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_in_a_worker_is_the_same_error(pool: Cluster, error: AuditError) -> None:
    with pytest.raises(type(error)) as e:
        list(Work(pool=pool).map("failing", Raising(error), range(8)))
    assert str(e.value) == str(error)
    assert e.value.worded(as_flag) == error.worded(as_flag)
    assert {**vars(e.value), "__notes__": 0} == {**vars(error), "__notes__": 0}


@dataclass(frozen=True)
class Raising:
    error: Exception
    fingerprint = "raising"

    def __call__(self, items: Sequence[int]) -> list[Record]:
        if 3 in items:
            raise self.error
        return [{"x": torch.ones(1)} for _ in items]


def test_a_worker_that_is_killed_is_replaced_and_nothing_is_lost(
    pool: Cluster, tmp_path: Path
) -> None:
    work = Work(Cache(tmp_path / "cache"), pool=pool)
    ends = Logged(str(tmp_path / "ended"))
    assert squared(list(work.map("squaring", ends, range(60), together=2))) == [
        i * i for i in range(60)
    ]
    assert (tmp_path / "ended").exists()
    assert work.tally == {("squaring", "made"): 60}


def test_a_function_that_a_worker_does_not_know_is_sent_again(pool: Cluster) -> None:
    function, order = sent(pool, Logged(), [1, 2])
    pool._asked_all(_forget)
    assert pool.wait(pool.submit(order)) is None
    pool.tell(function)
    assert pool.wait(pool.submit(order)) is not None


def sent(pool: Cluster, function: object, given: object) -> tuple[Any, Any]:
    made = sending.function(function)
    return made, sending.Order(made.name, sending.pickled(given), 1, sending.made_of())


def _forget() -> None:
    worker._FUNCTIONS.clear()


@dataclass(frozen=True)
class Telling:
    """What sums of floats depend on."""

    fingerprint = "telling"

    def __call__(self, items: Sequence[int]) -> list[Record]:
        return [
            {"threads": torch.tensor(torch.get_num_threads()), "tiny": torch.tensor([1e-40]) * 1}
            for _ in items
        ]


def test_a_worker_has_as_many_threads_as_we_have_and_no_denormals(pool: Cluster) -> None:
    runtime.tune()  # another test may have opened a plain onnxruntime session, which undoes it
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            for record in Work(pool=pool).map("telling", Telling(), range(6)):
                assert int(record["threads"]) == threads
                assert float(record["tiny"]) == float(torch.tensor([1e-40]) * 1) == 0
    finally:
        torch.set_num_threads(before)


def test_what_cannot_be_pickled_is_made_here(pool: Cluster) -> None:
    class Local:
        fingerprint = "local"

        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __call__(self, items: Sequence[int]) -> list[Record]:
            return Logged()(items)

    records = list(Work(pool=pool).map("squaring", Local(), range(8), together=2))
    assert squared(records) == [i * i for i in range(8)]
    assert {int(record["by"]) for record in records} == {os.getpid()}


def test_what_cannot_be_read_is_an_error_in_its_turn(pool: Cluster, tmp_path: Path) -> None:
    """A photo may be gone by the time that its face is cut out."""
    pictures = people(6, 5)

    def take(rows: list[int]) -> Tensor:
        if 20 in rows:
            raise DatasetError("it was changed", expected="photos that stay", remedy="leave them")
        return pictures.faces(rows=rows)

    work = Work(Cache(tmp_path), pool=pool)
    network = FlipAveraged(TinyNetwork(1))
    with pytest.raises(DatasetError, match="it was changed"):
        work.per_item("embedding", network, pictures.digests, take, batch=8)
    assert len(files(tmp_path)) == 2, "what came before it is kept"


@pytest.mark.parametrize("name", ["mine.pt", "mine.onnx"])
def test_a_network_in_a_file_goes_to_a_worker(pool: Cluster, name: str, tmp_path: Path) -> None:
    content = torchscript(Network()) if name.endswith(".pt") else onnx_file()
    network = recognisers.load(save(tmp_path, name, content))
    (tmp_path / name).unlink()
    alone, helped = (embedded(w, people(6, 5), network) for w in (Work(), Work(pool=pool)))
    assert torch.equal(alone, helped)
    assert pool._last[1] is not None, "it was sent"


def test_of_other_people_those_pictures_go_that_a_cloak_uses() -> None:
    crowd = faces_of(people(3, 15))
    others = Others(lambda: crowd)
    again = pickle.loads(sending.pickled(others))
    assert again.faces.names == others.faces.names
    assert (len(again.faces), again.people) == (30, others.people)
    assert again.fingerprint == others.fingerprint


def test_a_photo_goes_with_its_content(tmp_path: Path) -> None:
    here, gone = (Photo("ann", f"{n}.png", tmp_path / f"{n}.png") for n in ("here", "gone"))
    here.path.write_bytes(b"pixels")
    pair = pickle.dumps((here, gone))
    here.path.unlink()
    one, other = pickle.loads(pair)
    assert (one.read(), one.name, one.identity) == (b"pixels", "here.png", "ann")
    with pytest.raises(UnreadableImageError) as e:
        other.read()
    assert e.value.reason == "unreadable"
