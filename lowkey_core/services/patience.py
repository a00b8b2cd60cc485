"""Calls no faster than a service allows, and again, a bounded number of times, where it is busy."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lowkey_core.errors import NoAnswerError

log = logging.getLogger(__name__)

TRIES = 6
"""Of one call. The waits between them are 1, 2, 4, 8 and 16 s, or what the service asks for."""
LONGEST = 60.0
"""Seconds of one wait, whatever the service asks for."""
Answer = TypeVar("Answer")
sleep, now = time.sleep, time.monotonic


class TryAgain(Exception):  # noqa: N818  it is caught here, and is no error yet
    """A call that may succeed later. after: seconds that the service asks for."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


@dataclass
class Pace:
    """Of the calls to one service."""

    name: str
    """Of the recogniser, for messages."""
    rate: float
    """Calls a second, at most."""
    _free: float = 0.0
    """When the next call may be made."""

    def call(self, do: Callable[[], Answer]) -> Answer:
        """What `do` returns, as soon as it does not raise TryAgain. Raises: NoAnswerError after
        the last try, and what `do` raises."""
        for tried in range(1, TRIES + 1):
            self._wait()
            try:
                return do()
            except TryAgain as again:
                if tried == TRIES:
                    raise NoAnswerError(
                        f"{self.name} was asked {TRIES} times, and says: {again}",
                        expected=f"an answer, at no more than {self.rate:g} calls a second",
                        remedy="give the same command again later, or with a lower rate=...: "
                        "what was answered is kept",
                    ) from None
                wait = min(LONGEST, max(again.after, 2.0 ** (tried - 1)))
                log.info("%s: %s; again in %.0f s", self.name, again, wait)
                sleep(wait)
        raise AssertionError("unreachable")

    def poll(self, ready: Callable[[], bool], what: str) -> None:
        """Until `ready`, asked at growing intervals for about ten minutes. Raises:
        NoAnswerError, and as `call`."""
        for asked in range(_POLLS):
            if self.call(ready):
                return
            sleep(min(10.0, 2.0**asked))
        raise NoAnswerError(
            f"{self.name}: {what} has not ended after {_POLLS} looks",
            expected="an end within ten minutes",
            remedy="give the same command again later: what was answered is kept",
        )

    def _wait(self) -> None:
        if (left := self._free - now()) > 0:
            sleep(left)
        self._free = now() + 1 / self.rate


_POLLS = 64
