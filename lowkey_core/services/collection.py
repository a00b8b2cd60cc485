"""One collection at a service: begun or gone on with, filled, searched, and deleted."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field

from lowkey_core.errors import AuditError, by_name
from lowkey_core.services.journal import Entry, InUseError, Journal, Line
from lowkey_core.services.vendor import TOO_LARGE, Added, Vendor, file_of
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)


@dataclass
class Collection:
    """Of a vendor, noted in the journal; nobody else uses it."""

    vendor: Vendor
    entry: Entry
    held: contextlib.ExitStack
    made: bool = False
    """It is known to be there."""
    filled: bool = False
    _people: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, vendor: Vendor, journal: Journal, gallery: str, photos: int) -> Collection:
        """For the photos of a gallery: that of an interrupted run, or a new one. Those that are
        expired are deleted. What is in another account is left alone. Raises: ServiceError,
        StorageError."""
        account = vendor.account
        for entry in journal.entries():
            ours = (entry.header.gallery, entry.header.photos) == (gallery, photos)
            if entry.header.spec != vendor.spec or not entry.of(account):
                continue
            if not (ours or entry.expired):
                continue
            with contextlib.suppress(InUseError), contextlib.ExitStack() as stack:
                stack.enter_context(entry.held())
                if not entry.read():
                    continue
                if entry.expired:
                    vendor.delete(entry.collection)
                    entry.remove()
                    continue
                log.info("%s: going on with %s", vendor.name, entry.collection)
                return cls(vendor, entry, stack.pop_all(), made=bool(entry.lines))
        entry = journal.new(vendor.spec, vendor.endpoint.host, account, gallery, photos)
        with contextlib.ExitStack() as stack:
            stack.enter_context(entry.held())
            entry.write()
            return cls(vendor, entry, stack.pop_all())

    @property
    def name(self) -> str:
        """At the service."""
        return self.entry.collection

    def fill(self, pictures: Pictures, work: Work) -> tuple[str, ...]:
        """What became of each picture, "" if it is indexed. Each is sent once, and noted at once.

        Raises: ServiceError, StorageError.
        """
        lines = self.entry.lines
        if not self.filled:
            if not self.made:
                self.vendor.create(self.name)
                self.made = True
            handles = {pictures.items[n].identity: line.handle for n, line in lines.items()}
            label = f"{self.vendor.name}: photos sent"
            for row, picture in enumerate(pictures.items):
                work.say(label, row, len(pictures))
                if row in lines:
                    continue
                photo = file_of(picture.pixels(), self.vendor)
                known = handles.get(picture.identity, "")
                added = (
                    Added(TOO_LARGE, known)
                    if photo is None
                    else self.vendor.add(self.name, picture.identity, known, photo)
                )
                handles[picture.identity] = added.handle
                self.entry.note(Line(row=row, said=added.said, handle=added.handle))
            if not all(line.said for line in lines.values()):
                self.vendor.finish(self.name)
            self.filled = True
        return tuple(lines[row].said for row in range(len(pictures)))

    def people(self, pictures: Pictures) -> dict[str, int]:
        """Whom each handle names."""
        if not self._people:
            lines = self.entry.lines.values()
            self._people = {n.handle: pictures.items[n.row].identity for n in lines if n.handle}
        return self._people

    def delete(self) -> None:
        """At the service and in the journal; what cannot be deleted stays noted, and is told."""
        try:
            self.vendor.delete(self.name)
            self.entry.remove()
        except AuditError as error:
            if not self.made:  # if it is there after all, nobody is in it
                self.entry.remove()
                return
            said = error.worded(by_name)
            log.warning("%s is left at %s (%s): `services clean`", self.name, self._where, said)
        finally:
            self.held.close()

    def leave(self) -> None:
        """For a run that goes on; says so."""
        until = f"{self.entry.header.expires.astimezone():%Y-%m-%d %H:%M}"
        log.warning(
            "%s is kept at %s for the same command until %s; `services clean` deletes it",
            *(self.name, self._where, until),
        )
        self.held.close()

    @property
    def _where(self) -> str:
        return self.entry.header.host
