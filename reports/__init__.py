"""Output formats. Each file exports `build() -> (AuditReport -> str)`; none imports torch."""

from __future__ import annotations

from audit.report import AuditReport
from lowkey_core import plugins
from lowkey_core.errors import PluginError


def render(name: str, report: AuditReport) -> str:
    """`report` in the format called `name`, or by a user's `.py` file.

    Raises: UnknownNameError, PluginError.
    """
    text = plugins.load(__name__, name)(report)
    if not isinstance(text, str):
        raise PluginError(
            f"the report format {name} returned a {type(text).__name__}",
            expected="a string",
            remedy="correct what it returns",
        )
    return text
