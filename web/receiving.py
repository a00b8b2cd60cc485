"""Requests as they come in: what cannot be kept is thrown away, and the sender gets a page.

waitress alone cuts the connection where a body is too large, or the disk is full. A browser that is
still sending then shows a broken connection, and no word of what to do.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

from waitress import create_server
from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

from web.limits import PIECE, Limits
from web.refused import Refused, no_room, too_large

if TYPE_CHECKING:
    from flask import Flask

_THREADS, _CONNECTIONS, _IDLE = 8, 100, 60
"""Requests at once, open connections, and seconds that one may be silent. Ours."""
_READ_TO_ITS_END = 10
"""Times the largest upload up to which one that is too large is read, for its sender to be told."""
_SENDING = 2 * PIECE
"""Bytes of an archive that wait to be sent, at most. With a piece more they are still held without
a file, so that a full disk keeps nobody from a download."""


def listening(app: Flask, where: socket.socket, limits: Limits) -> Any:
    """A waitress server; `run` serves."""
    server = create_server(
        app,
        sockets=[where],
        threads=_THREADS,
        connection_limit=_CONNECTIONS,
        channel_timeout=_IDLE,
        max_request_body_size=_READ_TO_ITS_END * limits.request_bytes,
        outbuf_high_watermark=_SENDING,
        outbuf_overflow=2 * _SENDING,
        ident="",
    )

    class Channel(HTTPChannel):  # type: ignore[misc]
        parser_class = staticmethod(partial(Parser, limits=limits))

    server.channel_class = Channel
    return server


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Of one request."""

    def __init__(self, adj: Any, limits: Limits) -> None:
        """adj: waitress' settings."""
        super().__init__(adj)
        self.limits = limits

    def parse_header(self, header_plus: bytes) -> None:
        """As waitress does, with another place for the body."""
        super().parse_header(header_plus)
        if self.body_rcv is not None:
            self.body_rcv.buf = Body(self.adj.inbuf_overflow, self.limits)


class Body(OverflowableBuffer):  # type: ignore[misc]
    """Of one request: in memory, or from some size on in an unnamed file. Once it cannot be kept,
    it is dropped; whoever reads it gets a refusal."""

    def __init__(self, overflow: int, limits: Limits) -> None:
        """overflow: bytes from which it is a file."""
        super().__init__(overflow)
        self.limits, self.received = limits, 0
        self.lost: Refused | None = None

    def __len__(self) -> int:
        return self.received

    def append(self, s: bytes) -> None:
        """The next bytes. Raises nothing."""
        self.received += len(s)
        if self.lost is None:
            try:
                self._keep(s)
            except OSError:
                self._drop(no_room())
            except Refused as why:
                self._drop(why)

    def _keep(self, s: bytes) -> None:
        """Raises: OSError, Refused."""
        if self.received > self.limits.request_bytes:
            raise too_large()
        if self.received >= self.overflow:
            free = shutil.disk_usage(tempfile.gettempdir()).free
            if free < self.limits.spare_bytes:
                raise no_room()
        super().append(s)

    def _drop(self, why: Refused) -> None:
        self.lost = why
        with contextlib.suppress(OSError):  # it cannot be written, but is closed
            self.close()
        self.buf, self.strbuf = None, b""

    def getfile(self) -> Any:
        """To read it from."""
        if self.lost is None:
            file = super().getfile()
            try:
                file.flush()
            except OSError:
                self._drop(no_room())
            else:
                return file
        assert self.lost
        return _Lost(self.lost)


class _Lost(io.RawIOBase):
    """In place of what was not kept. It raises no OSError: Werkzeug takes one for a browser that
    went away."""

    def __init__(self, why: Refused) -> None:
        super().__init__()
        self.why = why

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object, /) -> int:
        raise self.why
