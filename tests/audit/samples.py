"""A small report with every kind of record in it, made without a network."""

from __future__ import annotations

import datetime

from audit.caveats import caveats
from audit.plan import AuditPlan
from audit.report import AuditReport, Card, Cell, Counts, Detection, Quality, Rate

PEOPLE, PROBES = 10, 4


def rate(*hits: int, of: int = PROBES) -> Rate:
    """Hits per identity; one number stands for everybody."""
    hits = hits * PEOPLE if len(hits) == 1 else hits
    return Rate(hits=hits, trials=(of,) * len(hits))


def cell(hits: int = 0, control: int = 4, **changes: object) -> Cell:
    """lowkey against oblivious, unless changed."""
    fields = {
        "attack": "lowkey",
        "adversary": "oblivious",
        "recogniser": "old",
        "released": datetime.date(2019, 7, 1),
        "newer": False,
        "held_out": True,
        "matcher": "nn",
        "transform": "none",
        "condition": "all",
        "cloaked_share": 1.0,
        "control": {1: rate(control), 5: rate(4)},
        "cloaked": {1: rate(hits), 5: rate(4)},
        "detected": (False,) * PEOPLE,
    }
    return Cell.model_validate({**fields, **changes})


def sample(control: int = 4, recogniser: str = "old") -> AuditReport:
    """Protected 1.00 as published, 0.50 against a newer model, 0.00 after retraining."""
    spotted = Detection(cloaked=rate(4), clean=rate(0), auc=0.999)
    cells = (
        *(
            cell(transform=t, control=control, recogniser=recogniser)
            for t in ("none", "jpeg:75", "jpeg:30")
        ),
        cell(attack="noise", hits=4, control=control, recogniser=recogniser),
        cell(recogniser="new", newer=True, released=datetime.date(2023, 7, 1), hits=2),
        cell(adversary="adaptive", hits=4, recogniser=recogniser),
        cell(
            adversary="detection",
            recogniser=recogniser,
            detection=spotted,
            detected=(True,) * PEOPLE,
        ),
    )
    plan = AuditPlan(dataset="lfw", ranks=(1, 5), recognisers=(recogniser, "new"))
    counts = Counts(
        dataset="lfw",
        protected=PEOPLE,
        probes=PEOPLE * PROBES,
        gallery=300,
        enrolled=120,
        background_identities=60,
        background_pictures=300,
        no_face=(),
        unreadable=(),
    )
    learned = {"adaptive": {"pictures": 300.0, "identities": 60.0, "cloaked_seen": 1.0}}
    quality = Quality(
        attack="lowkey",
        pictures=80,
        dssim=0.02,
        dssim_max=0.03,
        psnr=32.0,
        l2=5.0,
        linf=0.13,
        lpips=None,
    )
    card = Card(
        name=recogniser,
        role="recogniser",
        sha256="0" * 64,
        source="here",
        licence="none",
        released=None,
        trained_on="nothing",
    )
    return AuditReport(
        plan=plan,
        counts=counts,
        cloak_released=datetime.date(2021, 1, 20),
        quality=(quality,),
        cells=cells,
        learned=learned,
        cards=(card,),
        caveats=caveats(counts, cells, (quality,), learned, ("a note",)),
        environment={"python": "3.11"},
        timings={"cloaking": 1.5},
    )
