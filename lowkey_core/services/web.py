"""Calls over HTTP to services without a program of their own: bounded, paced, without redirects."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests
from urllib3.exceptions import HTTPError

from lowkey_core.errors import ServiceError
from lowkey_core.services.endpoints import Endpoint
from lowkey_core.services.patience import Pace, TryAgain

LARGEST = 2**22
"""Bytes of an answer."""
_TIMEOUT = (10, 60)  # seconds to connect, and between two reads
Judged = TypeVar("Judged")


@dataclass(frozen=True)
class Reply:
    """What a service answered."""

    status: int
    content: Any
    """Parsed JSON; None where it is none."""
    text: str
    """What was written instead; "" where it is JSON."""
    after: float = 0.0
    """Seconds that it asks to wait."""


@dataclass
class Web:
    """A service by HTTP."""

    name: str
    """Of the recogniser, for messages."""
    endpoint: Endpoint
    pace: Pace
    secrets: tuple[str, ...] = field(repr=False)
    """What no message may hold."""
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def __post_init__(self) -> None:
        """Plain http is for this machine: no proxy of the environment is shown the pictures."""
        self.session.trust_env = self.endpoint.url.lower().startswith("https:")

    def ask(self, method: str, path: str, judge: Callable[[Reply], Judged], **given: Any) -> Judged:
        """What `judge` makes of the answer. given: as of requests. Servers that are unwell, and
        lines that break, are asked again, as is what `judge` raises TryAgain for.

        Raises: ServiceError.
        """

        def once() -> Judged:
            reply = self._send(method, path, **given)
            if reply.status == 429 or reply.status >= 500:
                raise TryAgain(f"{reply.status} {self.told(reply)}", reply.after)
            return judge(reply)

        return self.pace.call(once)

    def told(self, reply: Reply) -> str:
        """What a service says, for a message: short, and without secrets."""
        said = reply.text if reply.content is None else json.dumps(reply.content)
        for secret in filter(None, self.secrets):
            said = said.replace(secret, "***")
        return said[:300]

    def refused(self, reply: Reply, remedy: str) -> ServiceError:
        """The error for an answer that nothing can be made of."""
        return ServiceError(
            f"{self.name} refuses with {reply.status}: {self.told(reply)}",
            expected="leave to make, fill, search and delete a collection",
            remedy=remedy,
        )

    def _send(self, method: str, path: str, **given: Any) -> Reply:
        url = f"{self.endpoint.url}/{path}"
        try:
            with self.session.request(
                method, url, allow_redirects=False, stream=True, timeout=_TIMEOUT, **given
            ) as answer:
                content = answer.raw.read(LARGEST + 1, decode_content=True)
                after = answer.headers.get("Retry-After", "")
        except (requests.RequestException, HTTPError, OSError) as error:
            raise TryAgain(f"no answer ({type(error).__name__})") from error
        if len(content) > LARGEST:
            raise ServiceError(
                f"{self.name} gave an answer of more than {LARGEST:,} bytes",
                expected="some names and scores",
                remedy="see what is at the endpoint",
            )
        wait = float(after) if after.isdecimal() else 0.0
        try:
            return Reply(answer.status_code, json.loads(content), "", wait)
        except (ValueError, RecursionError):
            text = content.decode("utf-8", "replace")
            return Reply(answer.status_code, None, text, wait)


def key(name: str, variable: str, value: str) -> str:
    """A key out of the environment. Raises: ServiceError for none, and for what cannot be sent."""
    if not (value and value.isascii() and value.isprintable()):
        raise ServiceError(
            f"{name} has no key: {variable} "
            + ("has characters that no key has" if value else "is not set"),
            expected="the key of your own account there",
            remedy=f"set {variable}, see docs/services.md",
        )
    return value
