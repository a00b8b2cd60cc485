"""Clusters that are started, joined, refused, lost and ended; and what they are called."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from lowkey_core.errors import (
    OptionError,
    WorkersError,
)
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from lowkey_core.workers import cluster, names, sending, starting, worker
from lowkey_core.workers.cluster import Cluster
from tests.lowkey_core.workers.conftest import Logged, squared

pytestmark = pytest.mark.enable_socket


def address(pool: Cluster) -> str:
    return str(pool._client.scheduler.address)


def test_a_cluster_can_be_joined_and_is_left_as_it_was(pool: Cluster) -> None:
    pool._client.wait_for_workers(2)  # one was killed before
    with starting.joined(names.parsed(address(pool))) as joined:
        assert (joined.count, joined.workers) == (2, 2)
        records = list(Work(pool=joined).map("squaring", Logged(), range(12)))
    assert squared(records) == [i * i for i in range(12)]
    assert len(pool._client.nthreads()) == 2


def test_a_cluster_of_another_version_is_refused(
    pool: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**sending.made_of(), "torch": "1.0", "our code": "edited"}
    monkeypatch.setattr(sending, "made_of", lambda: other)
    with pytest.raises(WorkersError, match=r"has torch .* instead of 1\.0, our code"):
        starting.joined(address(pool)).__enter__()
    order = sending.Order("a", b"", 1, other)
    with pytest.raises(WorkersError, match="our code"):  # of a worker that joined later
        pool.wait(pool.submit(order))


def test_a_worker_that_lacks_our_code_is_an_error(
    pool: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "about", Absent())
    with pytest.raises(WorkersError, match=r"cannot run our code: .*no such module"):
        starting.joined(address(pool)).__enter__()


class Absent:
    """Cannot be unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _import, ("no such module",)

    def __call__(self) -> None:
        raise AssertionError("it is called elsewhere")


def _import(name: str) -> None:
    raise ModuleNotFoundError(name)


@dataclass(frozen=True)
class Needs:
    """Squares, with a package that workers lack."""

    package: Absent
    fingerprint = "needs"

    def __call__(self, items: Sequence[int]) -> list[Record]:
        return Logged()(items)


def test_a_package_that_a_worker_lacks_is_an_error(pool: Cluster) -> None:
    with pytest.raises(WorkersError, match="ModuleNotFoundError: no such module; expected every"):
        list(Work(pool=pool).map("squaring", Needs(Absent()), range(8)))


def test_a_cluster_without_workers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with starting.joined(1) as made:
        monkeypatch.setattr(cluster, "PATIENCE", 0.0)
        monkeypatch.setattr(cluster, "LOOK", 0.2)
        waiting = Work(pool=made).map("squaring", Logged(), range(12))
        next(waiting)
        made._client.cluster.scale(0)
        while made._client.nthreads():
            time.sleep(0.05)
        with pytest.raises(WorkersError, match="workers: no worker is there"):
            list(waiting)
        with pytest.raises(WorkersError, match="workers: no worker is there"):
            starting.joined(address(made)).__enter__()


def always_fatal(items: Sequence[int]) -> list[Record]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError(items)


def test_a_group_that_ends_whichever_worker_makes_it_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(starting._SETTINGS, "distributed.scheduler.allowed-failures", 0)
    with (
        starting.joined(1) as made,
        pytest.raises(WorkersError, match="workers died over one group of pictures"),
    ):
        list(Work(pool=made).map("ending", always_fatal, range(4)))


@pytest.mark.parametrize("how", [KeyboardInterrupt, None])
def test_no_worker_is_left_however_it_ends(how: type[BaseException] | None) -> None:
    before = set(psutil.Process().children(recursive=True))

    def work() -> None:
        with starting.joined(1) as made:
            mine.extend(set(psutil.Process().children(recursive=True)) - before)
            slow = Work(pool=made).map("squaring", Logged(), range(100))
            next(slow)
            if how is not None:
                raise how

    mine: list[psutil.Process] = []
    if how is None:
        work()
    else:
        with pytest.raises(how):
            work()
    assert mine
    assert [p for p in mine if p.is_running() and "resource_tracker" not in str(p.cmdline())] == []


@pytest.mark.parametrize("text", ["0", "-1", "", "4.5", "257", "udp://a:1", "tcp://a", "tcp://:1"])
def test_what_is_no_number_of_workers_and_no_address_is_an_error(text: str) -> None:
    with pytest.raises(OptionError, match="workers"):
        names.parsed(text)


@pytest.mark.parametrize("text", ["tcp://10.0.0.1:8786", "tls://[::1]:8786", "tcp://head:1"])
def test_an_address_is_as_dask_writes_it(text: str) -> None:
    assert names.parsed(text) == text


def test_nobody_at_an_address_is_an_error_at_once() -> None:
    with pytest.raises(WorkersError, match="no Dask scheduler answers"):
        starting.joined("tcp://127.0.0.1:1").__enter__()


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Callable[..., object]:
        raise ImportError(name)

    monkeypatch.setattr(starting.importlib, "import_module", absent)
    with pytest.raises(OptionError, match=r"pip install 'lowkey-audit\[dask\]'"):
        starting.joined(2).__enter__()
