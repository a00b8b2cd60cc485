"""A small report with every kind of record in it, made without a network."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from audit.caveats import caveats
from audit.choices import validated
from audit.comparisons import comparisons
from audit.counts import Counts
from audit.outcomes import DETECTED, FLAGGED, Cell, Outcome, Rate, rank
from audit.records import (
    AdversaryRecord,
    Card,
    CloakRecord,
    Quality,
    RecogniserRecord,
    Relation,
    SplitRecord,
)
from audit.report import AuditReport

PEOPLE, PROBES = 10, 4
NAMES = ("Ann", "Bob", "Cid", "Dot", "Eve", "Fay", "Gus", "Hal", "Ida", "Jim")
ATTACK, NOISE = "lowkey", "noise@lowkey"


def rate(*hits: int, of: int = PROBES) -> Rate:
    """Hits per identity; one number stands for everybody."""
    hits = hits * PEOPLE if len(hits) == 1 else hits
    return Rate(hits=hits, trials=(of,) * len(hits))


def found(
    hits: int | Rate = 0, control: int | Rate = 4, detected: Sequence[bool] = (False,) * PEOPLE
) -> dict[str, Outcome]:
    """Outcomes of a cell: at rank 1 these hits, at rank 5 all."""
    before, after = (r if isinstance(r, Rate) else rate(r) for r in (control, hits))
    everybody = Rate(hits=after.trials, trials=after.trials)
    dropped = Rate(hits=tuple(map(int, detected)), trials=(1,) * len(detected))
    return {
        rank(1): Outcome(control=before, cloaked=after),
        rank(5): Outcome(control=everybody, cloaked=everybody),
        DETECTED: Outcome(cloaked=dropped),
    }


def cell(
    hits: int | Rate = 0,
    control: int | Rate = 4,
    detected: Sequence[bool] = (False,) * PEOPLE,
    more: dict[str, Outcome] | None = None,
    **changes: object,
) -> Cell:
    """lowkey against oblivious, unless changed. more: outcomes besides those of every cell."""
    fields = {
        "attack": ATTACK,
        "adversary": "oblivious",
        "recogniser": "old",
        "matcher": "nn",
        "transform": "none",
        "scenario": "all",
        "cloaked_share": 1.0,
        "outcomes": {**found(hits, control, detected), **(more or {})},
    }
    return Cell.model_validate({**fields, **changes})


def recogniser(
    name: str = "old",
    released: datetime.date | None = datetime.date(2019, 7, 1),
    *,
    newer: bool = False,
    held_out: bool | None = True,
    shared_data: tuple[str, ...] = (),
) -> RecogniserRecord:
    """Held out from the cloak, and older, unless changed."""
    relation = Relation(newer=newer, held_out=held_out, shared_data=shared_data)
    return RecogniserRecord(name=name, released=released, relations={ATTACK: relation})


NEW = recogniser("new", datetime.date(2023, 7, 1), newer=True)
QUALITY = Quality(
    attack=ATTACK,
    pictures=80,
    dssim=0.02,
    dssim_max=0.03,
    psnr=32.0,
    l2=5.0,
    linf=0.13,
    lpips=None,
)
CLOAK = CloakRecord(
    attack=ATTACK,
    control=NOISE,
    released=datetime.date(2021, 1, 20),
    notes=("a note",),
    surrogates=("taught",),
    quality=(QUALITY,),
)


def adversary(name: str, phrase: str = "", **learned: float) -> AdversaryRecord:
    """learned: what it reports of its training."""
    return AdversaryRecord(
        name=name,
        question={
            "adaptive": "Does it survive robust retraining?",
            "detection": "Does it survive detection?",
        }.get(name, f"Does it survive {name}?"),
        phrase=phrase,
        baseline=name == "oblivious",
        learned={ATTACK: learned} if learned else {},
    )


ADVERSARIES = (
    adversary("oblivious"),
    adversary(
        "adaptive", "retrained on cloaked pictures", pictures=300, identities=60, cloaked_seen=1
    ),
    adversary("detection", "after flagged pictures were dropped"),
)
COUNTS = Counts(
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


def sample(
    control: int = 4,
    called: str = "old",
    seed: int = 0,
    people: tuple[str, ...] = NAMES,
    newer: int | Rate = 2,
    **counts: object,
) -> AuditReport:
    """Protected 1.00 as published, 0.50 against a newer model, 0.00 after retraining.

    called: the first recogniser. newer: how many probes the newer one identifies.
    """
    spotted = {FLAGGED: Outcome(cloaked=rate(4), control=rate(0), value=0.999)}
    everybody = (True,) * PEOPLE
    cells = (
        *(
            cell(control=control, transform=t, recogniser=called)
            for t in ("none", "jpeg:75", "jpeg:30")
        ),
        cell(4, control, attack=NOISE, recogniser=called),
        cell(newer, recogniser="new"),
        cell(4, adversary="adaptive", recogniser=called),
        cell(detected=everybody, more=spotted, adversary="detection", recogniser=called),
    )
    plan = validated(
        {
            "people": {"dataset": "lfw", "seed": seed},
            "publish": {"scenarios": ["all"]},
            "adversaries": {"recognisers": [_quoted(called), "new"]},
            "measure": {"ranks": [1, 5]},
        }
    )
    card = Card(
        name=called,
        role="recogniser",
        sha256="0" * 64,
        source="here",
        licence="none",
        released=None,
        trained_on="nothing",
    )
    recognisers = (recogniser(called), NEW)
    split = SplitRecord(seed=seed, people=people, cells=cells)
    counted = COUNTS.model_copy(update=counts)
    return AuditReport(
        plan=plan,
        counts=counted,
        cloaks=(CLOAK,),
        recognisers=recognisers,
        adversaries=ADVERSARIES,
        cells=cells,
        cards=(card,),
        caveats=caveats(counted, (CLOAK,), recognisers, ADVERSARIES, cells),
        environment={"python": "3.11"},
        timings={"cloaking": 1.5},
        people=people,
        comparisons=comparisons([ATTACK], called, [split]),
    )


def _quoted(name: str) -> str:
    return f'"{name}"'
