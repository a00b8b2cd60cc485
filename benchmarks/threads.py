"""A training step of dlib's network while others keep the processor busy.
`python -m benchmarks.threads`

PyTorch's threads spin while they wait for each other, unless they are told to sleep. Each way of
waiting is measured in a process of its own, alone and beside one busy process per core.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks import record
from benchmarks.record import Measured

TIMED = True
WAITS: dict[str, Mapping[str, str]] = {
    "threads that spin (the default of libgomp)": {"OMP_WAIT_POLICY": ""},
    "`OMP_WAIT_POLICY=passive`": {"OMP_WAIT_POLICY": "passive"},
    "`GOMP_SPINCOUNT=1000`": {"GOMP_SPINCOUNT": "1000"},
    "`GOMP_SPINCOUNT=10000` (what we set)": {"GOMP_SPINCOUNT": "10000"},
    "`GOMP_SPINCOUNT=100000`": {"GOMP_SPINCOUNT": "100000"},
}
_OURS = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
STEPS, FACES = 8, 32
BUSY = "while True: pass"
SPIN = 1.0
"""Seconds for which the busy processes run before anything is timed."""


def measure() -> Measured:
    """Per way of waiting: seconds of a step, alone and beside busy processes."""
    return {
        "waits": {
            name: {"idle": step(environment), "busy": loaded(environment)}
            for name, environment in WAITS.items()
        }
    }


def loaded(environment: Mapping[str, str]) -> float:
    """Seconds of a step beside one busy process per core."""
    with busy():
        return step(environment)


@contextmanager
def busy() -> Iterator[None]:
    """One busy process per core."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(os.cpu_count() or 1)]
    try:
        time.sleep(SPIN)
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


def step(environment: Mapping[str, str]) -> float:
    """Median seconds of a step, in a process of its own. Raises: AuditError."""
    others = {name: v for name, v in os.environ.items() if name not in _OURS}
    given = {**others, **environment}
    seconds: list[float] = record.apart("benchmarks.threads", "--steps", env=given)
    return statistics.median(seconds)


def steps() -> list[float]:
    """Seconds of each of STEPS steps, after one that is not counted."""
    import torch
    from torch import nn

    from lowkey_core import recognisers

    network = recognisers.network("dlib")
    assert isinstance(network, nn.Module)
    network.requires_grad_(True)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-6)
    faces, seconds = torch.rand(FACES, 3, 150, 150), []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        network(faces).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def tables(measured: Measured) -> dict[str, str]:
    """`threads`: relative to the first way of waiting on an idle machine."""
    found = measured["waits"]
    unit = next(iter(found.values()))["idle"]
    rows = [
        (name, f"{one['idle'] / unit:.1f}", f"{one['busy'] / unit:.1f}")
        for name, one in found.items()
    ]
    columns = ("how threads wait", "alone", "beside one busy process per core")
    return {"threads": record.table(columns, rows)}


if __name__ == "__main__":
    if "--steps" in sys.argv:
        print(json.dumps(steps()))
    else:
        record.alone("threads", sys.modules[__name__])
