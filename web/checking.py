""" "Does it help?": `check` on a session's photos, in the background, and its answer as files."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from audit.check import planned
from audit.run import run_audit
from lowkey_core.errors import AuditError, StorageError
from lowkey_core.work.files import explained, write_atomically
from reports import render
from reports.console.check import sentences, table, unsaid
from web.engine import Engine
from web.jobs import Cancelled, Job
from web.sessions import Session
from web.stored import StoredPhoto
from web.words import said_on_a_page

FEWEST = 3
"""Photos with a face."""
ANSWER, REPORT = "answer.json", "report.html"


@dataclass(frozen=True)
class Answer:
    """What a check found, or why it found nothing."""

    said: list[str]
    unsaid: list[str]
    columns: list[str]
    rows: list[list[str]]
    title: str = ""
    trouble: str = ""
    remedy: str = ""
    photos: list[int] | None = None
    """Numbers of the photos that were checked."""
    attack: str = ""


_ANSWER = TypeAdapter(Answer)


def answer(session: Session) -> Answer | None:
    """None before there is one."""
    with contextlib.suppress(OSError, ValidationError):
        return _ANSWER.validate_json((session.check / ANSWER).read_bytes())
    return None


def usable(session: Session) -> list[StoredPhoto]:
    """The photos with a face."""
    return [p for p in session.photos if (done := p.done) and done.status == "cloaked"]


def check(session: Session, engine: Engine, job: Job) -> None:
    """Runs it; whatever comes of it is written down. Raises: Cancelled."""
    photos = usable(session)
    try:
        found = _checked(session, photos, engine, job)
    except Cancelled:
        if not job.overdue:
            raise
        found = _trouble("The check took too long.", "Check fewer photos, or a faster machine.")
    except StorageError:
        found = _trouble("There was no room to work in.", "Try again later.")
    except AuditError as error:
        found = _trouble(said_on_a_page(error.got), said_on_a_page(error.remedy))
    except Exception as error:  # of any recogniser
        found = _trouble(
            f"The check broke off ({type(error).__name__}).",
            "`python cli.py check` on the command line says more.",
        )
    if session.age != float("inf"):  # it was not forgotten meanwhile
        content = json.dumps(asdict(found)).encode()
        write_atomically(session.check / ANSWER, content)


def _checked(session: Session, photos: list[StoredPhoto], engine: Engine, job: Job) -> Answer:
    """Raises: AuditError, Cancelled."""
    work = engine.work(session.cache, job.show, job.expect)
    attack = photos[0].about.attack if photos else engine.attacks[0]
    given: Mapping[str, Any] = {
        "recogniser": list(engine.named),
        **engine.given,
        **engine.checking,
        "attack": [attack],
    }
    job.show("preparing the check", 0, 1)
    report = run_audit(planned(_album(session, photos), given, work), work)
    write_atomically(session.check / REPORT, _bytes(render("html", report)))
    shown = table(report)
    return Answer(
        said=list(sentences(report)),
        unsaid=list(unsaid(report)),
        columns=list(shown.columns),
        rows=[list(row) for row in shown.rows],
        title=shown.title,
        photos=[photo.number for photo in photos],
        attack=attack,
    )


def _album(session: Session, photos: list[StoredPhoto]) -> Path:
    """A folder of these photos, called by their numbers. Raises: StorageError."""
    folder = session.check / "photos"
    with explained(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for photo in photos:
            source = photo.folder / "photo"
            target = folder / f"{photo.number:02d}.{photo.about.kind.lower()}"
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
    return folder


def _trouble(what: str, remedy: str) -> Answer:
    return Answer([], [], [], [], trouble=what, remedy=remedy)


def _bytes(rendered: str | bytes) -> bytes:
    return rendered if isinstance(rendered, bytes) else rendered.encode()
