"""What changes while work is done, and two ways in which it is done otherwise: as a trial, and
with what is kept alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from lowkey_core.work.forecast import Forecast, Trial


class NotKept(BaseException):
    """Something would have to be made where nothing may be. No adversary survives it, as none
    survives an interrupt."""


@dataclass
class State:
    """Of `Work`."""

    rows: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    """What `Work.per_item` remembers."""
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: dict[str, list[float]] = field(default_factory=dict)
    trial: Trial | None = None
    forecast: Forecast | None = None
    missed: bool | None = None
    """Whether something had to be made where nothing may be; None: it may."""

    @contextmanager
    def as_trial(self) -> Iterator[Forecast]:
        """As `Work.trial`."""
        began, known, tally = time.perf_counter(), dict(self.rows), Counter(self.tally)
        self.trial = Trial()
        try:
            yield self.trial.forecast
        finally:
            forecast = self.trial.forecast
            forecast.beside = time.perf_counter() - began - forecast.trial
            forecast.started = time.perf_counter()
            self.trial, self.rows, self.tally = None, known, tally

    @contextmanager
    def with_what_is_kept(self) -> Iterator[None]:
        """As `Work.with_what_is_kept`."""
        tally, took = Counter(self.tally), {label: [*s] for label, s in self.took.items()}
        self.missed = False
        try:
            yield
            if self.missed:  # and somebody caught it
                raise NotKept
        except NotKept:
            self.tally, self.took = tally, took
            raise
        finally:
            self.missed = None

    def new(self) -> None:
        """Something is about to be made. Raises: NotKept."""
        if self.missed is not None:
            self.missed = True
            raise NotKept
