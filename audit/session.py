"""One audit from choices to a stored report: what the command line, a notebook and a test call.

from audit import audit
report = audit(attack="lowkey", adversary="adaptive")
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit import runs, shards
from audit.choices import make
from audit.plan import AuditPlan
from audit.shards import Shard
from audit.working import Expect, Show, Workers, alone, helped
from lowkey_core.errors import RunError, setting
from lowkey_core.spec import parse
from lowkey_core.work import storage
from lowkey_core.work.files import explained, locked
from lowkey_core.workers.names import parsed

if TYPE_CHECKING:  # torch takes seconds to import
    from audit.forecast import Foresight
    from audit.pairs import Pair
    from audit.report import AuditReport
    from lowkey_core.photos.protected import Outcome
    from lowkey_core.publish.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """A plan, and where its work and its report go."""

    plan: AuditPlan
    folder: Path
    """Of `plan.json` and `report.json`."""
    cache: Path
    """Of finished work."""
    network: bool = False
    """Whether commercial services may be asked."""
    workers: Workers = None
    """Who helps to measure."""

    def run(
        self,
        show: Show | None = None,
        expect: Expect | None = None,
        *,
        faces: bool = False,
        say: Callable[..., object] | None = None,
    ) -> AuditReport:
        """Runs, and stores the report. show: told of progress. expect: told, once faces are found,
        how long the rest takes; without it there is no trial. faces: the report holds a few faces,
        of real people, too. say: told, in lines, what services are sent, before they are; without
        it the log is.

        Raises: any AuditError. What is finished is kept: the same call goes on from there.
        """
        with contextlib.ExitStack() as stack:
            work = stack.enter_context(helped(self.workers, self.cache, show, expect))
            from audit.run import run_audit
            from lowkey_core.services.asking import Services

            services = Services(work, "allowed" if self.network else "refused")
            services.tell = say or services.tell
            stack.enter_context(services)
            report = run_audit(self.plan, work, faces=faces, services=services)
        report.save(self.folder / runs.REPORT)
        return report

    def cloak(self, shard: Shard, show: Show | None = None) -> int:
        """Makes the shard's part of the cloaks, and notes that it is done. Returns how many batches
        that is. Raises: as `run`."""
        work = alone(self.cache, show)
        from audit.dealing import cloak

        made = cloak(self.plan, shard, work)
        shards.finish(self.folder, self.plan, shard, made)
        return made

    def pairs(self, show: Show | None = None) -> tuple[Pair, ...]:
        """Each cloaked photo beside its original. Raises: any AuditError."""
        from audit.pairs import pairs

        return pairs(self.plan, alone(self.cache, show))


def audit(
    preset: str = "offline",
    plan: AuditPlan | Path | None = None,
    *,
    out: Path | None = None,
    cache: Path | None = None,
    show: Show | None = None,
    include_faces: bool = False,
    allow_network: bool = False,
    workers: int | str | None = None,
    **given: Any,
) -> AuditReport:
    """Runs an audit and returns its report, which is stored too.

    preset, plan: as `--preset` and `--plan`; a plan that is made already is taken as it is.
    out, cache: folders. include_faces: the report may hold faces of real people. allow_network:
    commercial services among the recognisers are sent photos. workers: as `--workers`. given: what
    the flags of `audit` are called, with underscores: lists may be lists, or text with commas.
    Raises: any AuditError.
    """
    made = plan if isinstance(plan, AuditPlan) else make(preset, plan, given)
    helpers = None if workers is None else parsed(str(workers))
    with begin(made, out, cache, network=allow_network, workers=helpers) as session:
        return session.run(show, faces=include_faces)


@contextlib.contextmanager
def begin(
    plan: AuditPlan,
    out: Path | None = None,
    cache: Path | None = None,
    shard: Shard | None = None,
    *,
    network: bool = False,
    workers: Workers = None,
) -> Iterator[Session]:
    """Makes the folders, and notes the plan in the run's: whether they may be written is better
    known now than after the work. One audit at a time has a folder. network, workers: as in
    `Session`.

    An audit that cannot be done as it was asked for leaves the folder as it was; one that was
    interrupted, or found no room, can be resumed. shard: as which it is noted.
    Raises: StorageError, RunError.
    """
    own = Path("runs") / (name_of(plan) + (f"-{shard.number}-of-{shard.of}" if shard else ""))
    session = Session(plan, out or own, cache or cache_folder(), network, workers)
    folder = session.folder
    with _not_left_empty(folder), contextlib.ExitStack() as stack:
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / runs.PLAN, lambda: _refuse(folder)))
        storage.prepare(session.cache)
        log.info("finished work is kept in %s, the report goes to %s", session.cache, folder)
        with runs.noted(folder, plan, str(shard or "")):
            yield session


@contextlib.contextmanager
def _not_left_empty(folder: Path) -> Iterator[None]:
    """At its end the folder and those above it are removed where they are new and empty."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # one is not there, or not empty
            for path in new:
                path.rmdir()


