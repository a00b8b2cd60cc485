"""A report whose every name is somebody's attack on whoever reads it."""

from __future__ import annotations

import json
from typing import Any

from audit.report import AuditReport
from lowkey_core.errors import one_line
from tests.reports.full import full

NAMES = {
    "a tag": "</td><script>alert(1)</script>",
    "an attribute": "\" onload='alert(1)' x=`",
    "an entity": "&lt;b&gt; &#60;",
    "markup": "[bold]x[/bold] **y** $z$ ~~q~~ [a](https://example.org)",
    "new lines": "a\nb\r\nc\rd\x85e\u2028f",
    "right to left": "a\u202eb\u2066c \u05e9\u05dc\u05d5\u05dd",
    "an escape": "\x1b]0;x\x07\x9b31m\x1b[2J",
    "three hundred": "x" * 300,
    "a formula": "=cmd|'/c calc'!A1",
    "a formula after a space": " @SUM(1)",
    "latex": r"\input{/etc/passwd}\write18{x} % & # _ ^ ~ {} -- ,,",
    "letters": "Zoë Łódź Ñandú ĳ 中文 \U0001f600",
    "a command": "%0A::error::x\n::stop-commands::y ##[error]z",
    "placeholders": "{0} {{1}} %s %(x)s ${{ secrets.X }}",
    "quotes": "\"'`,;\t|",
}
PLACES = (
    "lowkey",
    "old",
    "lfw",
    "detection",
    "jpeg:30",
    "Ann",
    "here",
    "nothing",
    "few-probes",
)
"""Names in a sample: a cloak, a recogniser, a data set, an adversary, a transform, a person, a
source, what a network was trained on, a caveat's code."""


def report(name: str) -> AuditReport:
    """A sample that calls everything so, with a letter before the last to tell them apart."""
    called = {place: f"{name}{chr(ord('A') + i)}" for i, place in enumerate(PLACES)}
    stored = full().model_dump(mode="json")
    plan = stored.pop("plan")
    renamed = _renamed(stored, called)
    renamed["caveats"].append({"code": name, "blocking": True, "text": name})
    return AuditReport.model_validate_json(json.dumps({**renamed, "plan": plan}))


def shown(name: str) -> list[str]:
    """How formats print the names of `report`: on one line."""
    return [one_line(f"{name}{chr(ord('A') + i)}") for i in range(len(PLACES))]


def _renamed(value: Any, called: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {called.get(k, k): _renamed(v, called) for k, v in value.items()}
    if isinstance(value, list):
        return [_renamed(v, called) for v in value]
    return called.get(value, value) if isinstance(value, str) else value
