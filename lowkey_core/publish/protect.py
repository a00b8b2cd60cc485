"""Cloaked copies of whole photos, one for one, in a folder of their own.

Faces are cloaked as an audit cloaks them, at the 112x112 template, and the change is carried
back into the photo (docs/adr/0004-cloak-the-face-change-the-photo.md): what an audit says of a
cloak holds for the files written here. Pixels that no aligned face looks at stay as they are (in
JPEG copies, as that format keeps them).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Generator

from lowkey_core.errors import AuditError, StorageError, UnreadableImageError, setting
from lowkey_core.faces.found import find, missed
from lowkey_core.faces.pictures import levels
from lowkey_core.photos import animation, original
from lowkey_core.photos.folders import PREVIEWS
from lowkey_core.photos.held import held
from lowkey_core.photos.photo import MadePhoto, Photo, digest_of
from lowkey_core.photos.protected import Outcome, copies_among, source_of
from lowkey_core.publish import made
from lowkey_core.publish.cut_out import CHANGED, CutOut, cut_out
from lowkey_core.publish.ledger import Ledger
from lowkey_core.publish.made import Made
from lowkey_core.publish.published import Published
from lowkey_core.publish.settings import JPEG, PNG, Settings
from lowkey_core.publish.wanted import Wanted, everybody
from lowkey_core.types import Faces, Images
from lowkey_core.work import provenance
from lowkey_core.work.files import real, write_atomically
from lowkey_core.work.work import Work

log = logging.getLogger(__name__)


class Protector:
    """Makes cloaked copies. Photos are cloaked together, as many at a time as a batch of the
    cloak holds; the copies depend on all of them in the last bits of floats, and on nothing else.
    """

    def __init__(
        self,
        out: Path,
        cloak: Published,
        settings: Settings,
        work: Work,
        rng: Generator,
        wanted: Wanted = everybody,
    ) -> None:
        """wanted: the faces that are cloaked, as `settings.faces` says."""
        self.out, self.cloak, self.settings, self.work, self.rng = out, cloak, settings, work, rng
        self.wanted = wanted
        self.twice: dict[str, str] = {}
        self.made_with = provenance.fingerprint(
            type(self), cloak, settings, wanted, rng.initial_seed()
        )

    def protect(self, photos: Sequence[tuple[Photo, str]]) -> Iterator[Outcome]:
        """One outcome per photo, as soon as it is known.

        photos: each with the path of its copy, relative to the output folder. A photo whose copy
        is there, whole and made with the same settings, is left alone; so is a file in its place
        that is not its copy. Raises: StorageError where the ledger cannot be kept.
        """
        size = self.cloak.batch
        copies = copies_among(photo for photo, _ in photos)
        self.twice = {photo.name: "it was a copy that `protect` wrote" for photo in copies}
        with Ledger(self.out) as ledger:
            for group in (photos[i : i + size] for i in range(0, len(photos), size)):
                yield from self._group(group, ledger)

    def _group(self, group: Sequence[tuple[Photo, str]], ledger: Ledger) -> Iterator[Outcome]:
        known = [self._known(photo, ledger) for photo, _ in group]
        if all(outcome is not None for outcome in known):
            yield from (outcome for outcome in known if outcome is not None)
            return
        cloaked = self._cloaked([photo for photo, _ in group])
        for (photo, copy), before, (own, change) in zip(group, known, cloaked, strict=True):
            yield before or self._protect(photo, copy, own, change, ledger)

    def _known(self, photo: Photo, ledger: Ledger) -> Outcome | None:
        try:
            content = digest_of(photo.read())
            done = ledger.done(source_of(photo), content, self.made_with)
        except (UnreadableImageError, StorageError):
            return None  # what is wrong is said when its turn comes
        return done and replace(done, status="already protected")

    def _cloaked(self, photos: Sequence[Photo]) -> list[tuple[CutOut, Images]]:
        """The faces of each photo, and what the cloak changes of them."""
        with held():
            found = find(photos, self.work)
            more = missed(photos, found, self.work)
            cut = [cut_out(photo, each) for photo, each in zip(photos, found, strict=True)]
        own = [replace(self.wanted(c), more=m) for c, m in zip(cut, more, strict=True)]
        counts = [len(each.faces) for each in own]
        images = torch.cat([each.faces for each in own])
        if not len(images):
            return [(each, images) for each in own]
        names = tuple(p.name for p, n in zip(photos, counts, strict=True) for _ in range(n))
        # Only where one person's faces are asked for is it known that they are one person's.
        people = torch.arange(len(images)) * (self.settings.faces != "mine")
        cloaked = self.cloak(Faces(images, people, names), self.rng)
        # In whole grey levels first, as an audit has them: else the last bits of floats differ.
        changes = levels(cloaked - images).float().div(255) * self.settings.strength
        return list(zip(own, changes.split(counts), strict=True))

    def _protect(
        self, photo: Photo, copy: str, own: CutOut, changes: Images, ledger: Ledger
    ) -> Outcome:
        """Writes the copy, unless something is in the way, and records what became of the photo."""
        outcome = Outcome(
            photo.name, "no face", "not copied", more=own.more, source=source_of(photo)
        )
        try:
            content = photo.read()
            shown = original.read(content, photo.name)
            trouble = own.trouble if digest_of(content) == own.content else CHANGED
            if trouble:
                outcome = replace(outcome, status="unreadable", detail=trouble)
            elif shown.animated and not (self.settings.frames and copy.endswith(PNG)):
                why = "no JPEG" if self.settings.frames else "cloaked if frames are asked for"
                what = f"an animation of {shown.pictures} frames: {why}"
                outcome = replace(outcome, status="unsupported", detail=what)
            elif shown.animated:
                outcome = self._animation(outcome, photo, content, copy, ledger)
            elif self._untouched(changes):
                outcome = replace(outcome, status="not written", detail=UNTOUCHED)
            elif len(changes):
                outcome = replace(outcome, photo=own.content, made_with=self.made_with)
                flat = copy.endswith(JPEG)
                make = lambda: made.photo(shown, own, changes, self.settings, flat=flat)  # noqa: E731
                outcome = self._write(outcome, copy, make, ledger)
            elif own.left_out:
                outcome = replace(outcome, detail=f"not copied: {own.left_out} faces of others")
        except UnreadableImageError as error:
            status = "unsupported" if error.reason == "unsupported" else "unreadable"
            outcome = replace(outcome, status=status, detail=error.got)
        except StorageError as error:
            outcome = replace(outcome, status="not written", detail=error.got)
        except AuditError:
            raise
        except Exception as error:  # one odd photo must not end the run
            log.info("no copy of %s", photo.name, exc_info=True)
            detail = f"{type(error).__name__}: {error}"
            outcome = replace(outcome, status="not written", detail=detail)
        ledger.record(outcome)
        return outcome

    def _animation(
        self, outcome: Outcome, photo: Photo, content: bytes, copy: str, ledger: Ledger
    ) -> Outcome:
        """As `_protect`, frame by frame. Raises: UnreadableImageError, StorageError."""
        moving = animation.read(content, photo.name)
        frames = [
            MadePhoto("", f"{photo.name}, frame {number}", photo.path, written=frame)
            for number, frame in enumerate(moving.frames, 1)
        ]
        cloaked = self._cloaked(frames)
        if trouble := next((own.trouble for own, _ in cloaked if own.trouble), ""):
            return replace(outcome, status="unreadable", detail=trouble)
        if not any(len(own.faces) for own, _ in cloaked):
            return outcome
        if any(self._untouched(changes) for _, changes in cloaked):
            return replace(outcome, status="not written", detail=UNTOUCHED)
        outcome = replace(outcome, photo=digest_of(content), made_with=self.made_with)
        make = lambda: made.animation(moving, cloaked, self.settings)  # noqa: E731
        return self._write(outcome, copy, make, ledger)

    def _write(
        self, outcome: Outcome, copy: str, make: Callable[[], Made], ledger: Ledger
    ) -> Outcome:
        """Makes the copy, unless something is in its way, and writes it. Raises: StorageError."""
        preview = f"{PREVIEWS}/{copy}.png"
        for path in (preview, copy) if self.settings.preview else (copy,):
            if hindrance := ledger.hindrance(path, outcome.source, outcome.photo):
                return replace(outcome, status="not written", detail=hindrance)
        done = make()
        # The preview before the copy: a whole copy means that all is done.
        files = ({preview: done.preview} if done.preview else {}) | {copy: done.content}
        outcome = replace(
            outcome,
            status="protected",
            detail="; ".join(filter(None, [done.notes, self.twice.get(outcome.name)])),
            copy=copy,
            faces=done.faces,
            dssim=done.dssim,
            seen=done.seen,
            files={path: digest_of(content) for path, content in files.items()},
        )
        ledger.record(outcome)  # first: a file nobody knows of would pass for somebody else's
        for path, content in files.items():
            if not real(self.out / path).is_relative_to(real(self.out)):
                raise StorageError(
                    f"{self.out / path} leads out of {self.out}",
                    expected="no links in the output folder",
                    remedy=f"name another folder with {setting('out')}",
                )
            write_atomically(self.out / path, content)
        return outcome

    def _untouched(self, changes: Images) -> bool:
        """Whether some face would be published as it is, though its change was asked for."""
        return self.settings.strength > 0 and bool((changes == 0).flatten(1).all(1).any())


UNTOUCHED = "the cloak failed on a face, or changes nothing"
