"""An audit that is under way: progress on stderr, then its files and its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.console.commands import draw, say

if TYPE_CHECKING:  # torch takes seconds to import
    from audit.plan import AuditPlan
    from audit.report import AuditReport


def reported(
    plan: AuditPlan,
    folder: Path | None,
    cache: Path | None,
    format: Sequence[str],
    *,
    faces: bool,
    json: bool,
    network: bool,
    workers: int | str | None,
) -> AuditReport:
    """Runs the plan, writes the report's files and prints it. json: on stdout, too. network:
    commercial services may be asked. workers: as `audit.working.Workers`.

    Raises: any AuditError.
    """
    from audit import session
    from reports import render, with_faces
    from reports.console.progress import Progress
    from reports.parts import files

    wanted = files.names(with_faces(list(format), faces))
    with session.begin(plan, folder, cache, network=network, workers=workers) as begun:
        with Progress() as progress:
            found = begun.run(progress.show, progress.expect, faces=faces, say=say)
        written = files.write(wanted, found, begun.folder)
    draw(render("terminal", found))
    say(f"report: {', '.join(map(str, written))} and report.json")
    if json:
        print(found.model_dump_json(indent=1, ensure_ascii=True))
    return found
