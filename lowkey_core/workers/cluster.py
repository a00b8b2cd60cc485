"""A cluster of Dask's as a pool. The main process keeps what workers make: see
docs/adr/0014-workers-make-groups.md."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import time
from collections.abc import Sequence
from typing import Any

import torch

from lowkey_core.errors import WorkersError, setting
from lowkey_core.work.pool import Task
from lowkey_core.work.records import Record
from lowkey_core.workers import sending, worker
from lowkey_core.workers.sending import Function, Order

log = logging.getLogger(__name__)

AHEAD = 2
"""Groups for each worker that are begun: one that it makes, and one that waits."""
DEATHS = 20
"""Workers that may die over one group before it is given up."""
PATIENCE = 60.0
"""Seconds without any worker before that is an error."""
LOOK = 2.0
"""Seconds between two looks at whether there are workers."""


class Cluster:
    """A `Pool` of processes that a Dask scheduler knows."""

    def __init__(self, client: Any, distributed: Any, *, local: bool) -> None:
        """client: connected. distributed: the package. local: whether its workers share the cores
        of this machine. Raises: WorkersError if it has no worker, or one that differs from us."""
        self._client, self._dask = client, distributed
        found = self._asked_all(worker.about)
        self.count = len(found)
        if not found:
            raise self._nobody()
        for address, made_of in found.items():
            sending.demand_same(made_of, f"the worker {address}")
        cores = max(1, _cores() // torch.get_num_threads()) if local else self.count
        self.workers = min(self.count, cores)
        self._last: tuple[object, Function | None] = None, None
        self._told: set[str] = set()

    @property
    def window(self) -> int:
        """As `Pool.window`."""
        return AHEAD * self.count

    def send(self, task: Task[Any], rows: Sequence[int], /) -> _Sent | None:
        """As `Pool.send`."""
        try:
            if (function := self._function(task.do)) is None:
                return None
            given = sending.pickled(task.take(rows))
        except Exception as error:  # of somebody's network or photo: here it is raised in its turn
            log.info("not sent to a worker, as it cannot be taken or pickled", exc_info=error)
            return None
        order = Order(function.name, given, torch.get_num_threads(), sending.made_of())
        if function.name not in self._told:
            self.tell(function)
        return _Sent(self, function, order)

    def _function(self, do: object) -> Function | None:
        """None: it cannot be pickled, which is found out once."""
        if self._last[0] is not do:
            self._last = do, None
            self._last = do, sending.function(do)
        return self._last[1]

    def tell(self, function: Function) -> None:
        """Has the workers that there are keep a function. Raises: WorkersError."""
        self._asked_all(worker.keep, function.name, function.content)
        self._told.add(function.name)

    def submit(self, order: Order) -> Any:
        """Dask's future of what `worker.make` returns."""
        return self._client.submit(worker.make, order, pure=False)

    def wait(self, future: Any) -> bytes | None:
        """What `worker.make` returns. Raises: WorkersError, and what it raises."""
        last = time.monotonic()
        while True:
            try:
                done = future.done()  # then a TimeoutError is the function's
                found: bytes | None = future.result(timeout=None if done else LOOK)
                return found
            except self._dask.KilledWorker as error:
                raise WorkersError(
                    "workers died over one group of pictures, again and again",
                    expected="memory for what every worker holds at once",
                    remedy="use fewer workers, or none to see what ends them",
                ) from error
            except self._dask.CancelledError:
                raise self._nobody() from None
            except TimeoutError:
                if done:
                    raise
            if self._there():
                last = time.monotonic()
            elif time.monotonic() - last > PATIENCE:
                raise self._nobody()

    def _there(self) -> bool:
        """Whether there is any worker. Raises: WorkersError if the scheduler is gone."""
        try:
            return bool(self._client.nthreads())
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:
            raise self._nobody() from error

    def _asked_all(self, function: Any, *args: object) -> dict[str, Any]:
        """What each worker answers. Raises: WorkersError."""
        try:
            answers: dict[str, Any] = self._client.run(function, *args, on_error="return")
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:
            raise self._nobody() from error
        for address, answer in answers.items():
            if isinstance(answer, Exception) and not isinstance(answer, OSError):  # that: it died
                raise WorkersError(
                    f"the worker {address} cannot run our code: {answer}",
                    expected="the same commit and the same Python as here",
                    remedy="install this project where workers are started",
                )
        return {k: v for k, v in answers.items() if not isinstance(v, BaseException)}

    def _nobody(self) -> WorkersError:
        return WorkersError(
            f"{setting('workers')}: no worker is there",
            expected="one or more, for as long as there is work",
            remedy="start workers, and the same command again: what was made is kept",
        )


class _Sent:
    """A `Sent`."""

    def __init__(self, cluster: Cluster, function: Function, order: Order) -> None:
        self._cluster, self._function, self._order = cluster, function, order
        self._future = cluster.submit(order)

    def result(self) -> list[Record]:
        """As `Sent.result`. Raises: as `Cluster.wait`."""
        while (content := self._cluster.wait(self._future)) is None:
            # The worker was started after the function was sent, or has forgotten it.
            self._cluster.tell(self._function)
            self._future = self._cluster.submit(self._order)
        self._future.release()
        return list(pickle.loads(content))

    def drop(self) -> None:
        """As `Sent.drop`."""
        with contextlib.suppress(Exception):  # the cluster may be gone
            self._future.cancel()


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
