"""Shards of an audit: each makes a part of its cloaks, and a merge measures. Never imports torch.

What is decided, and why: docs/adr/0013-shards-deal-out-cloaks.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from audit import runs
from audit.plan import AuditPlan
from lowkey_core.errors import OptionError, RunError, setting, some
from lowkey_core.work import documents
from lowkey_core.work.files import write_atomically

FINISHED = "shard.json"
MOST = 10_000
"""Shards of an audit."""


@dataclass(frozen=True)
class Shard:
    """One of several."""

    number: int
    """From 1."""
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, batch: int) -> bool:
        """Whether the batch of that number, from 0, is its own."""
        return batch % self.of == self.number - 1


def parsed(text: str) -> Shard:
    """`3/8`. Raises: OptionError."""
    found = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text.strip())
    shard = Shard(*map(int, found.groups())) if found else Shard(0, 0)
    if not 1 <= shard.number <= shard.of <= MOST:
        raise OptionError(
            f"{setting('shard')} is {text!r}",
            expected=f"a shard and how many there are, as 3/8; at most {MOST:,}",
            remedy=f"write {setting('shard', '1/8')} up to {setting('shard', '8/8')}",
        )
    return shard


class Finished(BaseModel):
    """What a finished shard leaves in its folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    shard: str
    plan: str
    """The plan's digest."""
    batches: int
    """That it made, or found."""


def finish(folder: Path, plan: AuditPlan, shard: Shard, batches: int) -> None:
    """Notes that a shard is done. Raises: StorageError."""
    note = Finished(shard=str(shard), plan=plan.digest, batches=batches)
    write_atomically(folder / FINISHED, f"{note.model_dump_json(indent=1)}\n".encode())


def merged(folders: Sequence[Path]) -> AuditPlan:
    """The plan of which these are all shards, each finished. Raises: RunError."""
    starts = [runs.started(folder) for folder in folders]
    for folder, start in zip(folders, starts, strict=True):
        if not start.shard:
            raise RunError(
                f"{folder} is no shard, but a whole run",
                expected=f"folders of audits with {setting('shard')}",
                remedy="name the folders of all shards, and nothing else",
            )
    plan, shards = starts[0].plan, [parsed(start.shard) for start in starts]
    for folder, start, shard in zip(folders, starts, shards, strict=True):
        if start.plan != plan or shard.of != shards[0].of:
            raise RunError(
                f"{folder} is shard {shard} of another plan than {folders[0]} is {shards[0]} of",
                expected="shards of one plan, and as many as each says",
                remedy="name the shards of one audit",
            )
    numbers = [shard.number for shard in shards]
    lacking = [str(Shard(n, shards[0].of)) for n in range(1, shards[0].of + 1) if n not in numbers]
    if lacking or len(set(numbers)) < len(numbers):
        raise RunError(
            f"{len(folders)} folders hold {len(set(numbers))} of {shards[0].of} shards",
            expected="each shard once" + (f"; lacking are {some(lacking)}" if lacking else ""),
            remedy=f"run those, with {setting('shard', lacking[0])}"
            if lacking
            else "name no folder twice",
        )
    for folder, shard in zip(folders, shards, strict=True):
        _demand_finished(folder, plan, shard)
    return plan


def _demand_finished(folder: Path, plan: AuditPlan, shard: Shard) -> None:
    """Raises: RunError."""
    file, trouble = folder / FINISHED, ""
    try:
        note = documents.parsed(documents.content(file), Finished)
        if (note.shard, note.plan) != (str(shard), plan.digest):
            trouble = f"it is of shard {note.shard} of another plan"
    except FileNotFoundError:
        trouble = "it is not there"
    except (OSError, ValueError) as error:
        trouble = str(error)
    if trouble:
        raise RunError(
            f"shard {shard} is not finished: {file}: {trouble}",
            expected=f"the {FINISHED} that a shard leaves in its folder when it is done",
            remedy=f"go on with it: {setting('resume', folder)}",
        )
