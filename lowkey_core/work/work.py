"""Finished work is kept by content: nothing is computed twice, and nothing stale is taken."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from lowkey_core.work.cache import Cache
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record

log = logging.getLogger(__name__)

Show = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much is done, how much there is."""


Item = TypeVar("Item")


def silent(label: str, done: int, total: int) -> None:
    """A `Show` that says nothing."""


@dataclass(frozen=True)
class Work:
    """How anything that takes long is done: kept when finished, and shown while under way."""

    cache: Cache = field(default_factory=lambda: Cache(None))
    show: Show = silent
    _rows: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    _tally: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, label: str, what: str, pieces: int = 1) -> None:
        """Note for the log that `pieces` were `what`: "found" in the cache, or "made"."""
        self._tally[label, what] += pieces

    def log_counts(self) -> None:
        """Say by label what was found in the cache and what was made, since this was last said."""
        for label in dict.fromkeys(label for label, _ in self._tally):
            found, made = self._tally[label, "found"], self._tally[label, "made"]
            log.info("%s: %d found in the cache, %d made", label, found, made)
        self._tally.clear()

    def map(
        self, label: str, function: Callable[[Item], Record], items: Sequence[Item]
    ) -> Iterator[Record]:
        """`function` of each item, kept as soon as it is made, under the fingerprint of both.

        One record is in memory at a time. function, items: picklable, so that they can be sent to
        other processes.
        """
        keys = [fingerprint(function, item) for item in items]
        return self.each(label, keys, lambda i: function(items[i]))

    def through(
        self, label: str, keys: Sequence[str], make: Callable[[int], Record]
    ) -> list[Record]:
        """All that `each` gives."""
        return list(self.each(label, keys, make))

    def each(
        self, label: str, keys: Sequence[str], make: Callable[[int], Record]
    ) -> Iterator[Record]:
        """One record per key: the kept one, or `make(i)`, kept as soon as it is made."""
        for i, key in enumerate(keys):
            record = self.cache.get(key)
            self.count(label, "made" if record is None else "found")
            if record is None:
                self.show(label, i, len(keys))
                # Laid out in memory as a kept one would be: sums of floats depend on it.
                record = {name: tensor.contiguous() for name, tensor in make(i).items()}
                self.cache.put(key, record)
            yield record
        self.show(label, len(keys), len(keys))

    def forget_items(self) -> None:
        """What `per_item` remembers in memory; what is kept on disk stays."""
        self._rows.clear()

    def per_item(
        self,
        label: str,
        function: Callable[[Tensor], Tensor],
        digests: Sequence[str],
        load: Callable[[list[int]], Tensor],
        *,
        batch: int = 64,
    ) -> Tensor:
        """`function` in batches, remembered per item: (n, d), n at least 1.

        function: (b, ...) to (b, d), evaluated without gradients. digests: a content name for each
        item. load: from row numbers to what `function` takes, called for what is not known yet.
        """
        mark = fingerprint(function)
        memory = self._rows
        new = {d: i for i, d in reversed(list(enumerate(digests))) if (mark, d) not in memory}
        missing = sorted(new.values())
        batches = [missing[i : i + batch] for i in range(0, len(missing), batch)]

        def make(b: int) -> Record:
            with torch.no_grad():
                return {"rows": function(load(batches[b])).cpu()}

        keys = [fingerprint("per item", mark, [digests[i] for i in rows]) for rows in batches]
        for rows, record in zip(
            batches, self.through(label, keys, make) if keys else [], strict=True
        ):
            memory.update(
                ((mark, digests[i]), row) for i, row in zip(rows, record["rows"], strict=True)
            )
        return torch.stack([memory[mark, d] for d in digests])
