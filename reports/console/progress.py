"""Progress on stderr: bars with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from lowkey_core.errors import one_line
from reports.console.forecast import duration

if TYPE_CHECKING:  # torch takes seconds to import
    from lowkey_core.work.forecast import Forecast

QUIET = 10.0
"""Seconds between two plain lines about one thing."""


class Progress:
    """`show` is a `lowkey_core.work.work.Show`."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.tasks: dict[str, int] = {}
        self.said: dict[str, float] = {}
        self.began: dict[str, tuple[float, int]] = {}
        """By label, when the first piece of it was made, and how many were there."""
        self.forecast: Forecast | None = None

    def __enter__(self) -> Self:
        if self.terminal:
            self.bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.terminal:
            self.bars.stop()  # elsewhere it would print an empty line

    def expect(self, forecast: Forecast) -> None:
        """From here on it is said how much time is left. A `lowkey_core.work.work.Expect`."""
        self.forecast = forecast

    def show(self, label: str, done: int, total: int) -> None:
        """Called before every piece of work, and once more after the last."""
        if self.terminal:
            self._bar(label, done, total)
        elif done < total and (now := time.monotonic()) - self.said.get(label, -QUIET) >= QUIET:
            self.said[label] = now
            self._line(f"{label}: {done} of {total}{self._left(label, done, total, now)}")
        elif done == total and label in self.said and not self.forecast:
            del self.said[label]
            self._line(f"{label}: all {total}")

    def _left(self, label: str, done: int, total: int, now: float) -> str:
        """As the forecast says; before there is one, by the speed of this label so far."""
        began, before = self.began.setdefault(label, (now, done))
        if self.forecast:
            return f"; {duration(self.forecast.left)} left in all"
        if done == before:
            return ""
        return f"; {duration((now - began) / (done - before) * (total - done))} left of that"

    def say(self, text: str) -> None:
        """A line of plain text that stays, above the bars."""
        if self.terminal:
            self.bars.console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)
        else:
            self._line(text)

    @staticmethod
    def _line(text: str) -> None:
        print(one_line(text), file=sys.stderr, flush=True)

    def _bar(self, label: str, done: int, total: int) -> None:
        if self.forecast:
            self._all(self.forecast)
        if label not in self.tasks:
            if done == total:  # all of it was finished before
                return
            self.tasks[label] = self.bars.add_task(one_line(label), total=total)
        if done == total:
            self.bars.remove_task(self.tasks.pop(label))  # type: ignore[arg-type]
        else:
            self.bars.update(self.tasks[label], completed=done, total=total)  # type: ignore[arg-type]

    def _all(self, forecast: Forecast) -> None:
        left = f"everything, {duration(forecast.left)} left"
        if _ALL not in self.tasks:
            self.tasks[_ALL] = self.bars.add_task(left, total=None)
        self.bars.update(self.tasks[_ALL], description=left)  # type: ignore[arg-type]


_ALL = "everything"