def _refuse(folder: Path) -> None:
    raise RunError(
        f"another audit is at work in {folder}",
        expected="one at a time in a folder",
        remedy=f"wait for it, or name another folder with {setting('out')}",
    )


def foresee(
    plan: AuditPlan,
    cache: Path | None = None,
    show: Show | None = None,
    workers: Workers = None,
) -> Foresight:
    """What an audit would do, and how long it would take, of its first split; no run is begun.
    Faces are found for it, and kept; services are not asked. Raises: any AuditError.
    """
    with helped(workers, cache or cache_folder(), show) as work:
        from audit.forecast import foresee as foreseen
        from audit.scene import assemble
        from lowkey_core.services.asking import Services

        scene = assemble(plan.splits[0], work, Services(work, "foreseen"))
        return foreseen(scene, len(plan.splits))


def protect(
    photos: Sequence[Path],
    out: Path,
    plan: AuditPlan,
    settings: Settings,
    cache: Path | None = None,
    show: Show | None = None,
) -> Iterator[Outcome]:
    """Cloaked copies of photos, with the plan's cloak: an outcome per photo as soon as it is known.

    Raises: any AuditError. What cannot be done as asked leaves no new folder.
    """
    from audit import protection

    work = alone(cache or cache_folder(), show)
    with _not_left_empty(out):
        out.mkdir(parents=True, exist_ok=True)
        storage.prepare(cache or cache_folder())
        log.info("finished work is kept in %s, copies go to %s", work.cache.root, out)
        yield from protection.protect(photos, out, plan, settings, work)
        work.log_counts()


def check(
    photos: Path, given: Mapping[str, Any], cache: Path | None = None, show: Show | None = None
) -> AuditPlan:
    """The plan of a check of somebody's own photos: run it with `begin`. Faces are found for it,
    and kept. Raises: any AuditError.
    """
    storage.prepare(cache or cache_folder())
    work = alone(cache or cache_folder(), show)
    from audit.check import planned

    return planned(photos, given, work)


def train(name: str, out: Path, cache: Path | None = None, show: Show | None = None) -> Path:
    """Trains a network that ships with this project. Raises: as `lowkey_core.training.recipes`."""
    work = alone(cache or cache_folder(), show)
    from lowkey_core.training.recipes import train as trained

    return trained(name, out, work)


def name_of(plan: AuditPlan) -> str:
    """Of the plan's run: its first cloak, how many more there are, and the plan's digest."""
    first, *others = plan.publish.attacks
    spec = parse(first)
    name = "-".join(filter(None, [Path(spec.name).stem, Path(spec.value).name]))
    more = f"-and-{len(others)}" if others else ""
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)[:60]}{more}-{plan.digest}"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where finished work is kept unless a folder is named."""
    base = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(environment.get("LOWKEY_AUDIT_CACHE") or Path(base) / "lowkey-audit")
