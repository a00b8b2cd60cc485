"""How long an audit takes: its faces are found, and of everything after that a few pieces made."""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from dataclasses import dataclass

from audit.contests import prepare
from audit.counts import Counts
from audit.measuring import measure
from audit.publishing import publish
from audit.scene import Scene
from audit.services import consent
from audit.visible import Ruler, visible
from lowkey_core.work.forecast import Forecast

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Foresight:
    """What an audit would do."""

    counts: Counts
    forecast: Forecast | None
    """Of everything after faces are found; None: it cannot be told."""
    splits: int
    """How many of the people there are; the rest is of the first."""
    memory: int | None
    """Bytes in use at most so far, with every network and whole batches; None: not known."""
    services: tuple[str, ...] = ()
    """What commercial services would be sent, line by line."""


def foresee(scene: Scene, splits: int = 1) -> Foresight:
    """What an audit would do. scene: of its first split. Raises: any AuditError."""
    counts, found = scene.photos.counts, None
    try:
        found = _trial(scene)
    except _MadeUpError as error:
        log.info("how long it takes is not known", exc_info=error)
    return Foresight(counts, found, splits, _peak(), tuple(consent(scene, found, splits)))


def wanted(scene: Scene) -> bool:
    """Whether somebody wants to know how long it will take; nobody does where services are asked:
    first it is told what they will be sent."""
    return scene.work.expect is not None and not scene.services.asked


def foretell(scene: Scene) -> None:
    """Tells whoever wants to know how long it will take, if that can be known; and, before any
    commercial service is asked, what it will be sent."""
    if scene.work.expect is None and not scene.services.asked:
        return
    found = None
    try:
        found = _trial(scene)
    except Exception as error:  # made-up answers may break what uses them: no reason to stop
        log.info("how long it takes is not known", exc_info=error)
    scene.services.tell(*consent(scene, found))
    if found is not None:
        scene.work.foretell(found)


class _MadeUpError(Exception):
    """Something failed when most of its pictures, or numbers, were repeated from others."""


def _trial(scene: Scene) -> Forecast:
    """Raises: whatever an audit may; _MadeUpError after something was made up."""
    with scene.work.trial() as forecast:
        try:
            published = publish(scene)
            measure(scene, published, prepare(scene))
            visible(scene, published, Ruler.present())
        except Exception as error:
            if forecast.made_up:
                raise _MadeUpError from error
            raise
    return forecast


def _peak() -> int | None:
    """Bytes that this process has used at most."""
    with contextlib.suppress(ImportError):  # not on Windows
        usage = importlib.import_module("resource")
        peak: int = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    return None
