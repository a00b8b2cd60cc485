"""`runs html`: a page of many runs, which sorts and filters without a server.

Its policy (CSP) allows its own style sheet and its own script, known by their digests, and nothing
else. Without JavaScript it is a plain table.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from audit.runs import COLUMNS, rows
from lowkey_core.errors import one_line
from lowkey_core.work.files import write_atomically
from reports.html import digest_of, environment

PAGE = "report.html"
"""In a run's folder: what its row leads to, where it is there."""


def write(folder: Path, out: Path) -> int:
    """Writes the page of all runs in `folder` to `out`; how many there are. Raises: StorageError,
    RunError."""
    found = rows(folder)
    write_atomically(out, rendered(folder, out.parent, found).encode())
    return len(found)


def rendered(folder: Path, beside: Path, found: list[tuple[str, ...]]) -> str:
    """beside: the folder of the page, from which its links lead. found: as `audit.runs.rows`."""
    style, script = (environment().get_template(name).render() for name in ("page.css", "runs.js"))
    verdict = COLUMNS.index("verdict")
    return (
        environment()
        .get_template("runs.html")
        .render(
            folder=one_line(folder.name or str(folder)),
            columns=COLUMNS,
            rows=[(row, _link(folder / row[0], beside)) for row in found],
            verdicts=sorted({row[verdict] for row in found}),
            style=style,
            script=script,
            style_digest=digest_of(style),
            script_digest=digest_of(script),
        )
    )


def _link(run: Path, beside: Path) -> str:
    """To a run's page, relative to the folder that this one is written to; "" where there is none,
    or the run's name cannot be printed whole."""
    if not (run / PAGE).is_file():
        return ""
    relative = os.path.relpath((run / PAGE).resolve(), beside.resolve())
    return "./" + quote(relative.replace(os.sep, "/"))
