"""Finished work is kept by content: nothing is computed twice, and nothing stale is taken."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from lowkey_core.work import runtime
from lowkey_core.work.cache import Cache
from lowkey_core.work.forecast import Forecast, Trial
from lowkey_core.work.pool import Make, Pool, Task, begun
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Fits, Record, anything
from lowkey_core.work.rows import FITS, Rows
from lowkey_core.work.state import State
from lowkey_core.work.unfinished import marked

log = logging.getLogger(__name__)

Show = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much is done, how much there is."""
Expect = Callable[[Forecast], None]
"""Told once how long it will take. The forecast then counts what is done."""

Item = TypeVar("Item")


def silent(label: str, done: int, total: int) -> None:
    """A `Show` that says nothing."""


@dataclass(frozen=True)
class Work:
    """How anything that takes long is done: kept when finished, and shown while under way."""

    cache: Cache = field(default_factory=lambda: Cache(None))
    show: Show = silent
    expect: Expect | None = None
    """None: nobody wants to know how long it will take."""
    pool: Pool | None = None
    """Processes that make groups; None: all are made here."""
    _state: State = field(default_factory=State)

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it keeps things in the same folder, and tells nobody."""
        return Work, (self.cache,)

    def count(self, label: str, what: str, pieces: int = 1) -> None:
        """Note that `pieces` were `what`: "found" in the cache, or "made"."""
        self._state.tally[label, what] += pieces

    def took(self, label: str, seconds: Iterable[float]) -> None:
        """Notes how long each of some pieces took, whenever they were made."""
        if not self.trying:
            self._state.took.setdefault(label, []).extend(seconds)

    def mean_seconds(self, label: str) -> float | None:
        """Of a piece of that label; None where nobody noted any."""
        noted = self._state.took.get(label)
        return sum(noted) / len(noted) if noted else None

    def log_counts(self) -> None:
        """Say by label what was found in the cache and what was made, since this was last said."""
        tally = self._state.tally
        for label in dict.fromkeys(label for label, _ in tally):
            counts = tally[label, "found"], tally[label, "made"]
            log.info("%s: %d found in the cache, %d made", label, *counts)
        tally.clear()

    @property
    def tally(self) -> Counter[tuple[str, str]]:
        """By label and "found" or "made", how many since this was last logged."""
        return self._state.tally

    def trial(self) -> AbstractContextManager[Forecast]:
        """Inside, whatever is asked for is answered after a few pieces of it: the answers are of
        no use, but the forecast is known at the end."""
        return self._state.as_trial()

    def with_what_is_kept(self) -> AbstractContextManager[None]:
        """Inside, nothing is made: all answers are kept ones, and as true as those. Raises: NotKept
        where one is not kept, at the end at the latest; then it is as if nothing had been asked."""
        return self._state.with_what_is_kept()

    @property
    def trying(self) -> Trial | None:
        """The trial that this is, if it is one."""
        return self._state.trial

    def foretell(self, forecast: Forecast) -> None:
        """From here on what is done is counted in the forecast, and who asked is told of it."""
        self._state.forecast = forecast
        if self.expect is not None:
            self.expect(forecast)

    def unless_given_up(self, who: Hashable) -> AbstractContextManager[None]:
        """In a trial, what is asked for inside is noted as not made once `who` is given up."""
        trial = self._state.trial
        return trial.unless_given_up(who) if trial else nullcontext()

    def given_up(self, who: Hashable) -> None:
        """What was noted so is not made: less is left to do."""
        if self._state.forecast:
            self._state.forecast.spare(who)

    def steps(self, label: str, start: int, stop: int, key: str = "") -> Iterator[int]:
        """The steps of a training. key: names it, so that a trial counts it once."""
        if self._state.trial:
            yield from self._state.trial.steps(label, start, stop, key)
            return
        for step in range(start, stop):
            self._state.new()
            yield step
            self._done(label, 1)

    def map(
        self,
        label: str,
        function: Callable[[Sequence[Item]], Sequence[Record]],
        items: Sequence[Item],
        *,
        together: int = 1,
        fits: Fits = anything,
    ) -> Iterator[Record]:
        """One record per item, under the fingerprint of both.

        function: from up to `together` items to a record for each. It and the items are picklable,
        so that they can be sent to the pool. No more records than that are in memory, or than the
        pool has room for. fits: as of `groups`.
        """
        keys = [fingerprint(function, item) for item in items]
        starts = range(0, len(items), together)
        groups = [range(s, min(s + together, len(items))) for s in starts]
        make = Task(lambda rows: [items[i] for i in rows], function)
        return self.groups(label, keys, groups, make, fits)

    def groups(
        self,
        label: str,
        keys: Sequence[str],
        groups: Sequence[Sequence[int]],
        make: Make,
        fits: Fits = anything,
    ) -> Iterator[Record]:
        """One record per row number of the groups, in their order: the kept one, or one of those
        that `make` gives for a group, here or (a `Task`) in the pool. fits: whether a kept one
        holds what is read from it; one that does not counts as absent.

        A group is made whole: sums of floats depend on what is computed together.
        """
        done = 0
        pool = self.pool if isinstance(make, Task) and len(groups) > 1 else None
        waits = self.trying is not None or self._state.missed is not None
        find = lambda rows: self.cache.all([keys[i] for i in rows], fits)  # noqa: E731
        with closing(begun(groups, keys, find, make, None if waits else pool)) as ahead:
            for rows, found in ahead:
                if isinstance(found, list):
                    self.count(label, "found", len(rows))
                else:
                    self._state.new()
                    self.say(label, done, len(keys))
                    ready = found.result if found else partial(make, rows)
                    found = self._made(label, [keys[i] for i in rows], ready, pool)
                done += len(rows)
                yield from found
        self.say(label, done, len(keys))

    def _made(
        self, label: str, keys: list[str], make: Callable[[], Sequence[Record]], pool: Pool | None
    ) -> list[Record]:
        if trial := self._state.trial:
            made, true = trial.make(label, keys, make, pool.workers if pool else 1)
            if not true:
                return made
        else:
            made = list(make())
        # Laid out in memory as they will be when they are read: sums of floats depend on it.
        made = [{name: tensor.contiguous() for name, tensor in r.items()} for r in made]
        for key, record in zip(keys, made, strict=True):
            self.cache.put(key, record)
        self.count(label, "made", len(keys))
        self._done(label, len(keys))
        runtime.give_back()
        return made

    def say(self, label: str, done: int, total: int) -> None:
        """Shows progress, unless this is a trial."""
        if not self._state.trial:
            self.show(label, done, total)

    def _done(self, label: str, pieces: int) -> None:
        if self._state.forecast and not self._state.trial:
            self._state.forecast.done[label] += pieces

    def through(
        self,
        label: str,
        keys: Sequence[str],
        make: Callable[[int], Record],
        fits: Fits = anything,
    ) -> list[Record]:
        """A record per key, one by one; as `groups`."""
        singles = [[i] for i in range(len(keys))]
        return list(self.groups(label, keys, singles, lambda rows: [make(i) for i in rows], fits))

    def forget_items(self) -> None:
        """What `per_item` remembers in memory; what is kept on disk stays."""
        self._state.rows.clear()

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
        mark, memory = fingerprint(function), self._state.rows
        new = {d: i for i, d in reversed(list(enumerate(digests))) if (mark, d) not in memory}
        missing = sorted(new.values())
        batches = [missing[i : i + batch] for i in range(0, len(missing), batch)]

        make = Task(lambda b: load(batches[b[0]]), Rows(function))
        keys = [fingerprint("per item", mark, [digests[i] for i in rows]) for rows in batches]
        if self._state.trial and marked(function):
            self._state.trial.doubt(keys)
        singles = [[b] for b in range(len(keys))]
        records = list(self.groups(label, keys, singles, make, FITS)) if keys else []
        for rows, record in zip(batches, records, strict=True):
            answers = record["rows"]
            if self._state.trial:  # those of a batch of another size
                answers = answers[torch.arange(len(rows)) % len(answers)]
            pairs = zip(rows, answers.numpy(), strict=True)  # a tenth of a tensor's overhead
            memory.update(((mark, digests[i]), row) for i, row in pairs)
        return torch.from_numpy(np.stack([memory[mark, d] for d in digests]))
