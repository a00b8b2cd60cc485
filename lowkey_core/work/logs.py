"""What `--verbose` shows: this project's log, on stderr. Nothing is shown otherwise."""

from __future__ import annotations

import logging
import sys

from lowkey_core.errors import one_line

_OURS = ("lowkey_core", "adversaries", "audit", "reports", "cli")


def show() -> None:
    """Show what our packages log, and nobody else's; again is as good as once."""
    handler = _Stderr()
    handler.setFormatter(_OneLine("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.handlers = [handler]


class _Stderr(logging.Handler):
    """Asks for stderr each time, as progress bars put a stand-in there."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


class _OneLine(logging.Formatter):
    """Names of files cannot forge lines; a traceback keeps its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return one_line(super().formatMessage(record))
