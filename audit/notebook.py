"""A report in a notebook: as a data frame, and as the table that a cell shows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from audit.findings import Answer, Finding, answers
from audit.report import AuditReport
from audit.rows import COLUMNS, rows
from lowkey_core.errors import PluginError, by_name, one_line

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(report: AuditReport) -> DataFrame:
    """One row per outcome of every cell, with the columns of `audit.rows`. Raises: PluginError
    without pandas."""
    try:
        import pandas
    except ImportError as error:
        raise PluginError(
            "pandas is not installed",
            expected="pandas, from which data frames are",
            remedy="pip install 'lowkey-audit[pandas]', or read the report's csv format",
        ) from error
    return pandas.DataFrame(list(rows(report)), columns=list(COLUMNS)).convert_dtypes()


HEADS = ("cloak", "question", "against", "transform", "protection", "control")


def table(report: AuditReport) -> str:
    """The answers, names escaped; what is blocked is said first."""
    blocked = "".join(
        f"<p><strong>{_text(c.text)}</strong></p>" for c in report.caveats if c.blocking
    )
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    lines = (line for answer in answers(report) for line in _lines(answer))
    body = "".join(f"<tr>{''.join(f'<td>{_text(c)}</td>' for c in line)}</tr>" for line in lines)
    return (
        f"{blocked}<table><caption>{report.verdict}</caption>"
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def _lines(answer: Answer) -> list[tuple[str, ...]]:
    asked = (answer.attack, answer.question)
    if answer.impossible:
        return [(*asked, "", "", f"not possible, because {answer.impossible}", "")]
    if answer.measure_with:
        return [(*asked, "", "", f"not measured: {by_name(*answer.measure_with)}", "")]
    return [
        (
            *asked,
            f"{finding.cell.adversary} {finding.cell.recogniser}",
            finding.cell.transform,
            _protection(finding),
            _rate(finding.control.value, finding.control.interval),
        )
        for finding in answer.findings
    ]


def _protection(finding: Finding) -> str:
    if not finding.conclusive:
        return "inconclusive"
    own = finding.protection
    found = f"{finding.detected} of {len(finding.cell.detected)} people detected"
    told = ["" if own.value is None else _rate(own.value, own.interval)]
    return "; ".join(filter(None, [*told, found if finding.detected else ""]))


def _rate(value: float | None, interval: tuple[float, float]) -> str:
    low, high = interval
    return "-" if value is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _text(text: str) -> str:
    return escape(one_line(text))
