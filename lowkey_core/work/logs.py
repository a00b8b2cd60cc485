"""The log of `--verbose`, on stderr. Without that option only warnings are shown."""

from __future__ import annotations

import io
import logging
import sys
from typing import IO, cast

from rich.console import Console
from rich.logging import RichHandler

from lowkey_core.errors import one_line

_OURS = ("lowkey_core", "adversaries", "audit", "reports")
"""Packages whose log is shown."""
_TIME = "%H:%M:%S"


def show(level: int = logging.INFO) -> None:
    """Log our packages' messages from `level` up on stderr. A second call changes nothing.

    Rich formats the lines on a terminal. Elsewhere each message is one line without colours.
    """
    handler = _rich() if sys.stderr.isatty() else _plain()
    for name in _OURS:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.handlers = [handler]


def _rich() -> logging.Handler:
    handler = RichHandler(
        console=Console(file=cast(IO[str], _Stderr())),
        show_level=False,
        show_path=False,
        omit_repeated_times=False,
        markup=False,
    )
    handler.setFormatter(_Escaped("%(name)s: %(message)s", _TIME))
    return handler


def _plain() -> logging.Handler:
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(_Escaped("%(asctime)s %(name)s: %(message)s", _TIME))
    return handler


class _Stderr(io.TextIOBase):
    """Writes to whatever `sys.stderr` is at the time: rich's progress bars replace it, and would
    be garbled by text that does not pass through them."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def isatty(self) -> bool:
        return sys.stderr.isatty()


class _Escaped(logging.Formatter):
    """Escapes control characters, so that a file name can forge neither lines nor colours."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return one_line(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802
        return "\n".join(map(one_line, super().formatException(ei).splitlines()))  # type: ignore[arg-type]
