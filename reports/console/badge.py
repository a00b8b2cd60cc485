"""A gate's result as a badge: an SVG, or the JSON that shields.io's endpoint reads."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from audit.gate import Result, Verdict
from lowkey_core.errors import unknown_name

LABEL = "cloak"
COLOURS: dict[Result, tuple[str, str]] = {
    "pass": ("brightgreen", "#2a7d32"),
    "fail": ("red", "#c62828"),
    "inconclusive": ("lightgrey", "#616161"),
}
"""Of shields.io, and of the SVG: white text on it has a contrast of 5 or more."""
_WIDE, _PAD = 7, 6


def drawn(verdict: Verdict, form: str) -> str:
    """Raises: UnknownNameError for another form than `svg` or `json`."""
    forms = {"svg": _svg, "json": _endpoint}
    if form not in forms:
        raise unknown_name("badge format", form, forms)
    return forms[form](verdict)


def message(verdict: Verdict) -> str:
    """`pass (3 conditions)`, `fail (1 of 3)`."""
    results = [judgement.result for judgement in verdict.judgements]
    if verdict.result == "pass":
        return f"pass ({len(results)})"
    return f"{verdict.result} ({results.count(verdict.result)} of {len(results)})"


def _endpoint(verdict: Verdict) -> str:
    said = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": message(verdict),
        "color": COLOURS[verdict.result][0],
        "isError": verdict.result == "fail",
    }
    return json.dumps(said) + "\n"


def _svg(verdict: Verdict) -> str:
    said, colour = escape(message(verdict)), COLOURS[verdict.result][1]
    left, right = (len(text) * _WIDE + 2 * _PAD for text in (LABEL, message(verdict)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{LABEL}: {said}"><title>{LABEL}: {said}</title>'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" '
        f'font-size="11"><text x="{left / 2}" y="14">{LABEL}</text>'
        f'<text x="{left + right / 2}" y="14">{said}</text></g></svg>\n'
    )
