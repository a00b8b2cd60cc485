"""What no page but ours may do: hosts, origins, forms, rates, and what a browser may load.

DNS rebinding: another site's name is made to lead to this machine, so its scripts could read our
pages. They would ask with that name in `Host`; only our own names are answered. Whoever writes a
number instead of a name cannot be led astray, so numbers of this machine are names of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import threading
import time
from collections import OrderedDict, deque
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, request

from web.limits import Limits
from web.refused import Refused
from web.sessions import TOKEN, csrf_of, new_token

POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
ACCESS = "access"
"""Part of the name of the cookie that says that the access token was given."""


class Guard:
    """Looks at every request before anything else, and at every answer after it."""

    def __init__(self, limits: Limits, cookie: str, names: frozenset[str], access: str) -> None:
        """cookie: its name, with the port: other servers of this machine share our cookies.
        names: hosts beside this machine's own. access: the token that is asked for; "": none."""
        self.cookie, self.names, self.access = cookie, names, access
        self._posts, self._tries = Rate(limits.posts), Rate(limits.tries)

    def protect(self, app: Flask) -> None:
        """Before and after every request of `app`."""
        app.before_request(self.before)
        app.after_request(self.after)

    def before(self) -> None:
        """Raises: Refused."""
        g.token, g.new = "", True
        if not self._is_ours(request.host):
            raise Refused(
                421,
                "This server is not known by that name.",
                "Open the address that was printed when it was started.",
            )
        _same_site(request)
        token = request.cookies.get(self.cookie, "")
        g.new = not TOKEN.fullmatch(token)
        g.token = new_token() if g.new else token
        changes = request.method not in ("GET", "HEAD", "OPTIONS")
        if changes and not self._posts.allows(request.remote_addr or ""):
            raise Refused(429, "That were many requests at once.", "Wait a minute, and try again.")
        if changes:
            _own_origin(request)
        if not self.may_enter and request.endpoint not in ("enter.page", "enter.give", "static"):
            raise Refused(401, "This server asks for its access token.", "Enter it first.")
        if changes:
            self._own_form(request)

    def after(self, answer: Response) -> Response:
        """Adds what every answer carries."""
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        answer.headers.setdefault("Content-Security-Policy", POLICY)
        if g.get("token") and g.new and answer.mimetype == "text/html":
            self.give(answer, self.cookie, g.token)
        return answer

    def give(self, answer: Response, name: str, value: str) -> None:
        """A cookie for this server's own pages, until the browser closes."""
        answer.set_cookie(
            name, value, httponly=True, samesite="Strict", secure=request.is_secure, path="/"
        )

    @property
    def may_enter(self) -> bool:
        """Whether the access token was given, where one is asked for."""
        if not self.access:
            return True
        given = request.cookies.get(f"{self.cookie}_{ACCESS}", "")
        return hmac.compare_digest(given.encode(), self.pass_of(self.access).encode())

    def tried(self, given: str) -> bool:
        """Whether that is the access token. Raises: Refused after too many wrong ones."""
        if not self._tries.allows(request.remote_addr or ""):
            raise Refused(429, "That were many wrong tokens.", "Wait a minute, and try again.")
        return hmac.compare_digest(given.strip().encode(), self.access.encode())

    def pass_of(self, access: str) -> str:
        """What a browser keeps once the token was given."""
        return hashlib.sha256(b"access " + access.encode()).hexdigest()

    def _is_ours(self, host: str) -> bool:
        name = _name_in(host)
        if name in self.names:
            return True
        try:
            number = ipaddress.ip_address(name)
        except ValueError:
            return name == "localhost"
        return number.is_loopback or bool(self.access)

    def _own_form(self, asked: Request) -> None:
        given = asked.headers.get("X-Form-Token") or asked.form.get("form_token", "")
        if g.new or not hmac.compare_digest(given.encode(), csrf_of(g.token).encode()):
            raise Refused(
                403,
                "That form is not from this page, or it is too old.",
                "Go back to your photos, and try again.",
            )


def _same_site(asked: Request) -> None:
    """Other sites may link here; they may not load our pictures, frame us or post to us.

    Raises: Refused.
    """
    site = asked.headers.get("Sec-Fetch-Site", "none")
    linked = asked.headers.get("Sec-Fetch-Mode") == "navigate" and asked.method == "GET"
    if site not in ("none", "same-origin") and not linked:
        raise Refused(403, "Another site asked for this.", "Open this server's own address.")


def _own_origin(asked: Request) -> None:
    """Raises: Refused where the form is of another origin."""
    origin = asked.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != asked.host.lower():
        raise Refused(403, "That form is from another site.", "Open this server's own address.")


def _name_in(host: str) -> str:
    """The name in a `Host` header, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


class Rate:
    """So many a minute for each address; addresses are forgotten, the oldest first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, address: str) -> bool:
        """Whether one more may be; it is counted if so."""
        now = time.monotonic()
        with self._lock:
            seen = self._seen.setdefault(address, deque())
            self._seen.move_to_end(address)
            while len(self._seen) > _ADDRESSES:
                self._seen.popitem(last=False)
            while seen and now - seen[0] > _MINUTE:
                seen.popleft()
            if len(seen) >= self.most:
                return False
            seen.append(now)
            return True


_MINUTE, _ADDRESSES = 60.0, 10_000
