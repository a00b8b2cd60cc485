"""For pull requests and papers: GitHub-flavoured Markdown, the answers first."""

from __future__ import annotations

from audit.report import AuditReport
from reports.parts import layout, tables

_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|&~$"})


def build() -> Markdown:
    """Takes no options."""
    return Markdown()


class Markdown:
    """Escapes names."""

    suffix = ".md"

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`."""
        return render(report)


def render(report: AuditReport) -> str:
    """The whole report."""
    parts = [f"# {_escape(tables.headline(report))}", f"**{_escape(tables.verdict(report))}**"]
    if doubts := tables.caveats(report):
        marks = ["**" * c.blocking for c in doubts]
        lines = [f"- {m}{_escape(c.text)}{m}" for m, c in zip(marks, doubts, strict=True)]
        parts.append("\n".join(lines))
    for table in tables.tables(report):
        if table.rows:
            parts.append(f"## {_escape(table.title)}")
            parts.append(_markdown(table))
            if table.note:
                parts.append(_escape(table.note))
    return "\n\n".join(parts) + "\n"


def _markdown(table: layout.Table) -> str:
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    escaped = [lines[0], lines[1], *(tuple(map(_escape, row)) for row in lines[2:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in escaped)


def _escape(text: str) -> str:
    return text.translate(_SPECIAL)
