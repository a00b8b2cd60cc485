"""What every page works with: the server's parts, and whose photos are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, g

from web.engine import Engine
from web.guard import Guard
from web.jobs import Jobs
from web.limits import EIGHTHS, Limits
from web.refused import Refused
from web.sessions import Session, Sessions

NAME = "lowkey-audit"


@dataclass(frozen=True)
class Server:
    """What pages work with."""

    limits: Limits
    sessions: Sessions
    jobs: Jobs
    engine: Engine
    guard: Guard


def server() -> Server:
    """Of this application."""
    found: Server = current_app.extensions[NAME]
    return found


def session() -> Session | None:
    """Of this browser, where it has photos."""
    return server().sessions.find(g.token)


def own() -> Session:
    """The same. Raises: Refused where it has none."""
    found = session()
    if found is None:
        raise Refused(404, "You have no such photos here.", "Send some first.")
    return found


def eighths_of(text: str) -> int:
    """A strength. Raises: Refused if it is none."""
    if text not in [str(k) for k in range(1, EIGHTHS + 1)]:
        raise Refused(400, "There is no such strength.", f"Choose one of 1 to {EIGHTHS} eighths.")
    return int(text)
