"""The queue: work is done one piece at a time, by turns of the sessions, and can be cancelled."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from web.refused import Refused

if TYPE_CHECKING:  # torch takes seconds to import
    from lowkey_core.work.forecast import Forecast


class Cancelled(BaseException):
    """Ends a job from inside. Not an Exception: what forgives an odd photo must not forgive it."""


@dataclass
class Job:
    """One photo, or one check."""

    session: str
    """Key of the session."""
    what: str
    """`photo 3`, or `check`."""
    work: Callable[[Job], None]
    seconds: float | None = None
    """That it may take; None: as long as it needs."""
    stage: str = ""
    done: int = 0
    total: int = 0
    began: float | None = None
    cancelled: bool = False
    overdue: bool = False
    forecast: Forecast | None = field(default=None, repr=False)

    def show(self, label: str, done: int, total: int) -> None:
        """Progress, as `lowkey_core.work.work.Show`. Raises: Cancelled."""
        self.stage, self.done, self.total = label, done, total
        if self.seconds is not None and self.running > self.seconds:
            self.overdue = True
        if self.cancelled or self.overdue:
            raise Cancelled

    def expect(self, forecast: Forecast) -> None:
        """As `lowkey_core.work.work.Expect`."""
        self.forecast = forecast

    @property
    def running(self) -> float:
        """Seconds since it began."""
        return 0.0 if self.began is None else time.monotonic() - self.began


class Jobs:
    """Waiting jobs by session, and those under way."""

    def __init__(self, workers: int, most: int) -> None:
        """workers: jobs at once. most: that may wait."""
        self.most = most
        self.after: Callable[[str], object] = len
        """Told a session's key after each job of it."""
        self._change = threading.Condition()
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self._running: list[Job] = []
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._closed = False
        self._threads = [
            threading.Thread(target=self._serve, daemon=True, name=f"worker {i}")
            for i in range(workers)
        ]

    def start(self) -> None:
        """From here on jobs are worked on."""
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Once: one that waits or runs already is left alone. Raises: Refused if too many wait."""
        with self._change:
            if self._closed or self._find(job.session, job.what):
                return
            if sum(map(len, self._waiting.values())) >= self.most:
                raise Refused(
                    503,
                    "Too many photos are waiting on this server.",
                    "What you sent is stored. Press Go on in a few minutes.",
                )
            self._waiting.setdefault(job.session, deque()).append(job)
            self._change.notify()

    def find(self, session: str, what: str) -> Job | None:
        """The job, while it waits or runs."""
        with self._change:
            return self._find(session, what)

    def ahead(self, job: Job) -> int:
        """How many jobs run, or come before one that waits."""
        with self._change:
            own = self._waiting.get(job.session, deque())
            if job not in own:
                return 0
            place, others = own.index(job), 0
            for session, queue in self._waiting.items():
                if session != job.session:
                    others += min(len(queue), place + 1)
            return len(self._running) + place + others

    def left(self, job: Job) -> float | None:
        """Seconds until it is done, about; None: nobody knows yet."""
        if job.forecast is not None:
            return job.forecast.left
        with self._change:
            took = list(self._took)
        if not took or job.what == CHECK:
            return None
        each = sum(took) / len(took)
        if job.began is not None:
            return max(0.0, each - job.running)
        return each * (self.ahead(job) + 1) / max(1, len(self._threads))

    def cancel(self, session: str, what: str | None = None) -> list[Job]:
        """Those of a session, or one of them: what waits is dropped, what runs ends at its next
        step. Returns what was dropped."""
        with self._change:
            for job in self._running:
                if job.session == session and what in (None, job.what):
                    job.cancelled = True
            queue = self._waiting.pop(session, deque())
            kept = deque(job for job in queue if what not in (None, job.what))
            if kept:
                self._waiting[session] = kept
            return [job for job in queue if job not in kept]

    def close(self, patience: float) -> None:
        """Ends all of it. patience: seconds to wait for what runs."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            for job in self._running:
                job.cancelled = True
            self._change.notify_all()
        until = time.monotonic() + patience
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))

    def idle(self) -> bool:
        """Whether nothing waits or runs."""
        with self._change:
            return not self._waiting and not self._running

    def _find(self, session: str, what: str) -> Job | None:
        jobs: Iterator[Job] = iter([*self._running, *self._waiting.get(session, ())])
        return next((j for j in jobs if (j.session, j.what) == (session, what)), None)

    def _next(self) -> Job | None:
        """Of the session that has waited longest; None at the end."""
        with self._change:
            while not self._waiting and not self._closed:
                self._change.wait()
            if self._closed:
                return None
            session, queue = self._waiting.popitem(last=False)
            job = queue.popleft()
            if queue:
                self._waiting[session] = queue  # behind the others
            job.began = time.monotonic()
            self._running.append(job)
            return job

    def _serve(self) -> None:
        from lowkey_core.work import runtime

        runtime.tune()  # denormal numbers are a setting of each thread
        while job := self._next():
            try:
                job.work(job)
                if job.what != CHECK:
                    self._took.append(job.running)
            except Cancelled:
                pass
            except Exception:  # a full disk, say: the page then offers to go on
                job.stage = "broken off"
            finally:
                self.after(job.session)
                with self._change:
                    self._running.remove(job)


CHECK = "check"
_REMEMBERED = 20
"""Photos by whose mean time the time left is told."""
