"""A photo's job: its faces are found and cloaked, and its copies shown in eight strengths.

The change is that of `protect`, by the same steps in the same order: a copy that is downloaded is
the file that `protect` would have written.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Tensor

from lowkey_core.errors import AuditError, StorageError
from lowkey_core.faces.found import find, missed
from lowkey_core.faces.pictures import levels
from lowkey_core.photos.decoding import Pixels, decode_pixels
from lowkey_core.publish.cut_out import CutOut, faces_in
from lowkey_core.types import Faces
from lowkey_core.work.work import Work
from web.engine import Engine
from web.jobs import Job
from web.kept import keep
from web.previews import previews
from web.sessions import Session
from web.stored import Done, StoredPhoto

STAGES = ("finding faces", "cloaking", "showing", "comparing", "looking again")
"""Of a photo, in their order."""


def cloak(photo: StoredPhoto, session: Session, engine: Engine, job: Job) -> None:
    """All of it; whatever comes of it is written down. Raises: Cancelled."""
    began = time.perf_counter()
    work = engine.work(session.cache, lambda *_: job.show(job.stage, job.done, job.total))
    try:
        done = _cloaked(photo, engine, work, job)
    except StorageError:
        done = Done("cancelled", "there was no room to store its copies")
    except AuditError as error:
        done = Done("not possible", error.got)
    except Exception as error:  # one odd photo must not end the server
        done = Done("not possible", f"it could not be cloaked ({type(error).__name__})")
    if photo.there:  # and was not forgotten meanwhile
        photo.finish(replace(done, seconds=round(time.perf_counter() - began, 2)))


def _cloaked(photo: StoredPhoto, engine: Engine, work: Work, job: Job) -> Done:
    """Raises: AuditError, Cancelled."""

    def stage(number: int) -> None:
        job.show(STAGES[number], number, len(STAGES))

    stage(0)
    found = find([photo.photo], work)
    if found[0].lost:
        return Done("not possible", "it could not be read")
    if not found[0].frames:
        return Done("no face")
    pixels = decode_pixels(photo.photo.read(), photo.photo.name)
    own = faces_in(pixels, found[0])
    stage(1)
    changes = changed(photo, own, engine, work)
    if bool((changes == 0).flatten(1).all(1).any()):
        return Done("not possible", "the cloak failed on a face, or changes nothing")
    keep(photo, own, changes)
    stage(2)
    visible, likeness = previews(photo, pixels, own, changes, engine, lambda: stage(3))
    stage(4)
    return Done(
        "cloaked",
        faces=len(own.faces),
        more=missed([photo.photo], found, work)[0],
        width=_width(pixels),
        height=len(pixels),
        boxes=[[round(x, 1) for x in frame.box.tolist()] for frame in own.frames],
        dssim=[round(x, 4) for x in visible],
        likeness=likeness,
    )


def changed(photo: StoredPhoto, own: CutOut, engine: Engine, work: Work) -> Tensor:
    """(n, 3, 112, 112) int16: how the cloak changes each face, in grey levels."""
    published, rng = engine.published(photo.about.attack, work)
    people, names = torch.arange(len(own.faces)), tuple(photo.photo.name for _ in own.frames)
    return levels(published(Faces(own.faces, people, names), rng) - own.faces)


def _width(pixels: Pixels) -> int:
    return int(pixels.shape[1])
