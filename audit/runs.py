"""Run folders: each knows from its start what was asked, so that an interrupted one is known.

Never imports torch: a hundred runs are listed in a second.
"""

from __future__ import annotations

import contextlib
import datetime
import operator
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from audit.findings import MIN_CONTROL, cells
from audit.plan import AuditPlan
from audit.report import AuditReport, read
from lowkey_core.errors import (
    AuditError,
    OptionError,
    RunError,
    StorageError,
    brief,
    one_line,
    setting,
)
from lowkey_core.work import documents
from lowkey_core.work.files import explained, write_atomically

PLAN, REPORT = "plan.json", "report.json"
ALONGSIDE = (
    "resume",
    "cache",
    "workers",
    "json",
    "verbose",
    "dry_run",
    "trust",
    "allow_network",
    "format",
    "include_faces",
    "gate",
    "baseline",
)
"""What may be given together with a run to resume: nothing that its plan decides."""
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Start(BaseModel):
    """What `plan.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    """Of this format."""
    started: Annotated[AwareDatetime, Field(ge=_EPOCH, lt=_EPOCH.replace(year=3000))]
    """When the run was first begun; for display, nothing depends on it."""
    plan: AuditPlan
    shard: str = Field("", max_length=20, exclude_if=operator.not_)
    """Which part of the cloaks it makes, as 3/8; "" of a whole run."""


def begin(folder: Path, plan: AuditPlan, shard: str = "") -> None:
    """Note `plan` in the run's folder, made if needed. Raises: StorageError."""
    start = Start(started=datetime.datetime.now(datetime.UTC), plan=plan, shard=shard)
    try:
        if ((known := started(folder)).plan, known.shard) == (plan, shard):
            start = known
    except RunError:
        pass  # a new run, or one whose note is damaged
    write_atomically(folder / PLAN, f"{start.model_dump_json(indent=1)}\n".encode())


@contextlib.contextmanager
def noted(folder: Path, plan: AuditPlan, shard: str = "") -> Iterator[None]:
    """`begin`; what the folder said before is put back if the audit cannot be done as asked.

    Trouble with a disk is another matter: the audit goes on once there is room. Raises:
    StorageError, RunError.
    """
    note, before = folder / PLAN, None
    try:
        with explained(note), contextlib.suppress(FileNotFoundError):
            before = documents.content(note)
    except ValueError as error:
        raise _no_plan(note, error) from error
    begin(folder, plan, shard)
    try:
        yield
    except (StorageError, OSError):
        raise
    except Exception:
        _put_back(note, before)
        raise


def _put_back(note: Path, before: bytes | None) -> None:
    if before is not None:
        write_atomically(note, before)
        return
    with explained(note):
        note.unlink(missing_ok=True)


def resumed(folder: Path, given: Sequence[str]) -> AuditPlan:
    """The plan of the run in `folder`. given: the options of the command line.

    Raises: RunError, OptionError if an option is given that the run's plan decides.
    """
    if clash := [option for option in given if option not in ALONGSIDE]:
        raise OptionError(
            f"{setting('resume')} was given together with {', '.join(map(setting, clash))}",
            expected=f"nothing beside {setting('resume')} but "
            + ", ".join(map(setting, ALONGSIDE[1:])),
            remedy=f"leave out the others, or start a new run without {setting('resume')}",
        )
    try:
        return started(folder).plan
    except RunError:
        if (folder / PLAN).is_file() or not (folder / REPORT).is_file():
            raise
    return read(folder).plan  # of a version that noted no plan


COLUMNS = ("run", "date", "attack", "adversaries", "dataset", "verdict", "figure")
"""Of `rows`."""


def listing(root: Path) -> Iterator[str]:
    """A line for each run in a sub-folder of `root`, by name. Raises: StorageError, RunError."""
    found = rows(root)
    widths = [max(map(len, column)) for column in zip(*found, strict=True)]
    for row in found:
        yield "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()


def rows(root: Path) -> list[tuple[str, ...]]:
    """`COLUMNS` of each run in a sub-folder of `root`, by name. Raises: StorageError, RunError."""
    if not root.is_dir():
        raise RunError(
            f"{root} is not a folder",
            expected="a folder with a sub-folder per run",
            remedy="run an audit first, or name the folder",
        )
    with explained(root):
        folders = sorted(f for f in root.iterdir() if f.is_dir())
    return [row for folder in folders if (row := _row(folder))]


def _row(folder: Path) -> tuple[str, ...]:
    """Name, date, attack, adversaries, data set, verdict, protection; nothing of a folder that is
    no run. What is wrong with one run ends no list of others."""
    report, start, trouble = None, None, ""
    try:
        with explained(folder):
            there = [name for name in (REPORT, PLAN) if (folder / name).is_file()]
        report = read(folder) if REPORT in there else None
        start = started(folder) if PLAN in there else None
        if not there:
            return ()
    except AuditError as error:
        trouble = error.got
    if start is not None and report is not None and report.plan != start.plan:
        report = None  # what was begun last is not what was finished last
    plan = start.plan if start else report.plan if report else None
    known = (
        (",".join(plan.publish.attacks), ",".join(plan.adversaries.names), _people(plan))
        if plan and not trouble
        else ("-", "-", "-")
    )
    verdict = "unreadable" if trouble else report.verdict if report else _unfinished(start)
    figure = trouble or (_protection(report) if report else "")
    cells = (folder.name, _date(folder, start), *known, verdict, figure)
    return tuple(brief(one_line(cell)) for cell in cells)


def _unfinished(start: Start | None) -> str:
    return f"shard {start.shard}" if start and start.shard else "unfinished"


def _people(plan: AuditPlan) -> str:
    """The data set, and how many splits of it."""
    seeds = plan.people.seeds
    return plan.people.dataset + (f" x {seeds}" if seeds > 1 else "")


def _protection(report: AuditReport) -> str:
    """The least that the audit found where its control holds: the adversary chooses."""
    found = [
        (value, cell)
        for cell in cells(report)
        if (value := cell.protection.value) is not None and (cell.control.value or 0) >= MIN_CONTROL
    ]
    if not found:
        return "-"
    cell = min(found, key=lambda f: f[0])[1]
    low, high = cell.protection.interval
    rate = f"{cell.protection.value:.2f} [{low:.2f}, {high:.2f}]"
    return f"protection {rate} at worst ({cell.adversary} {cell.recogniser}, {cell.transform})"


def _date(folder: Path, start: Start | None) -> str:
    """In local time; for a run without a note, its report's."""
    if start is not None:
        return f"{start.started.astimezone():%Y-%m-%d %H:%M}"
    for file in (folder / REPORT, folder / PLAN, folder):
        with contextlib.suppress(OSError, OverflowError, ValueError):  # not there, or no date
            return f"{datetime.datetime.fromtimestamp(file.stat().st_mtime):%Y-%m-%d %H:%M}"
    return "-"


def started(folder: Path) -> Start:
    """What a run noted at its start. Raises: RunError."""
    file = folder / PLAN
    try:
        return documents.parsed(documents.content(file), Start)
    except (OSError, ValueError) as error:
        raise _no_plan(file, error) from error


def _no_plan(file: Path, error: Exception) -> RunError:
    return RunError(
        f"{file} is not the plan of a run ({error})",
        expected=f"the {PLAN} that an audit leaves in its folder",
        remedy="name a folder that `runs list` shows, or run the audit again",
    )
