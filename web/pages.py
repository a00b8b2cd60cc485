"""The pages that are looked at: photos, one photo, and "Does it help?"."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template

from web import checking, words
from web.cloaking import STAGES
from web.jobs import CHECK, Job
from web.kept import FORMATS
from web.limits import EIGHTHS
from web.place import own, server, session
from web.sessions import Session
from web.stored import About, Done, StoredPhoto

part = Blueprint("pages", __name__)


@dataclass(frozen=True)
class Card:
    """A photo in the list."""

    number: int
    about: About
    done: Done | None
    state: str
    """In words."""
    shown: bool
    eighths: int
    step: int = 0
    """Of the job under way, of STAGES."""
    active: bool = False
    """Whether it waits or is worked on."""


@part.get("/")
def start() -> str:
    """The first page."""
    found = session()
    if found:
        found.touch()
    return render_template("start.html", **_listed(found), formats=FORMATS)


@part.get("/photos")
def photos() -> str:
    """The part of the first page that changes while photos are worked on."""
    return render_template("photos.html", **_listed(session()), formats=FORMATS)


def _listed(found: Session | None) -> dict[str, object]:
    cards = [card(found, photo) for photo in found.photos] if found else []
    return {
        "cards": cards,
        "busy": any(each.active for each in cards),
        "finished": sum(each.done is not None for each in cards),
        "cloaked": sum(bool(c.done and c.done.status == "cloaked") for c in cards),
        "resting": any(c.done is None and not c.active for c in cards),
        "attacks": server().engine.attacks,
        "limits": server().limits,
        "stages": len(STAGES),
    }


def card(found: Session, photo: StoredPhoto) -> Card:
    """What the list says of a photo."""
    about, done = photo.about, photo.done
    job = server().jobs.find(found.key, f"photo {photo.number}") if done is None else None
    return Card(
        photo.number,
        about,
        done,
        state=_finished(done) if done else _under_way(job),
        shown=photo.shown,
        eighths=photo.eighths,
        step=job.done if job and job.began is not None else 0,
        active=job is not None,
    )


def _finished(done: Done) -> str:
    if done.status == "cloaked":
        faces = "1 face" if done.faces == 1 else f"{done.faces} faces"
        more = f"; a second look finds {done.more} more, not cloaked" if done.more else ""
        return f"cloaked, {faces}{more}"
    if done.status == "no face":
        return "no face was found, so there is nothing to cloak"
    return f"{done.status}: {done.detail}" if done.detail else done.status


def _under_way(job: Job | None) -> str:
    if job is None:
        return "not begun"
    left = words.time_left(server().jobs.left(job))
    if job.began is None:
        ahead = server().jobs.ahead(job)
        said = f"waiting, {ahead} before it" if ahead else "waiting"
    else:
        said = job.stage or "beginning"
    return f"{said}, {left}" if left else said


@part.get("/photo/<int:number>")
def photo(number: int) -> str:
    """One photo beside its copy."""
    found = own()
    found.touch()
    stored = found.photo(number)
    others = [p.number for p in found.photos]
    place = others.index(number)
    return render_template(
        "photo.html",
        card=card(found, stored),
        shown_strengths=range(1, EIGHTHS + 1),
        before=others[place - 1] if place else None,
        after=others[place + 1] if place + 1 < len(others) else None,
        formats=FORMATS,
    )


@part.get("/help")
def helps() -> str:
    """ "Does it help?": `check` on these photos."""
    found = session()
    if found:
        found.touch()
    job = server().jobs.find(found.key, CHECK) if found else None
    return render_template(
        "helps.html",
        job=job,
        busy=job is not None,
        left=words.time_left(server().jobs.left(job)) if job else "",
        ahead=server().jobs.ahead(job) if job else 0,
        answer=checking.answer(found) if found else None,
        usable=len(checking.usable(found)) if found else 0,
        fewest=checking.FEWEST,
    )


@part.get("/about")
def about() -> str:
    """What happens to photos here, and what cloaks do not do."""
    return render_template("about.html", limits=server().limits)
