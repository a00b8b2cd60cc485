"""What changes something: photos in, strengths, cancel, check, forget. Always a form of ours."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request
from werkzeug.wrappers import Response

from web import checking
from web.checking import FEWEST, usable
from web.cloaking import cloak
from web.engine import Engine
from web.intake import Asked, NotTaken, Sent, room, take
from web.jobs import CHECK, Job
from web.limits import EIGHTHS
from web.place import eighths_of, own, server, session
from web.refused import Refused
from web.sessions import Session, new_token
from web.stored import Done, StoredPhoto

part = Blueprint("actions", __name__)


@part.post("/photos")
def send() -> Response | tuple[str, int]:
    """Photos in."""
    place, form = server(), request.form
    attack = form.get("attack", place.engine.attacks[0])
    if attack not in place.engine.attacks:
        raise Refused(400, "There is no such cloak here.", "Choose one of the list.")
    asked = Asked(attack, eighths_of(form.get("eighths", str(EIGHTHS))))
    sent = [Sent(f.filename or "", f.stream) for f in request.files.getlist("photos")]
    sent = [each for each in sent if each.name]
    if not sent:
        raise Refused(400, "No photo was chosen.", "Choose one or more, then press Cloak.")
    room(place.sessions)
    mine, refused, full = place.sessions.make(g.token), list[NotTaken](), list[Refused]()
    mine.touch()
    for outcome in take(sent, asked, mine, place.sessions):
        if isinstance(outcome, NotTaken):
            refused.append(outcome)
            continue
        try:
            place.jobs.submit(photo_job(mine, outcome, place.engine))
        except Refused as error:  # it is stored, and so are those that follow
            full.append(error)
    if full and not refused:
        raise full[0]
    if not refused:
        return redirect("/", 303)
    taken = len(sent) - len(refused)
    return render_template("refused.html", refused=refused, taken=taken), 422


def photo_job(mine: Session, photo: StoredPhoto, engine: Engine) -> Job:
    """What cloaks a photo."""

    def work(job: Job) -> None:
        cloak(photo, mine, engine, job)

    return Job(mine.key, f"photo {photo.number}", work)


@part.post("/photo/<int:number>/strength")
def strength(number: int) -> Response:
    """Chooses how much of the change the copy shows."""
    photo = used().photo(number)
    photo.choose(eighths_of(request.form.get("eighths", "")))
    return redirect(f"/photo/{number}", 303)


@part.post("/strength")
def strengths() -> Response:
    """Of all photos."""
    eighths = eighths_of(request.form.get("eighths", ""))
    for photo in used().photos:
        photo.choose(eighths)
    return redirect("/", 303)


@part.post("/photo/<int:number>/cancel")
def cancel(number: int) -> Response:
    """Of one photo."""
    mine = used()
    photo = mine.photo(number)
    server().jobs.cancel(mine.key, f"photo {number}")
    if photo.done is None:
        photo.finish(Done("cancelled"))
    return redirect("/", 303)


@part.post("/cancel")
def cancel_all() -> Response:
    """Of all photos that are not done."""
    mine = used()
    for photo in mine.photos:
        server().jobs.cancel(mine.key, f"photo {photo.number}")
        if photo.done is None:
            photo.finish(Done("cancelled"))
    return redirect("/", 303)


@part.post("/again")
def again() -> Response:
    """Goes on with what was cancelled, or not begun. What was finished of it is kept."""
    mine = used()
    for photo in mine.photos:
        done = photo.done
        if done and done.status == "cancelled":
            photo.begin_again()
        if photo.done is None:
            server().jobs.submit(photo_job(mine, photo, server().engine))
    return redirect("/", 303)


@part.post("/help")
def check() -> Response:
    """Begins a check of the photos."""
    mine, place = used(), server()
    if len(usable(mine)) < FEWEST:
        raise Refused(
            400,
            f"A check needs {FEWEST} photos of you with a face: two to publish, one to search for.",
            "Add photos of the same person, and wait until they are cloaked.",
        )
    (mine.check / checking.ANSWER).unlink(missing_ok=True)

    def work(job: Job) -> None:
        checking.check(mine, place.engine, job)

    place.jobs.submit(Job(mine.key, CHECK, work, place.limits.check_seconds))
    return redirect("/help", 303)


@part.post("/help/cancel")
def cancel_check() -> Response:
    """What it has finished is kept for the next one."""
    server().jobs.cancel(used().key, CHECK)
    return redirect("/help", 303)


@part.post("/forget")
def forget() -> Response | str:
    """Deletes everything of this session."""
    found = session()
    if found:
        server().sessions.forget(found)
    g.token, g.new = new_token(), True  # what was under way finds no session of that name again
    return render_template("forgotten.html")


def used() -> Session:
    """This browser's session, which is in use. Raises: Refused where there is none."""
    found = own()
    found.touch()
    return found
