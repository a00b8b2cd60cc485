"""Where a service is asked: at its vendor's own host, or at one that only speaks its dialect."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lowkey_core.errors import OptionError


@dataclass(frozen=True)
class Endpoint:
    """An address that pictures may be sent to."""

    url: str
    """`https://HOST[:PORT][/PATH]`, without a slash at its end; plain http on this machine only."""
    simulated: bool
    """It is not the vendor's own: what answers there is not the vendor's service."""

    @property
    def host(self) -> str:
        """With its port, if one is named."""
        return urlsplit(self.url).netloc


def endpoint(url: str, own: re.Pattern[str], name: str) -> Endpoint:
    """own: matches the vendor's host names whole. name: of the recogniser, for messages.

    Raises: OptionError for an address that pictures are not sent to.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused(url, name, "is no address") from None
    if "@" in parts.netloc:
        raise _refused(url, name, "names a user or a password")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise _refused(url, name, "is no address")
    if parts.scheme == "http" and not _here(host):
        raise _refused(url, name, "is where everybody on the way could see the pictures")
    vendors = parts.scheme == "https" and port in (None, 443) and own.fullmatch(host)
    return Endpoint(url.rstrip("/"), not vendors)


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_SHOWN = re.compile(r"[a-z]{1,9}://([\w.-]+|\[[0-9a-f:.]+\])(:\d+)?(?=[/?#]|$)", re.IGNORECASE)
"""Of an address: scheme and host. There is none where a user's name or a password may stand."""


def _refused(url: str, name: str, why: str) -> OptionError:
    shown = None if "@" in url else _SHOWN.match(url)
    return OptionError(
        f"the endpoint of {name}{f', {shown[0]},' if shown else ''} {why}",
        expected="https://HOST, or http://127.0.0.1:PORT",
        remedy="correct the option or the variable that it comes from, see docs/services.md",
    )
