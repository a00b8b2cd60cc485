"""Leave to ask commercial services, and what becomes of their collections at the end."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

from lowkey_core.errors import NoAnswerError, ServiceError, StorageError, setting
from lowkey_core.services import journal
from lowkey_core.services.asked import Asked
from lowkey_core.services.collection import Collection
from lowkey_core.services.vendor import Vendor
from lowkey_core.weights import Card
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)

MOST_OPEN = 20
"""Collections at a time. A gallery is searched for all that an audit asks before the next is made,
so that the one used longest ago is needed no more."""
Use = Literal["refused", "foreseen", "allowed"]
"""Of services: not at all, to tell what would be asked, or really."""


def logged(*lines: str) -> None:
    """Shown, even where no log is asked for."""
    for line in lines:
        log.warning("%s", line)


@dataclass
class Services:
    """The services of one audit. At its end their collections are deleted, unless it was
    interrupted, a service gave no answer, or a disk is full: then the same command goes on with
    them."""

    work: Work = field(default_factory=Work)
    use: Use = "refused"
    tell: Callable[..., object] = logged
    """Told, in lines of text, what is sent before it is."""
    asked: list[Asked] = field(default_factory=list)
    """Those that take part."""
    _open: dict[str, Collection] = field(default_factory=dict)

    def demand(self, name: str) -> None:
        """Called before anything is set up. name: of a service. Raises: ServiceError where it may
        not be asked."""
        if self.use == "refused":
            raise _refused(name)

    def recognition(self, vendor: Vendor, released: datetime.date | None = None) -> Asked:
        """A service as a recogniser. released: of its model, where it is the vendor's own.

        Raises: ServiceError where it may not be asked, or there are no keys.
        """
        self.demand(vendor.name)
        if self.use == "allowed":
            vendor.check()
        simulated = vendor.endpoint.simulated
        found = Asked(_card(vendor, None if simulated else released), vendor, self)
        self.asked = [a for a in self.asked if a.card.name != found.card.name] + [found]
        return found

    @property
    def journal(self) -> journal.Journal:
        """Raises: ServiceError without a folder to keep it in."""
        if (root := self.work.cache.root) is None:
            raise ServiceError(
                "collections at services cannot be noted anywhere",
                expected="a folder for finished work",
                remedy=f"name one with {setting('cache')}",
            )
        return journal.Journal(root / journal.FOLDER)

    def collection(self, vendor: Vendor, gallery: str, photos: int) -> Collection:
        """One for these photos: that of an interrupted run, or a new one. Raises: ServiceError,
        also where nothing may be sent; StorageError."""
        if self.use != "allowed":
            raise _refused(vendor.name)
        found = self._open.pop(gallery, None)
        if found is None:
            found = Collection.of(vendor, self.journal, gallery, photos)
        self._open[gallery] = found  # the last one used stands last
        while len(self._open) > MOST_OPEN:
            self._open.pop(next(iter(self._open))).delete()
        return found

    def __enter__(self) -> Services:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        mended = isinstance(error, NoAnswerError | StorageError)  # by waiting, or making room
        stopped = mended or not isinstance(error, Exception | None)
        for collection in self._open.values():
            if stopped:
                collection.leave()
            else:
                collection.delete()
        self._open.clear()


def _refused(name: str) -> ServiceError:
    """Only `audit` asks services: whoever else was told of one is to leave it out."""
    return ServiceError(
        f"{name} is a service: it would be sent photos of people",
        expected=f"`audit` with {setting('allow_network')}, and their consent",
        remedy=f"leave it out, or see what `audit` would send with {setting('dry_run')}, read "
        f"docs/services.md, then give {setting('allow_network')}",
    )


def _card(vendor: Vendor, released: datetime.date | None) -> Card:
    simulated = vendor.endpoint.simulated
    return Card(
        name=f"simulated-{vendor.name}" if simulated else vendor.name,
        file="",
        sha256="",
        source=vendor.endpoint.url,
        licence="the vendor's terms",
        released=released,
        trained_on="not stated",
        preprocessing="whole photos are sent; the service finds the faces",
        black_box=True,
    )
