"""FAISS proposes, `nn` decides: what is found is what `nn` finds, however large the gallery is."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import weakref
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.errors import OptionError, StorageError
from lowkey_core.matchers import MATCHERS, faiss, nn
from lowkey_core.matchers.nn import NearestNeighbour
from lowkey_core.recognition.matching import Fitted
from lowkey_core.recognition.vectors import written
from lowkey_core.types import Embeddings
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work

pytest.importorskip("faiss", reason="NOT CHECKED: faiss is not installed")


def vectors(count: int, seed: int, size: int = 32) -> Embeddings:
    return F.normalize(torch.randn(count, size, generator=Generator().manual_seed(seed)))


def people(count: int, most: int, seed: int = 0) -> Tensor:
    return torch.randint(0, most, (count,), generator=Generator().manual_seed(seed))


def in_double(gallery: Embeddings, identities: Tensor, probes: Embeddings, k: int) -> Tensor:
    """(p, k): who is most alike, by cosines in double precision; equal ones by identity."""
    known = np.unique(identities.numpy())
    cosines = probes.double().numpy() @ gallery.double().numpy().T
    best = np.stack([cosines[:, identities.numpy() == who].max(1) for who in known], 1)
    order = np.argsort(-best.round(12), axis=1, kind="stable")[:, :k]
    return torch.from_numpy(known[order])


def found(name: str, gallery: Embeddings, identities: Tensor) -> Fitted:
    return MATCHERS.load(name)(gallery, identities)


@pytest.mark.parametrize("most", [5, 300, 5000])
@pytest.mark.parametrize("k", [1, 50])
@pytest.mark.parametrize("numbers", [32, 300 * 32, 2**26])
def test_who_is_found_is_whom_nn_finds(
    most: int, k: int, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss, "NUMBERS", numbers)
    gallery, identities, probes = vectors(2000, 0), people(2000, most), vectors(70, 1)
    mine = found("faiss", gallery, identities).search(probes, k)
    theirs = NearestNeighbour(gallery, identities).search(probes, k)
    assert torch.equal(mine.identities, theirs.identities)
    assert torch.allclose(mine.scores, theirs.scores, atol=1e-6)
    assert torch.equal(mine.identities, in_double(gallery, identities, probes, k))


@pytest.mark.parametrize("name", ["nn", "faiss"])
@pytest.mark.parametrize("probes", [1, 7, 40])
def test_people_with_the_same_picture_are_in_the_order_of_identities(
    name: str, probes: int
) -> None:
    """More of them than are proposed at first, wherever they are in the gallery."""
    gallery, identities = vectors(900, 2), people(900, 10_000, 3)
    gallery[torch.arange(0, 900, 7)] = gallery[0].clone()
    searched = F.normalize(gallery[0] + 0.1 * vectors(probes, 4))
    answer = found(name, gallery, identities).search(searched, 20)
    assert torch.equal(answer.identities, in_double(gallery, identities, searched, 20))


@pytest.mark.parametrize("name", ["nn", "faiss"])
def test_what_single_precision_cannot_tell_apart_is_told_in_double(name: str) -> None:
    """Cosines that differ by 1e-8: float32 has no numbers between 1 - 6e-8 and 1."""
    probe = torch.zeros(1, 32)
    probe[0, 0] = 1
    away = torch.linspace(0.0102, 0.01, 30).unsqueeze(1)
    gallery = torch.cat([torch.sqrt(1 - away**2), away, torch.zeros(30, 30)], 1)
    gallery[:, 0] = torch.linspace(0.5, 0.5 + 3e-6, 30)
    identities = torch.arange(30).flip(0)
    answer = found(name, gallery, identities).search(probe, 30)
    exact = gallery[:, 0].double().numpy()
    order = np.lexsort((identities.numpy(), -exact))
    assert answer.identities[0].tolist() == identities[order].tolist()


def test_pictures_of_one_person_do_not_crowd_out_others() -> None:
    """The first hundred nearest pictures are all of one person."""
    probes = vectors(3, 5)
    crowd = F.normalize(probes[0] + 0.02 * vectors(400, 6))
    gallery = torch.cat([crowd, vectors(500, 7)])
    identities = torch.cat([torch.zeros(400).long(), 1 + torch.arange(500)])
    answer = found("faiss", gallery, identities).search(probes, 50)
    assert torch.equal(answer.identities, in_double(gallery, identities, probes, 50))


@pytest.mark.parametrize("name", ["faiss:ivf:nprobe=2", "faiss:hnsw:ef=4:links=4"])
def test_an_approximate_index_says_how_much_it_finds(name: str) -> None:
    gallery, identities, probes = vectors(4000, 8), torch.arange(4000), vectors(40, 9)
    matcher = MATCHERS.load(name)
    answer = matcher(gallery, identities).search(probes, 10)
    exact = in_double(gallery, identities, probes, 10)
    both = sum(
        len({*a.tolist()} & {*b.tolist()}) for a, b in zip(answer.identities, exact, strict=True)
    )
    assert (matcher.hits, matcher.searched) == (both, exact.numel())
    assert 0 < both < exact.numel(), "it misses some, and finds some"
    best = found("faiss", gallery, identities).search(probes, 4000)
    for row, (whom, scores) in enumerate(zip(answer.identities, answer.scores, strict=True)):
        known = dict(zip(best.identities[row].tolist(), best.scores[row].tolist(), strict=True))
        there = whom >= 0
        cosines = [known[who] for who in whom[there].tolist()]
        assert scores[there].tolist() == pytest.approx(cosines, abs=1e-6)
        assert all(a >= b for a, b in pairwise(cosines))
        assert (scores[~there] == -torch.inf).all()


@pytest.mark.parametrize("name", ["faiss:ivf:nprobe=3", "faiss:hnsw:ef=8"])
def test_two_approximate_indexes_of_one_gallery_are_the_same(name: str) -> None:
    gallery, identities, probes = vectors(3000, 10), people(3000, 900), vectors(30, 11)
    one, other = (found(name, gallery, identities).search(probes, 20) for _ in range(2))
    assert torch.equal(one.identities, other.identities)
    assert torch.equal(one.scores, other.scores)


def test_what_is_found_of_a_probe_does_not_depend_on_the_others() -> None:
    gallery, identities, probes = vectors(3000, 12), people(3000, 900), vectors(20, 13)
    index = found("faiss:ivf:nprobe=1", gallery, identities)
    together = index.search(probes, 30)
    alone = [index.search(probes[i : i + 1], 30).identities for i in range(len(probes))]
    assert torch.equal(together.identities, torch.cat(alone))


def test_another_seed_makes_another_index() -> None:
    gallery, identities, probes = vectors(3000, 14), torch.arange(3000), vectors(30, 15)
    one, other = (
        found(f"faiss:ivf:nprobe=1:seed={s}", gallery, identities).search(probes, 5) for s in (0, 1)
    )
    assert not torch.equal(one.identities, other.identities)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("faiss:nprobe=3", "faiss:flat was told nprobe=3; expected of its options: none"),
        ("faiss:ivf:ef=3", "faiss:ivf was told ef=3; expected of its options: nprobe, lists, seed"),
        ("faiss:ivf:nprobe=0", "greater than or equal to 1"),
    ],
)
def test_an_option_of_another_index_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        MATCHERS.load(name)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(OptionError, match=r"pip install 'lowkey-audit\[faiss\]'"):
        MATCHERS.load("faiss")


def test_nn_leaves_large_galleries_to_faiss_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, identities = vectors(60, 16), people(60, 20)
    monkeypatch.setattr(nn, "LARGE", 60)
    assert isinstance(found("nn", gallery, identities), NearestNeighbour)
    assert nn.by_faiss(60) == ""
    monkeypatch.setattr(nn, "LARGE", 59)
    assert isinstance(found("nn", gallery, identities), faiss.Indexed)
    assert nn.by_faiss(60).startswith("by FAISS 1.")
    monkeypatch.setattr(nn.importlib.util, "find_spec", lambda name: None)
    assert isinstance(found("nn", gallery, identities), NearestNeighbour)
    assert nn.by_faiss(60) == ""


def test_embeddings_are_in_a_file_in_the_cache_that_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, asked = tempfile.TemporaryFile, list[object]()
    noted = lambda dir=None: asked.append(dir) or usual(dir=dir)  # noqa: E731
    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    matcher = MATCHERS.load("faiss", granted={"work": Work(Cache(tmp_path))})
    fitted = matcher(vectors(50, 17), people(50, 9))
    assert asked == [tmp_path]
    assert os.fstat(fitted.vectors.file.fileno()).st_size == 50 * 32 * 4
    assert fitted.search(vectors(2, 18), 3).identities.shape == (2, 3)
    file = weakref.ref(fitted.vectors.file)
    del fitted
    gc.collect()
    assert file() is None
    assert not list(tmp_path.iterdir())


def test_parts_are_one_file_of_rows() -> None:
    parts = [vectors(n, n) for n in (5, 1, 9)]
    whole, kept = torch.cat(parts), written(iter(parts))
    assert (len(kept), kept.size) == (15, 32)
    blocks = [(start, torch.from_numpy(block.copy())) for start, block in kept.blocks(4)]
    assert [start for start, _ in blocks] == [0, 4, 8, 12]
    assert torch.equal(torch.cat([block for _, block in blocks]), whole)
    rows = torch.tensor([14, 0, 0, 6])
    assert torch.equal(kept.take(rows), whole[rows])


@pytest.mark.skipif(sys.platform != "linux", reason="NOT CHECKED: /dev/full is Linux's")
def test_no_room_for_embeddings_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from lowkey_core.recognition import vectors as module

    monkeypatch.setattr(module, "_unnamed", lambda folder: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(StorageError, match="No space left on device"):
        written([vectors(50_000, 1)])


MEMORY = """
import re, torch
from lowkey_core.matchers import faiss
from lowkey_core.recognition.vectors import written
faiss.NUMBERS = 2**24
def peak(): return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
probes = torch.nn.functional.normalize(torch.randn(20, 256))
def search(n):
    parts = (torch.randn(10_000, 256) / 16 for _ in range(n))
    kept = written(parts)
    return faiss.Indexed(kept, torch.arange(len(kept))).search(probes, 5)
search(10)
before = peak()
search(30)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="NOT CHECKED: peaks are counted as on Linux")
def test_a_larger_gallery_takes_no_more_memory() -> None:
    """300,000 embeddings are 205 MB more than 100,000; the index of their identities is 2 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100e6
