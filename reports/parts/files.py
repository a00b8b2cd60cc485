"""A report as files, a format each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from audit.report import AuditReport
from lowkey_core.errors import OptionError, PluginError, setting
from lowkey_core.work.files import write_atomically
from reports import render, suffix

_SUFFIX = re.compile(r"(\.[A-Za-z0-9][A-Za-z0-9_-]*)+")
_TAKEN = ".json"
"""Of the report itself."""


def names(formats: Sequence[str]) -> dict[str, str]:
    """What the file of each format is called: known before an audit, so that none is lost.

    Raises: UnknownNameError, OptionError if two are called the same, PluginError.
    """
    found: dict[str, str] = {}
    for name in dict.fromkeys(formats):
        ending = suffix(name)
        if not _SUFFIX.fullmatch(ending) or ending == _TAKEN:
            raise PluginError(
                f"the report format {name} has the suffix {ending!r}",
                expected=f"one like .md, and not {_TAKEN}",
                remedy="correct its suffix",
            )
        found[name] = f"report{ending}"
    for file in found.values():
        if len(same := [name for name, other in found.items() if other == file]) > 1:
            raise OptionError(
                f"{' and '.join(same)} would both be written to {file}",
                expected="formats whose files have different suffixes",
                remedy=f"leave out one {setting('format')}, or write it into another folder",
            )
    return found


def write(names: dict[str, str], report: AuditReport, folder: Path) -> tuple[Path, ...]:
    """Each whole or not at all, into `folder`, which is made. Raises: StorageError, PluginError."""
    written = []
    for name, file in names.items():
        content = render(name, report)
        write_atomically(folder / file, content if isinstance(content, bytes) else content.encode())
        written.append(folder / file)
    return tuple(written)
