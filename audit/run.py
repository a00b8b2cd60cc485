"""The audit: photographs are cloaked, published, scraped, enrolled by an adversary, and probed."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from audit.contests import prepare
from audit.forecast import foretell, wanted
from audit.likenesses import compared
from audit.measuring import measure
from audit.plan import AuditPlan
from audit.pooling import pooled
from audit.publishing import publish
from audit.record import Clock, record
from audit.report import AuditReport
from audit.scene import Scene, assemble
from lowkey_core.services.asking import Services
from lowkey_core.work.state import NotKept
from lowkey_core.work.work import Work


def run_audit(
    plan: AuditPlan, work: Work, *, faces: bool = False, services: Services | None = None
) -> AuditReport:
    """Everything in a plan, measured: each split of the people by itself, then pooled by identity.

    faces: the report may hold faces of real people. services: that may be asked; None: none.
    Raises: any AuditError. What is finished stays in `work`, so that a rerun resumes.
    """
    splits = [run_split(split, work, faces=faces, services=services) for split in plan.splits]
    return pooled(plan, splits)


def run_split(
    plan: AuditPlan, work: Work, *, faces: bool = False, services: Services | None = None
) -> AuditReport:
    """An audit of one split. As `run_audit`."""
    clock = Clock(work)
    scene = assemble(plan, work, services)  # names become objects here only
    clock.lap("assembling")
    if wanted(scene):  # of an audit that is finished nothing need be foretold
        with contextlib.suppress(NotKept), work.with_what_is_kept():
            return _measured(plan, scene, replace(clock, laps={**clock.laps}), faces=faces)
    foretell(scene)
    clock.lap("foretelling")
    return _measured(plan, scene, clock, faces=faces)


def _measured(plan: AuditPlan, scene: Scene, clock: Clock, *, faces: bool) -> AuditReport:
    """Everything behind `assemble`. faces: as of `run_audit`."""
    scene = compared(scene)  # pictures and people that are too much alike
    clock.lap("comparing")
    published = publish(scene)  # for each cloak and its control, what people put online
    clock.lap("cloaking")
    prepared = prepare(scene)  # adversaries learn once
    clock.lap("learning")
    cells = measure(scene, published, prepared)  # control and treatment share what was learned
    clock.lap("recognising")
    return record(plan, scene, published, prepared, cells, clock, faces=faces)
