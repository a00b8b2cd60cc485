"""A cluster of Dask's: started here for as long as it is needed, or joined.

The extra `dask` is imported when a cluster is asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import signal
import socket
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from lowkey_core.errors import OptionError, WorkersError, setting
from lowkey_core.workers import worker
from lowkey_core.workers.cluster import DEATHS, Cluster

log = logging.getLogger(__name__)

CONNECTING = 5.0
"""Seconds in which a scheduler answers."""
_DASK = re.compile(r"distributed(\.|$)").match
"""Names of its loggers, each of which it has given a level."""
ENDING = 10.0
"""Seconds that a cluster has to end."""
_SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS,
    "distributed.admin.large-graph-warning-threshold": "1TB",  # pictures are large
    "distributed.worker.profile.enabled": False,
    "distributed.nanny.pre-spawn-environ": {},  # as many threads as here, in every library
    "distributed.scheduler.http.routes": [],  # it has a web server; there are no pages on it
    "distributed.worker.http.routes": [],
    "distributed.comm.timeouts.connect": f"{CONNECTING:.0f}s",
}


@contextlib.contextmanager
def joined(workers: int | str) -> Iterator[Cluster]:
    """workers: as `names.parsed` gives them. Those that are started here end with the block, and
    hear 127.0.0.1 alone. Raises: OptionError without the extra, WorkersError."""
    dask, distributed = _package("dask"), _package("distributed")
    began = time.perf_counter()
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(_SETTINGS))
        stack.enter_context(_silenced())
        address: Any = workers
        if isinstance(workers, int):
            address = stack.enter_context(_started(workers, distributed))
        stack.callback(_let_go, client := _connected(address, distributed))
        cluster = Cluster(client, distributed, local=isinstance(workers, int))
        log.info("%d workers after %.1f s", cluster.count, time.perf_counter() - began)
        yield cluster


@contextlib.contextmanager
def _started(count: int, distributed: Any) -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="lowkey-audit-") as folder:
        try:
            cluster = distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                memory_limit=0,  # of the machine's, as much as there is
                local_directory=folder,
                silence_logs=logging.CRITICAL,
                preload=[worker.__name__],
            )
        except (OSError, RuntimeError, TimeoutError) as error:
            raise WorkersError(
                f"{count} workers do not start: {error}",
                expected="processes that listen on 127.0.0.1",
                remedy=f"try fewer, or leave {setting('workers')} out",
            ) from error
        try:
            yield cluster
        finally:
            _end(cluster)


def _end(cluster: Any) -> None:
    """Nobody waits for what its workers are at."""
    for nanny in [*cluster.workers.values()]:
        nanny.auto_restart = False
        with contextlib.suppress(OSError, AttributeError, TypeError):  # it is gone
            os.kill(nanny.pid, signal.SIGKILL)
    with contextlib.suppress(Exception):
        cluster.close(timeout=ENDING)


def _connected(address: Any, distributed: Any) -> Any:
    try:
        if isinstance(address, str):
            _knock(address)
            if address.startswith("tls:") and not _certified(distributed):
                raise ValueError("there are no certificates in Dask's settings")
        with warnings.catch_warnings(action="ignore"):  # of versions: `Cluster` says that
            return _within(2 * CONNECTING, lambda: _client(address, distributed))
    except (OSError, ValueError, RuntimeError) as error:
        raise WorkersError(
            f"no Dask scheduler answers at {setting('workers', address)}: {error}",
            expected="one that listens there, as `dask scheduler` says when it starts",
            remedy="look at the address and whether it runs, or name a number of workers",
        ) from error


def _certified(distributed: Any) -> bool:
    arguments = distributed.Security().get_connection_args("client")
    return arguments.get("ssl_context") is not None


def _client(address: Any, distributed: Any) -> Any:
    return distributed.Client(address, set_as_default=False, timeout=CONNECTING)


def _within(seconds: float, make: Callable[[], Any]) -> Any:
    """What `make` returns. Raises: TimeoutError, and what it raises. Dask waits without end for a
    server that listens and says nothing."""
    made: Future[Any] = Future()

    def run() -> None:
        try:
            made.set_result(make())
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return made.result(seconds)
    except TimeoutError as error:
        raise TimeoutError(str(error) or f"nothing is said in {seconds:.0f} s") from None


def _knock(address: str) -> None:
    """Dask would try again and again. Raises: OSError if nobody listens there."""
    host, _, port = address.partition("://")[2].rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECTING).close()


def _let_go(client: Any) -> None:
    with contextlib.suppress(Exception):  # the scheduler may be gone
        client.close(timeout=ENDING)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Dask logs each worker that dies or is made again."""
    names = ("tornado", "asyncio", *(n for n in logging.root.manager.loggerDict if _DASK(n)))
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise OptionError(
            f"{setting('workers')} needs the package {name}, which is not installed",
            expected="dask and distributed",
            remedy="pip install 'lowkey-audit[dask]'",
        ) from None
