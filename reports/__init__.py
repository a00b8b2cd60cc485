"""Output formats. Each file exports `build() -> Format`; none imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from lowkey_core.errors import PluginError
from lowkey_core.plugins import Kind
from lowkey_core.spec import parse

if TYPE_CHECKING:
    from audit.report import AuditReport


class Format(Protocol):
    """A way to show a report."""

    suffix: str
    """Of a file that holds it: `.md`."""

    def __call__(self, report: AuditReport, /) -> str | bytes:
        """All of it. Names are escaped, so that none is markup, or moves a cursor: those of
        `reports.parts.tables` are printable."""
        ...


REPORTS: Kind[Format] = Kind("report", "reports")


def render(name: str, report: AuditReport) -> str | bytes:
    """`report` in the format called `name`, or by a user's `.py` file.

    Raises: UnknownNameError, OptionError, PluginError.
    """
    made = REPORTS.load(parse(name))(report)
    if not isinstance(made, (str, bytes)):
        raise PluginError(
            f"the report format {name} returned a {type(made).__name__}",
            expected="a string, or bytes",
            remedy="correct what it returns",
        )
    return made


def with_faces(names: Sequence[str], include: bool) -> list[str]:
    """Names of formats. include: HTML pages may show faces of real people."""
    return [f"{name}:faces=true" if include and name == "html" else name for name in names]


def suffix(name: str) -> str:
    """Of a file in that format; `.txt` where it does not say."""
    return str(getattr(REPORTS.load(parse(name)), "suffix", ".txt"))
