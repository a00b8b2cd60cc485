"""A command from start to end: problems become one line, an interruption an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable

from lowkey_core.errors import AuditError, as_flag
from lowkey_core.plugins.code import Interrupted, blame
from lowkey_core.work.files import explained
from reports.console.commands import BAD_INPUT, say

log = logging.getLogger(__name__)

INTERRUPTED = 130


def to_the_end(app: Callable[[], object]) -> None:
    """Runs `app`. Raises: SystemExit, with BAD_INPUT where the user can mend what is wrong."""
    signal.signal(signal.SIGINT, interrupted)
    try:
        with explained(), blame():
            try:
                app()
            finally:
                _flush()
    except AuditError as error:
        log.info("where it was raised", exc_info=error)
        say(f"error: {error.worded(as_flag)}")
        raise SystemExit(BAD_INPUT) from None


def _flush() -> None:
    """A full disk is told here, and not once more by Python on its way out."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # a reader that has seen enough
            raise


def interrupted(*_: object) -> None:
    """What SIGINT does. Raises: Interrupted."""
    say("interrupted; the same command resumes")
    raise Interrupted(INTERRUPTED)
