"""The audit: photographs are cloaked, published, scraped, enrolled by an adversary, and probed."""

from __future__ import annotations

from audit.contests import prepare
from audit.forecast import foretell
from audit.likenesses import compared
from audit.measuring import measure
from audit.plan import AuditPlan
from audit.pooling import pooled
from audit.publishing import publish
from audit.record import Clock, record
from audit.report import AuditReport
from audit.scene import assemble
from lowkey_core.services.asking import Services
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
    foretell(scene)
    clock.lap("foretelling")
    scene = compared(scene)  # pictures and people that are too much alike
    clock.lap("comparing")
    published = publish(scene)  # for each cloak and its control, what people put online
    clock.lap("cloaking")
    prepared = prepare(scene)  # adversaries learn once
    clock.lap("learning")
    cells = measure(scene, published, prepared)  # control and treatment share what was learned
    clock.lap("recognising")
    return record(plan, scene, published, prepared, cells, clock, faces=faces)
