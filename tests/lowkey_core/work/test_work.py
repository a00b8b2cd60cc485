"""Work is kept under what made it, in groups that are made whole; a trial foretells it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from lowkey_core.work.cache import Cache
from lowkey_core.work.forecast import ENOUGH, LEAST, STEPS, Forecast
from lowkey_core.work.records import Record, shaped
from lowkey_core.work.state import NotKept
from lowkey_core.work.work import Work

ITEMS = list(range(10))


class Squares:
    """Counts what it is asked for."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.asked: list[list[int]] = []
        self.seconds, self.fingerprint = seconds, "squares"

    def __call__(self, items: Sequence[int]) -> list[Record]:
        self.asked.append(list(items))
        time.sleep(self.seconds)
        return [{"square": torch.tensor(i * i)} for i in items]


def squares(work: Work, function: Squares, together: int = 4) -> list[int]:
    records = work.map("squaring", function, ITEMS, together=together)
    return [int(record["square"]) for record in records]


def test_items_are_given_together_and_answered_one_by_one(tmp_path: Path) -> None:
    function = Squares()
    assert squares(Work(Cache(tmp_path)), function) == [i * i for i in ITEMS]
    assert function.asked == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_group_is_made_whole_and_only_where_something_is_missing(tmp_path: Path) -> None:
    """So what is computed together does not depend on what was interrupted."""
    cache = Cache(tmp_path)
    squares(Work(cache), Squares())
    for file in sorted(tmp_path.rglob("*.safetensors"))[:1]:
        file.unlink()
    function = Squares()
    assert squares(Work(cache), function) == [i * i for i in ITEMS]
    (again,) = function.asked
    assert again in ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9])


def test_a_trial_makes_few_pieces_and_knows_how_many_there_are(tmp_path: Path) -> None:
    work, function = Work(Cache(tmp_path)), Squares(seconds=0.3)
    with work.trial() as forecast:
        assert len(squares(work, function)) == len(ITEMS), "each is answered"
    assert function.asked == [[0, 1, 2, 3], [4, 5, 6, 7]], "then enough is known"
    assert forecast.pieces == {"squaring": 10}
    assert 0.3 / 4 <= forecast.rates["squaring"] < forecast.seconds


def test_what_a_trial_makes_is_kept_and_what_it_repeats_is_not(tmp_path: Path) -> None:
    work, function = Work(Cache(tmp_path)), Squares(seconds=0.3)
    with work.trial():
        squares(work, function)
    assert squares(work, function) == [i * i for i in ITEMS]
    assert function.asked[2:] == [[8, 9]]


