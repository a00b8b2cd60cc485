"""For code scanning: SARIF 2.1.0. Caveats are results by their codes, and so is every figure.

SARIF knows no scale: a figure is `informational`, and never an error. What blocks a conclusion is
an error, another doubt a warning. What could not be measured is `notApplicable`, what was not is
`open`, what failed its control is for `review` (section 3.27.9).
"""

from __future__ import annotations

import json
from typing import Any

from audit.report import AuditReport
from lowkey_core.errors import one_line
from reports.parts import tables
from reports.parts.explained import EXPLAINED
from reports.parts.told import State, Told, told

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
"""The identifier of the schema; nothing is loaded from there."""
FIGURE = "figure"
"""The rule of figures."""
_KINDS: dict[State, str] = {
    "measured": "informational",
    "inconclusive": "review",
    "not measured": "open",
    "not possible": "notApplicable",
}


def build() -> Sarif:
    """Takes no options."""
    return Sarif()


class Sarif:
    """One run; results are placed in `report.json`, beside which the file belongs."""

    suffix = ".sarif"

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`. Messages are plain text."""
        caveats = tables.caveats(report)
        codes = list(dict.fromkeys(c.code for c in caveats))
        results = [
            _result(codes.index(c.code), c.code, "fail", c.text, _level(c.blocking))
            for c in caveats
        ]
        results += [_figure(len(codes), result) for result in told(report)]
        driver = {
            "name": "lowkey-audit",
            "rules": [*map(_rule, codes), {"id": FIGURE, "shortDescription": _text(_FIGURE)}],
        }
        run = {
            "tool": {"driver": driver},
            "automationDetails": {"id": f"lowkey-audit/{report.plan.digest}/"},
            "results": results,
            "properties": {"verdict": report.verdict, "headline": tables.headline(report)},
        }
        return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


_FIGURE = "Protection is 1 - rank-1 identification, with a 95% interval over identities."


def _level(blocking: bool) -> str:
    return "error" if blocking else "warning"


def _text(text: str) -> dict[str, str]:
    return {"text": text}


def _rule(code: str) -> dict[str, Any]:
    if (known := EXPLAINED.get(code)) is None:
        return {"id": code, "shortDescription": _text(code)}
    return {
        "id": code,
        "shortDescription": _text(known.title),
        "fullDescription": _text(known.means),
        "help": _text(f"{known.means} {known.helps}"),
    }


def _figure(rule: int, told: Told) -> dict[str, Any]:
    said = f"{told.attack}: {told.question} {told.text}"
    result = _result(rule, FIGURE, _KINDS[told.state], said, "none")
    if told.finding is not None:
        own = told.finding
        result["properties"] = {
            **{k: one_line(v) for k, v in own.cell.place._asdict().items()},
            "protection": own.protection.value,
            "interval": list(own.protection.interval),
            "control": own.control.value,
            "detected": own.detected,
        }
    return result


def _result(index: int, rule: str, kind: str, text: str, level: str) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": "report.json"}, "region": {"startLine": 1}}
    return {
        "ruleId": rule,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": _text(_plain(text)),
        "locations": [{"physicalLocation": place}],
    }


def _plain(text: str) -> str:
    """Without placeholders (section 3.11.5) and links (section 3.11.6)."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")
