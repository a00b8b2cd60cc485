"""A stand-in for commercial face services: on loopback, a real recogniser inside.

It speaks the dialects of `DIALECTS`, keeps collections, checks keys, remembers what it was asked,
and can be told to answer otherwise: once, always, or not at all for a while.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import torch
from torch import Tensor

from lowkey_core.faces import detection
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.types import Network, Pixels

KEY, SECRET = "AKIDSTANDIN", "a-secret-that-is-written-nowhere"


@dataclass(frozen=True)
class Reply:
    """An answer. content: JSON, or text or bytes as they are."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")

    @property
    def form(self) -> dict[str, bytes]:
        """Fields of a form, with its files."""
        kind = self.headers["content-type"]
        if kind.startswith("application/x-www-form-urlencoded"):
            return {k: v.encode() for k, v in parse_qsl(self.body.decode())}
        message = BytesParser(policy=HTTP).parsebytes(
            b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.body
        )
        parts = (part for part in message.iter_parts())
        return {
            str(p.get_param("name", header="content-disposition")): p.get_payload(decode=True)
            for p in parts
        }


@dataclass
class Face:
    """One that was indexed."""

    token: str
    person: str
    vector: Tensor


@dataclass
class Store:
    """A collection, in any dialect."""

    faces: list[Face] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    trained: bool = False


Seen = tuple[Tensor, tuple[int, int, int, int], Pixels]
"""A face as a unit vector, its box, and the photo."""


@dataclass
class StandIn:
    """The service's state, and its switches."""

    network: Network
    key: str = KEY
    """Of the account that is asked."""
    stores: dict[str, Store] = field(default_factory=dict)
    tokens: dict[str, Tensor] = field(default_factory=dict)
    """Faces that were detected and belong to no collection yet."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Operation, collection, and digest of the photo or ""."""
    once: defaultdict[str, deque[Reply | None]] = field(default_factory=lambda: defaultdict(deque))
    """By operation, answers to give first; None: the true one."""
    always: dict[str, Reply] = field(default_factory=dict)
    sees: Callable[[Pixels], bool] = lambda _: True
    """Whether it finds the face."""
    poor: Callable[[Pixels], list[str]] = lambda _: []
    """Reasons not to index it."""
    polls: int = 0
    """How often training is said to run."""
    holds_after: int | None = None
    """The request after so many waits for `released`."""
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    _looked: dict[str, Seen | None] = field(default_factory=dict, repr=False)

    def look(self, photo: bytes) -> Seen | None:
        """The main face of a photo, if it sees one."""
        key = hashlib.sha256(photo).hexdigest()
        if key not in self._looked:
            self._looked[key] = self._look(photo)
        found = self._looked[key]
        return found if found and self.sees(found[2]) else None

    def _look(self, photo: bytes) -> Seen | None:
        pixels = decode_pixels(photo)
        frames = detection.detect_all([pixels])[0]
        if not frames:
            return None
        template = self.network.template
        face = detection.cut(pixels, frames[0].to(template), template.size)
        with torch.no_grad():
            vector = FlipAveraged(self.network)(face[None].float().div(255))[0]
        left, top, right, bottom = (int(v) for v in frames[0].box.tolist())
        return vector, (left, top, right - left, bottom - top), pixels

    def nearest(self, store: Store, vector: Tensor) -> list[tuple[Face, float]]:
        """Every face with its cosine, the most alike first."""
        found = [(face, float(face.vector @ vector)) for face in store.faces]
        return sorted(found, key=lambda pair: -pair[1])

    def told(self, operation: str, collection: str = "", photo: bytes = b"") -> Reply | None:
        """Remembers a request; an answer that stands in for the true one, if one was wished."""
        digest = hashlib.sha256(photo).hexdigest() if photo else ""
        self.asked.append((operation, collection, digest))
        if self.holds_after is not None and len(self.asked) > self.holds_after:
            self.held.set()
            self.released.wait(120)
        waiting = self.once[operation]
        return waiting.popleft() if waiting else self.always.get(operation)

    def count(self, operation: str) -> int:
        return sum(name == operation for name, *_ in self.asked)

    def token(self) -> str:
        return str(uuid.uuid4())


Dialect = Callable[[StandIn, Request], Reply | None]
"""None: it is not spoken to."""


def serve(service: StandIn, dialects: list[Dialect]) -> ThreadingHTTPServer:
    """Listens on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and content in one packet: a second would wait for the first's ACK
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            address = urlsplit(self.path)
            request = Request(
                self.command,
                address.path,
                dict(parse_qsl(address.query)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(length),
            )
            replies = (dialect(service, request) for dialect in dialects)
            reply = next((r for r in replies if r), Reply(404, "no such page"))
            plain = isinstance(reply.content, str | bytes)
            content = reply.content if plain else json.dumps(reply.content)
            content = content.encode() if isinstance(content, str) else content
            self.send_response(reply.status)
            headers = {
                "Content-Type": "text/plain" if plain else "application/json",
                "Content-Length": str(len(content)),
            }
            for name, value in {**headers, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
