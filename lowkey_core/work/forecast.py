"""How long work will take, from a trial: of everything that is not kept yet a few pieces are made,
and timed."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from lowkey_core.work.records import Record

ENOUGH = 0.5
"""Seconds of trial after which a rate is known well enough."""
STEPS, LEAST = 3, 2
"""How often a trial takes the first step of a training, at most, and at least if nobody took one
like it before: the first also prepares. The fastest counts."""


@dataclass
class Forecast:
    """What there is to make, how long a piece takes, and what is left of it while it is made."""

    pieces: Counter[str] = field(default_factory=Counter)
    """By label, those that are not kept yet."""
    rates: dict[str, float] = field(default_factory=dict)
    """By label, seconds of a piece."""
    abreast: dict[str, int] = field(default_factory=dict)
    """By label, how many processes make pieces at the same time; one where nothing is said."""
    trial: float = 0.0
    """Seconds that making pieces took in the trial."""
    beside: float = 0.0
    """Seconds of everything that is not kept: reading, cutting, comparing."""
    kept: Counter[str] = field(default_factory=Counter)
    """By label, those that the trial has made."""
    done: Counter[str] = field(default_factory=Counter)
    """By label, those that were made since."""
    started: float = field(default_factory=time.perf_counter)
    """When the work began that this foretells."""
    spared: defaultdict[Hashable, Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    """By who may be given up early: by label, what is then not made."""
    made_up: bool = False
    """Whether the trial answered anything with what it repeated."""

    def each(self, label: str) -> float:
        """Seconds that every piece adds to the whole."""
        return self.rates.get(label, 0.0) / self.abreast.get(label, 1)

    def spare(self, who: Hashable) -> None:
        """Somebody was given up."""
        self.pieces -= self.spared.pop(who, Counter())

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.beside + sum(n * self.each(label) for label, n in self.pieces.items())

    @property
    def left(self) -> float:
        """Seconds to go: what is left by the rates, times how true they have been so far."""
        rest = {label: n - self.kept[label] for label, n in self.pieces.items()}
        everything = sum(n * self.each(label) for label, n in rest.items())
        made = sum(min(self.done[label], n) * self.each(label) for label, n in rest.items())
        share = made / everything if everything else 1.0
        passed = time.perf_counter() - self.started
        truth = (
            passed / (share * (everything + self.beside))
            if share >= _TELLING and everything
            else 1.0
        )
        return (1 - share) * (everything + self.beside) * truth


_TELLING = 0.05
"""Share of the work after which the time that it took says something about the rest."""


class Trial:
    """Stands in for making things: makes some, and repeats one of them for the rest."""

    def __init__(self) -> None:
        self.forecast = Forecast()
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._samples: dict[str, Record] = {}
        self._asked: set[str] = set()
        self._doubted: set[str] = set()

    def make(
        self,
        label: str,
        keys: Sequence[str],
        make: Callable[[], Sequence[Record]],
        abreast: int = 1,
    ) -> tuple[list[Record], bool]:
        """A record for each key, and whether they are what they should be. abreast: how many
        processes will make such at the same time."""
        self.forecast.abreast[label] = max(abreast, self.forecast.abreast.get(label, 1))
        new = {key for key in keys if key not in self._asked}  # the rest would be found
        self._asked |= new
        self.forecast.pieces[label] += len(new)
        if label in self._samples and self._spent[label] >= ENOUGH:
            self.forecast.made_up = True
            return [self._samples[label]] * len(keys), False
        began = time.perf_counter()
        made = list(make())
        self._timed(label, time.perf_counter() - began, len(keys))
        self._samples.setdefault(label, made[0])
        if not self._doubted.isdisjoint(keys):
            return made, False
        self.forecast.kept[label] += len(new)
        return made, True

    def doubt(self, keys: Iterable[str]) -> None:
        """What is made under these keys is not what it should be, and not kept."""
        self._doubted.update(keys)

    @contextmanager
    def unless_given_up(self, who: Hashable) -> Iterator[None]:
        """What is asked for inside is not made where `who` was given up before."""
        before = Counter(self.forecast.pieces)
        yield
        self.forecast.spared[who] += self.forecast.pieces - before

    def foreseen(self, label: str, sample: Record, seconds: float) -> None:
        """Of this label nothing is made at all: a piece takes so many seconds, and looks so."""
        self._samples[label], self._spent[label] = sample, ENOUGH
        self.forecast.rates[label] = seconds

    def steps(self, label: str, start: int, stop: int, key: str = "") -> Iterator[int]:
        """The first of them, a few times: what it reads is read once. None where enough is known
        of trainings with this label. A training whose key was here before is not counted again: it
        would be found."""
        if not key or key not in self._asked:
            self.forecast.pieces[label] += stop - start
        self._asked.add(key)
        least = 0 if label in self.forecast.rates else LEAST
        for taken in range(STEPS):
            if taken >= least and self._spent[label] >= ENOUGH:
                break
            began = time.perf_counter()
            yield start
            self._timed(label, time.perf_counter() - began, 1)

    def _timed(self, label: str, seconds: float, pieces: int) -> None:
        """The fastest counts: the first of a kind also prepares."""
        self._spent[label] += seconds
        self.forecast.trial += seconds
        rate = seconds / pieces
        self.forecast.rates[label] = min(rate, self.forecast.rates.get(label, rate))
