"""Pictures, copies and reports of a session, as files."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.wsgi import wrap_file

from web import checking
from web.kept import FORMATS, copy, name_of, zipped
from web.limits import EIGHTHS
from web.place import eighths_of, own
from web.refused import Refused

part = Blueprint("files", __name__)
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; sandbox"
)


@part.get("/photo/<int:number>/<int:eighths>.jpg")
def shown(number: int, eighths: int) -> Response:
    """The photo at display size; 0 is the photo itself."""
    return _picture(number, eighths, "", 0)


@part.get("/photo/<int:number>/faces-<int:eighths>.jpg")
def faces(number: int, eighths: int) -> Response:
    """Each face before, after, and the difference enlarged."""
    return _picture(number, eighths, "f", 1)


def _picture(number: int, eighths: int, start: str, least: int) -> Response:
    if not least <= eighths <= EIGHTHS:
        raise _missing()
    photo = own().photo(number)
    return _whole(_content(photo.folder / f"{start}{eighths}.jpg"), "image/jpeg")


@part.get("/photo/<int:number>/copy")
def one(number: int) -> Response:
    """The cloaked copy, at the strength that is asked for, or was chosen."""
    photo, form = own().photo(number), _form()
    done = photo.done
    if done is None or done.status != "cloaked":
        raise _missing()
    asked = request.args.get("eighths", str(photo.eighths))
    content = copy(photo, eighths_of(asked), form)
    return _saved(_whole(content, f"image/{form}"), name_of(photo, form))


@part.get("/all.zip")
def everything() -> Response:
    """All copies, sent while they are made."""
    photos, form = checking.usable(own()), _form()
    if not photos:
        raise Refused(404, "There are no cloaked copies yet.", "Wait until a photo is cloaked.")
    return _saved(Response(zipped(photos, form), mimetype="application/zip"), "cloaked.zip")


@part.get("/help/report")
def report() -> Response:
    """The whole report of a check: a page by itself, which may run nothing."""
    found = own()
    if checking.answer(found) is None:
        raise _missing()
    answer = _whole(_content(found.check / checking.REPORT), "text/html")
    answer.headers["Content-Security-Policy"] = REPORT_POLICY
    return answer


def _whole(content: bytes, mimetype: str) -> Response:
    """Sent from memory: otherwise the server puts what is large on the disk, which may be full."""
    sent = wrap_file(request.environ, io.BytesIO(content))
    answer = Response(sent, mimetype=mimetype, direct_passthrough=True)
    answer.content_length = len(content)
    return answer


def _saved(answer: Response, name: str) -> Response:
    """By the browser, under that name."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    both = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Disposition"] = both
    return answer


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise _missing() from None


def _form() -> str:
    form = request.args.get("format", "png")
    if form not in FORMATS:
        raise Refused(400, "There is no such format.", f"Choose {' or '.join(FORMATS)}.")
    return form


def _missing() -> Refused:
    return Refused(404, "There is no such file.", "Go back to your photos.")
