"""A memory of what was computed last, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Bounded(Generic[T]):
    """Forgets what was asked for longest ago. Threads may share it: what two of them ask for at the
    same time may be made twice, and is held once."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        """most: bytes. size: of a value, in bytes."""
        self.most, self.size, self.held = most, size, 0
        self.values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value under `key`, made if it is not there."""
        with self._lock:
            if key in self.values:
                self.values.move_to_end(key)
                return self.values[key]
        value = make()
        with self._lock:
            if key in self.values:
                return self.values[key]
            self.values[key] = value
            self.held += self.size(value)
            while self.held > self.most and len(self.values) > 1:
                self.held -= self.size(self.values.popitem(last=False)[1])
        return value