def test_a_trial_leaves_nothing_in_memory_and_shows_nothing(tmp_path: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    work = Work(Cache(tmp_path), lambda *said: shown.append(said))
    digests, slow = [f"{i}" for i in range(200)], Slow()

    def values(count: int) -> torch.Tensor:
        numbers = torch.arange(200.0)
        return work.per_item("doubling", slow, digests[:count], lambda rows: numbers[rows])

    with work.trial() as forecast:
        assert values(3).shape == (3, 1)
        assert values(200).shape == (200, 1), "also where the first batch was smaller"
    assert (forecast.pieces, shown, work.tally) == ({"doubling": 5}, [], {})
    assert torch.equal(values(200)[:, 0], 2.0 * torch.arange(200))


class Slow:
    fingerprint = "slow"

    def __call__(self, numbers: torch.Tensor) -> torch.Tensor:
        time.sleep(0.6)
        return 2 * numbers[:, None]


def test_a_trial_takes_a_few_of_many_steps() -> None:
    work = Work()
    with work.trial() as forecast:
        assert list(work.steps("learning", 10, 1000)) == [10] * STEPS
        for key in ("one", "one", "other"):
            assert list(work.steps("learning", 0, 5, key)) == [0] * STEPS
    assert forecast.pieces == {"learning": 990 + 2 * 5}, "one training is found the second time"
    assert list(work.steps("learning", 10, 15)) == list(range(10, 15))


def test_a_trial_takes_fewer_steps_of_what_takes_long() -> None:
    work, taken = Work(), list[str]()
    with work.trial() as forecast:
        for key in ("one", "other"):
            for _ in work.steps("learning", 0, 5, key):
                time.sleep(ENOUGH)
                taken.append(key)
    assert taken == ["one"] * LEAST, "the other is no longer than the one"
    assert forecast.pieces == {"learning": 2 * 5}
    assert forecast.rates["learning"] == pytest.approx(ENOUGH, rel=0.5)


def test_what_is_done_is_counted_and_the_rest_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything takes twice as long as in the trial, so will the rest."""
    told: list[Forecast] = []
    forecast = Forecast(rates={"squaring": 1.0}, beside=10.0, started=100.0)
    forecast.pieces["squaring"] = 10
    monkeypatch.setattr(time, "perf_counter", lambda: 100.0)
    work = Work(expect=told.append)
    work.foretell(forecast)
    assert told == [forecast]
    assert forecast.seconds == forecast.left == 20.0
    squares(work, Squares(), together=5)
    assert forecast.done == {"squaring": 10}
    assert forecast.left == 0.0
    forecast.done["squaring"] = 4
    monkeypatch.setattr(time, "perf_counter", lambda: 116.0)  # of 8 s
    assert forecast.left == pytest.approx(24.0)


def test_with_everything_kept_nothing_is_left(tmp_path: Path) -> None:
    work = Work(Cache(tmp_path))
    squares(work, Squares())
    with work.trial() as forecast:
        squares(work, Squares())
    assert (forecast.pieces, forecast.trial) == ({}, 0.0)


def test_where_nothing_may_be_made_what_is_kept_is_answered(tmp_path: Path) -> None:
    work, function = Work(Cache(tmp_path)), Squares()
    squares(work, Squares())
    with work.with_what_is_kept():
        assert squares(work, function) == [i * i for i in ITEMS]
        work.took("squaring", [2.0])
        assert list(work.steps("learning", 5, 5)) == [], "it was finished before"
    assert function.asked == []
    assert (work.tally["squaring", "found"], work.mean_seconds("squaring")) == (10, 2.0)


@pytest.mark.parametrize("caught", [False, True])
def test_where_nothing_may_be_made_the_first_that_is_not_kept_ends_it(
    tmp_path: Path, *, caught: bool
) -> None:
    """Also if somebody survives it; then it is as if nothing had been asked."""
    work, function = Work(Cache(tmp_path)), Squares()
    squares(work, Squares(), together=1)
    sorted(tmp_path.rglob("*.safetensors"))[0].unlink()
    work.tally.clear()

    def ask() -> None:
        with work.with_what_is_kept(), contextlib.suppress(NotKept if caught else ()):
            work.took("squaring", [2.0])
            squares(work, function, together=1)

    with pytest.raises(NotKept):
        ask()
    assert (function.asked, work.tally, work.mean_seconds("squaring")) == ([], {}, None)
    assert squares(work, function, together=1) == [i * i for i in ITEMS], "afterwards it is made"
    assert len(function.asked) == 1


def test_where_nothing_may_be_made_nothing_is_learned() -> None:
    work = Work()
    with pytest.raises(NotKept), work.with_what_is_kept():
        next(work.steps("learning", 3, 5))


def test_a_kept_record_that_does_not_hold_what_is_read_counts_as_absent(tmp_path: Path) -> None:
    """However well it is sealed."""
    cache, fits = Cache(tmp_path), shaped(square=(torch.int64,))
    for odd in (
        {"x": torch.tensor(1)},
        {"square": torch.ones(2).long()},
        {"square": torch.ones(())},
    ):
        squares(Work(cache), Squares())
        path = sorted(tmp_path.rglob("*.safetensors"))[0]
        cache.put(path.parent.name + path.stem, odd)
        function = Squares()
        records = Work(cache).map("squaring", function, ITEMS, together=4, fits=fits)
        assert [int(record["square"]) for record in records] == [i * i for i in ITEMS]
        assert len(function.asked) == 1
