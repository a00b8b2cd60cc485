"""The application: pages in front of a queue, with a guard before both."""

from __future__ import annotations

from flask import Flask, Response, g, redirect, render_template, request
from werkzeug.exceptions import HTTPException

from lowkey_core.errors import AuditError, StorageError
from web import actions, enter, files, pages, words
from web.limits import EIGHTHS
from web.measured import measured
from web.place import NAME, Server
from web.refused import FULL, Refused, no_room, too_large
from web.sessions import csrf_of


def create(server: Server) -> Flask:
    """An application; nothing runs yet."""
    app = Flask(__name__)
    app.config.update(
        MAX_CONTENT_LENGTH=server.limits.request_bytes,
        MAX_FORM_MEMORY_SIZE=500_000,
        MAX_FORM_PARTS=server.limits.photos + 20,
    )
    app.extensions[NAME] = server
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    server.guard.protect(app)
    for part in (pages.part, actions.part, files.part, enter.part):
        app.register_blueprint(part)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(AuditError, _problem)
    app.register_error_handler(OSError, _system)
    app.register_error_handler(Exception, _broken)
    app.context_processor(_shared)
    return app


def _shared() -> dict[str, object]:
    """What every page may use."""
    token = g.get("token", "")
    return {
        "form_token": csrf_of(token) if token else "",
        "words": words,
        "eighths": EIGHTHS,
        "measured": measured(),
    }


def _page(status: int, what: str, remedy: str) -> Response:
    text = render_template("error.html", status=status, what=what, remedy=remedy)
    return Response(text, status)


def _refused(error: Refused) -> Response:
    if error.status == 401 and request.method == "GET":
        answer = redirect("/enter")
        assert isinstance(answer, Response)
        return answer
    return _page(error.status, error.what, error.remedy)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status == 413:
        return _refused(too_large())
    what, remedy = _SAID.get(status, ("That request cannot be answered.", "Go back and try again."))
    answer = _page(status, what, remedy)
    if status == 405 and (allowed := dict(error.get_headers()).get("Allow")):
        answer.headers["Allow"] = allowed
    return answer


def _problem(error: AuditError) -> Response:
    if isinstance(error, StorageError):
        return _refused(no_room())
    return _page(400, words.said_on_a_page(error.got), words.said_on_a_page(error.remedy))


def _system(error: OSError) -> Response:
    """Of an upload under way, most of all."""
    return _refused(no_room()) if error.errno in FULL else _broken(error)


def _broken(_error: Exception) -> Response:
    """A fault of ours: nothing of it is shown or logged, as it may hold names."""
    return _page(500, "Something went wrong here.", "Go back and try again.")


_SAID = {
    400: ("That request was not understood.", "Go back to your photos, and try again."),
    404: ("There is no such page.", "Go back to your photos."),
    405: ("That page takes no such request.", "Go back to your photos."),
    408: ("The upload took too long.", "Send fewer photos at once."),
}
