"""For a GitHub workflow: commands that put caveats and answers on a run's page, one a line.

GitHub shows ten of each level per step, so that the answers are one notice per question.
"""

from __future__ import annotations

from audit.report import AuditReport
from reports.parts import tables
from reports.parts.told import told


def build() -> Annotations:
    """Takes no options."""
    return Annotations()


class Annotations:
    """`::error` what blocks a conclusion, `::warning` other doubts, `::notice` the answers."""

    suffix = ".annotations.txt"

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`. No name ends its command, or begins another."""
        lines = [
            command("error" if caveat.blocking else "warning", caveat.code, caveat.text)
            for caveat in tables.caveats(report)
        ]
        answers: dict[tuple[str, str], list[str]] = {}
        for result in told(report):
            answers.setdefault((result.attack, result.question), []).append(result.text)
        lines += [
            command("notice", f"{attack}: {question}", "; ".join(texts))
            for (attack, question), texts in answers.items()
        ]
        return "\n".join([*lines, ""])


def command(level: str, title: str, message: str) -> str:
    """A workflow command, as GitHub's own toolkit escapes it."""
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
