"""What a worker does: it keeps the functions that were sent, and makes groups with them."""

from __future__ import annotations

import pickle
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from lowkey_core.plugins.code import blame
from lowkey_core.work import runtime
from lowkey_core.workers.sending import Order, demand_same, made_of, unpickled

MOST = 2**28
"""Bytes of functions that are kept, pickled: the last ones."""
_FUNCTIONS: OrderedDict[str, tuple[int, bytes | Callable[[Any], Any]]] = OrderedDict()
"""By name, the size of each when it came, and itself, unpickled when it is first used."""
_ONE = threading.Lock()
"""Networks are not made for several threads at once, if somebody gave this worker some."""


def dask_setup(_worker: object) -> None:
    """Called when Dask starts a worker of ours: whoever interrupts us means the main process,
    which ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def about() -> dict[str, str]:
    """What this worker is made of."""
    return made_of()


def keep(name: str, content: bytes) -> None:
    """Keeps a function for orders to come."""
    if name not in _FUNCTIONS:
        _FUNCTIONS[name] = len(content), content
    while len(_FUNCTIONS) > 1 and sum(size for size, _ in [*_FUNCTIONS.values()]) > MOST:
        _FUNCTIONS.popitem(last=False)


def make(order: Order) -> bytes | None:
    """The pickled records of a group; None if the function was not sent to this process, or is not
    kept any more. Raises: WorkersError, and what the function raises."""
    with _ONE:
        demand_same(order.made_of, "the main process")
        runtime.tune()  # both are settings of the thread as well
        torch.set_num_threads(order.threads)
        if (function := _function(order.function)) is None:
            return None
        try:
            with blame():
                made = function(unpickled(order.given))
        except SystemExit as error:  # it would end the worker
            raise RuntimeError(f"it left with {error.code}") from error
        content = pickle.dumps(made)
        del made
        runtime.give_back()
        return content


def _function(name: str) -> Callable[[Any], Any] | None:
    if (known := _FUNCTIONS.get(name)) is None:
        return None
    size, function = known
    if isinstance(function, bytes):
        function = unpickled(function)
        _FUNCTIONS[name] = size, function
    return function
