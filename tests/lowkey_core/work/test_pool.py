"""Groups that a pool makes: begun ahead, as many as it has room for, and kept in their order."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch

from lowkey_core.work.cache import Cache
from lowkey_core.work.pool import Task
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work


def squares(items: Sequence[int]) -> list[Record]:
    return [{"square": torch.tensor(i * i)} for i in items]


@dataclass
class Waiting:
    """Makes a group when it is asked for its result."""

    pool: Elsewhere
    task: Task[Any]
    given: Any
    rows: tuple[int, ...]

    def result(self) -> list[Record]:
        self.pool.flying.remove(self.rows)
        return list(self.task.do(self.given))

    def drop(self) -> None:
        self.pool.flying.remove(self.rows)
        self.pool.dropped.append(self.rows)


@dataclass
class Elsewhere:
    """A pool in this process that notes what it was sent."""

    workers: int = 2
    window: int = 4
    sent: list[tuple[int, ...]] = field(default_factory=list)
    flying: list[tuple[int, ...]] = field(default_factory=list)
    dropped: list[tuple[int, ...]] = field(default_factory=list)
    most: int = 0

    def send(self, task: Task[Any], rows: Sequence[int]) -> Waiting | None:
        self.sent.append(tuple(rows))
        self.flying.append(tuple(rows))
        self.most = max(self.most, len(self.flying))
        return Waiting(self, task, task.take(rows), tuple(rows))


def test_never_more_groups_are_begun_than_there_is_room_for() -> None:
    pool, taken = Elsewhere(window=3), 0
    for record in Work(pool=pool).map("squaring", squares, range(20), together=2):
        assert int(record["square"]) == taken**2
        taken += 1
        assert len(pool.sent) <= taken // 2 + 3, "what a group needs is read when it is begun"
    assert (taken, pool.most, len(pool.sent)) == (20, 3, 10)


def test_what_is_kept_is_not_sent_and_what_comes_back_is_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    list(Work(cache).map("squaring", squares, range(4), together=2))
    for rest, sent in ((10, [(4, 5), (6, 7), (8, 9)]), (10, [])):
        pool = Elsewhere()
        work = Work(cache, pool=pool)
        found = list(work.map("squaring", squares, range(rest), together=2))
        assert [int(r["square"]) for r in found] == [i * i for i in range(rest)]
        assert pool.sent == sent
        assert work.tally["squaring", "made"] == 2 * len(sent)


@pytest.mark.parametrize("pool", [None, Elsewhere()])
def test_a_group_that_was_made_before_under_other_numbers_is_found(
    pool: Elsewhere | None, tmp_path: Path
) -> None:
    """As in one process: which group a record was made in decides its last bits."""
    work = Work(Cache(tmp_path), pool=pool)
    items = [1, 2, 3, 4, 2, 3, 5, 6]
    found = list(work.map("squaring", squares, items, together=2))
    assert [int(r["square"]) for r in found] == [i * i for i in items]
    assert work.tally == {("squaring", "made"): 6, ("squaring", "found"): 2}


def test_a_lone_group_and_what_is_no_task_are_made_here() -> None:
    pool = Elsewhere()
    work = Work(pool=pool)
    list(work.map("squaring", squares, range(4), together=4))
    work.through("squaring", ["1", "2", "3"], lambda i: squares([i])[0])
    assert pool.sent == []


def test_a_trial_sends_nothing_and_knows_how_many_will_work_at_a_time() -> None:
    pool = Elsewhere(workers=3)
    work = Work(pool=pool)
    with work.trial() as forecast:
        list(work.map("squaring", squares, range(12), together=2))
        list(work.map("one by one", squares, range(50, 52), together=2))
    assert pool.sent == []
    assert forecast.abreast == {"squaring": 3, "one by one": 1}
    forecast.rates = {"squaring": 3.0, "one by one": 1.0}
    forecast.beside = 0.0
    assert forecast.seconds == pytest.approx(12 * 3.0 / 3 + 2 * 1.0)


def test_an_error_is_raised_in_its_turn_and_drops_what_was_begun_after_it(tmp_path: Path) -> None:
    def fails(items: Sequence[int]) -> list[Record]:
        if 6 in items:
            raise ValueError("six")
        return squares(items)

    pool = Elsewhere(window=3)
    work = Work(Cache(tmp_path), pool=pool)
    with pytest.raises(ValueError, match="six"):
        list(work.map("squaring", fails, range(20), together=2))
    assert pool.flying == []
    assert pool.dropped == [(8, 9), (10, 11)]
    assert work.tally["squaring", "made"] == 6, "what came before it is kept"


def test_whoever_takes_no_more_leaves_nothing_begun() -> None:
    pool = Elsewhere()
    records = Work(pool=pool).map("squaring", squares, range(20))
    next(records)
    assert pool.flying
    records.close()  # type: ignore[attr-defined]
    assert pool.flying == []


def test_work_goes_to_another_process_without_its_pool_and_whom_it_tells(tmp_path: Path) -> None:
    work = Work(Cache(tmp_path), lambda *_: None, print, Elsewhere())
    with work.trial():
        sent = pickle.loads(pickle.dumps(work))
    assert sent.cache.root == tmp_path
    assert (sent.pool, sent.expect, sent.trying) == (None, None, None)
