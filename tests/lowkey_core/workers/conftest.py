"""Two workers, and a function that says who calls it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from lowkey_core.work.records import Record
from lowkey_core.workers import starting
from lowkey_core.workers.cluster import Cluster


@pytest.fixture(scope="package")
def pool() -> Iterator[Cluster]:
    with starting.joined(2) as made:
        yield made


@dataclass(frozen=True)
class Logged:
    """Squares, and in which process; the first call for item 12 ends its process."""

    ends: str = ""
    fingerprint = "logged"

    def __call__(self, items: Sequence[int]) -> list[Record]:
        if self.ends and 12 in items and not Path(self.ends).exists():
            Path(self.ends).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
        return [{"square": torch.tensor(i * i), "by": torch.tensor(os.getpid())} for i in items]


def squared(records: Sequence[Record]) -> list[int]:
    return [int(record["square"]) for record in records]
