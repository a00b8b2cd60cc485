"""Searches in a gallery of a million: `faiss` beside FAISS alone. `python -m benchmarks.galleries`

Embeddings are synthetic: random directions, one for each person, and probes that are near some of
them. Either search runs in a process of its own, in turn; ours has its embeddings in a file, FAISS
alone in memory.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import record
from benchmarks.record import Measured

TIMED = True
ENTRIES, PROBES, RANK = 1_000_000, 1000, 50
SIZES = (128, 512)
ROUNDS = 3
"""Of which the fastest counts, for either."""
SAMPLE = 50
"""Probes that are also compared with everybody in double precision."""
AWAY = 0.6
"""Length of the noise on a probe, beside a unit vector."""
_TOGETHER = 50_000
Rows = npt.NDArray[np.float32]


def measure() -> Measured:
    """By size of an embedding: seconds of either search, bytes in use at most by ours beyond the
    empty process, and of the sampled probes, how many have the same people at the same ranks."""
    return {
        "entries": ENTRIES,
        "probes": PROBES,
        "rank": RANK,
        "faiss": importlib.metadata.version("faiss-cpu"),
        "sizes": {str(size): of_size(size) for size in SIZES},
    }


def of_size(size: int) -> Measured:
    """One row."""
    folder = record.fresh("galleries")
    make(folder, size)
    rounds = [(_run("ours", folder, size), _run("alone", folder, size)) for _ in range(ROUNDS)]
    mine, _ = rounds[0]
    same, least = compared(folder, size, mine["people"])
    return {
        "ours": min(ours["seconds"] for ours, _ in rounds),
        "alone": min(alone["seconds"] for _, alone in rounds),
        "memory": max(ours["memory"] for ours, _ in rounds),
        "same": [same, SAMPLE],
        "nearest": least,
    }


def make(folder: Path, size: int) -> None:
    """The files of a gallery and of probes, of people who are spread evenly over it."""
    rng, people = np.random.default_rng(size), np.linspace(0, ENTRIES - 1, PROBES).astype(int)
    probes = np.zeros((PROBES, size), np.float32)
    with (folder / "gallery").open("wb") as file:
        for start in range(0, ENTRIES, _TOGETHER):
            rows = _unit(rng.standard_normal((min(_TOGETHER, ENTRIES - start), size), np.float32))
            file.write(rows.data)
            here = (people >= start) & (people < start + len(rows))
            probes[here] = rows[people[here] - start]
    noise = _unit(rng.standard_normal((PROBES, size), np.float32))
    (folder / "probes").write_bytes(_unit(probes + AWAY * noise).data)


def _unit(rows: Rows) -> Rows:
    lengths: Rows = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths


def _run(which: str, folder: Path, size: int) -> Measured:
    """What one search says, in a process of its own. Raises: AuditError."""
    said: Measured = record.apart("benchmarks.galleries", "--search", which, str(folder), str(size))
    return said


def search(which: str, folder: Path, size: int) -> Measured:
    """In this process. which: `ours` or `alone`."""
    import torch

    from lowkey_core.matchers import faiss
    from lowkey_core.recognition.indexes import package
    from lowkey_core.recognition.vectors import Vectors, written

    alone, file = package(), (folder / "gallery").open("rb")
    count = (folder / "gallery").stat().st_size // (4 * size)
    probes = np.fromfile(folder / "probes", np.float32).reshape(-1, size)
    queries = torch.from_numpy(probes)
    faiss.Indexed(written([queries]), torch.arange(len(queries))).search(queries, RANK)  # warm
    empty = _peak()
    if which == "ours":
        gallery = faiss.Indexed(Vectors(file, count, size), torch.arange(count))
        began = time.perf_counter()
        people = gallery.search(queries, RANK).identities.numpy()
    else:
        index = alone.IndexFlatIP(size)
        index.add(np.fromfile(file, np.float32).reshape(-1, size))
        began = time.perf_counter()
        people = index.search(probes, RANK)[1]
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "memory": _peak() - empty, "people": people.tolist()}


def _peak() -> int:
    """Bytes that this process has used at most. Not `ru_maxrss`: that begins with the parent's."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "Linux tells it"
    return 1024 * int(found[1])


def compared(folder: Path, size: int, people: list[list[int]]) -> tuple[int, float]:
    """Of SAMPLE probes, how many have the people of a search in double precision at every rank; and
    the smallest difference of two cosines of neighbouring ranks."""
    rows = np.linspace(0, PROBES - 1, SAMPLE).astype(int)
    probes = np.fromfile(folder / "probes", np.float32).reshape(-1, size)[rows].astype(np.float64)
    gallery = np.memmap(folder / "gallery", np.float32, "r").reshape(-1, size)
    parts = range(0, len(gallery), _TOGETHER)
    cosines = np.concatenate([probes @ gallery[s : s + _TOGETHER].T for s in parts], 1)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :RANK]
    same = int((order == np.asarray(people)[rows]).all(1).sum())
    return same, float(np.diff(-np.take_along_axis(cosines, order, 1)).min())


def tables(measured: Measured) -> dict[str, str]:
    """`galleries`."""
    rows = [
        (
            size,
            f"{one['ours'] / one['alone']:.2f}",
            f"{one['memory'] / 1e9:.2f}",
            f"{one['same'][0]} of {one['same'][1]}",
        )
        for size, one in measured["sizes"].items()
    ]
    columns = (
        "numbers of an embedding",
        "time, FAISS alone = 1",
        "memory beyond the empty process, GB",
        "probes with the ranks of a search in double precision",
    )
    told = (
        f"{measured['entries']:,} people enrolled, {measured['probes']:,} probes, "
        f"{measured['rank']} candidates each:\n\n"
    )
    return {"galleries": told + record.table(columns, rows)}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--search"]:
        print(json.dumps(search(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))))
    else:
        record.alone("galleries", sys.modules[__name__])
