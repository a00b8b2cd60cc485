"""A sample that holds whatever a page can draw: a mixing curve, a ROC curve and pictures."""

from __future__ import annotations

import base64
import io
from functools import cache

from PIL import Image

from audit.curves import GRID
from audit.outcomes import FLAGGED, Outcome
from audit.plan import AuditPlan
from audit.report import AuditReport
from audit.shown import Shown
from tests.audit.plans import changed
from tests.audit.samples import ATTACK, PEOPLE, cell, rate, sample

CURVE = tuple(
    (at, 0.2 if at < 0.01 else 0.5 if at < 0.5 else 0.9 if at < 1 else 1.0) for at in GRID
)


def full() -> AuditReport:
    """As `sample`, and all of that."""
    report = sample()
    spotted = Outcome(cloaked=rate(4), control=rate(0), value=0.999, curve=CURVE)
    cells = (
        *(c for c in report.cells if c.adversary != "detection"),
        cell(4, scenario="mixed:0", cloaked_share=0.0),
        cell(3, scenario="mixed:0.5", cloaked_share=0.5),
        cell(0, scenario="mixed:1", cloaked_share=1.0),
        cell(1, scenario="mixed:1", cloaked_share=1.0, adversary="adaptive"),
        cell(
            detected=(True,) * PEOPLE,
            more={FLAGGED: spotted},
            adversary="detection",
        ),
    )
    scenarios = ("all", "mixed:0", "mixed:0.5", "mixed:1")
    plan: AuditPlan = changed(report.plan, scenario=scenarios)
    return pictured(AuditReport.model_validate({**dict(report), "cells": cells, "plan": plan}))


def pictured(report: AuditReport, *, invented: bool = True) -> AuditReport:
    """With one photo. invented: of somebody who does not exist."""
    one = Shown(
        attack=ATTACK,
        person="Ann",
        photo="Ann_1.png",
        invented=invented,
        dssim=0.02,
        linf=0.13,
        clean=jpeg(0),
        cloaked=jpeg(80),
        difference=jpeg(128),
    )
    return report.model_copy(update={"shown": (one,)})


@cache
def jpeg(grey: int) -> str:
    """A plain picture, in base64."""
    file = io.BytesIO()
    Image.new("RGB", (112, 112), (grey, grey, grey)).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode()
