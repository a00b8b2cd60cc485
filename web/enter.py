"""The door of a server that others on the network can reach: its access token is asked for."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from web.guard import ACCESS
from web.place import server

part = Blueprint("enter", __name__)


@part.get("/enter")
def page() -> str | Response:
    """Asks for it."""
    return redirect("/") if server().guard.may_enter else render_template("enter.html", wrong=False)


@part.post("/enter")
def give() -> tuple[str, int] | Response:
    """Takes it. Raises: Refused after too many wrong ones."""
    guard = server().guard
    if not guard.access:
        return redirect("/", 303)
    if not guard.tried(request.form.get("access", "")):
        return render_template("enter.html", wrong=True), 403
    answer = redirect("/", 303)
    guard.give(answer, f"{guard.cookie}_{ACCESS}", guard.pass_of(guard.access))  # type: ignore[arg-type]
    return answer
