"""`check`: the plan of an audit of somebody's own photos, among the people of another data set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit import choices, models
from audit.plan import AuditPlan, People
from audit.presets import BY_DATASET
from audit.protection import one_cloak
from lowkey_core import cloaks, datasets
from lowkey_core.cloaks import ThirdPartyCloak
from lowkey_core.datasets import Dataset, lfw
from lowkey_core.errors import DatasetError, setting
from lowkey_core.spec import Spec
from lowkey_core.work.work import Work

FEWEST = 3
"""Photos of a person: two are published, one is searched for."""
MOST = 20
"""Photos of a person that are published, and that are searched for, at most."""
OTHERS, STRANGERS, BACKGROUND = 20, 100, 48
"""People of the world: in the gallery, with several pictures and with one, and whom adversaries
learn from. As many as in the preset `offline`; adversaries learn as long as in `standard`."""


def planned(photos: Path, given: Mapping[str, Any], work: Work) -> AuditPlan:
    """The plan of a check. photos: a folder as `album` reads it. given: as for `choices.make`.

    Half of each person's photos are published cloaked, the others are searched for; where people
    have different numbers, half of the fewest are searched for. Raises: DatasetError, PlanError,
    UnknownNameError, OptionError.
    """
    own = datasets.load(str(Spec("album", str(photos))), work)
    copies = given.get("cloaked")
    counts = list(_copied(own, str(copies), work) if copies else _counts(own).values())
    enough = [count for count in counts if count >= FEWEST]
    if not enough:
        raise _too_few(own, photos, max(counts, default=0), copied=copies is not None)
    world = given.get("world") or ("lfw" if lfw.tars() else "synthetic")
    probes = min(min(enough) // 2, MOST)
    plan = choices.make(
        "standard",
        given={
            "protected": len(enough),
            "probes": probes,
            "gallery": min(max(enough) - probes, MOST),
            "background": _background(world, work),
            "others": OTHERS,
            "distractors": STRANGERS,
            "scenario": ("all",),
            "adversary": ("adaptive", "detection"),
            "recogniser": given.get("recogniser") or _searching(),
            "ranks": (1,),
            **{name: value for name, value in given.items() if value is not None},
            "dataset": str(Spec("album", str(photos))),
            "world": world,
        },
    )
    one_cloak(plan)
    return plan


def _searching() -> list[str]:
    """Every recogniser at hand, the one first that adversaries retrain: that of audits of real
    faces, where it is here, else the oldest."""
    strongest = BY_DATASET["lfw"]["adversaries"]["recognisers"][0]
    return sorted(models.at_hand(), key=lambda name: name != strongest)


def _counts(own: Dataset) -> dict[str, int]:
    return {who: len(photos) for who, photos in own.by_identity.items()}


def _copied(own: Dataset, folder: str, work: Work) -> list[int]:
    """How many photos everybody has of whom there is a copy; copies among them do not count.

    Raises: DatasetError if there is a copy of nobody.
    """
    cloak = cloaks.load(str(Spec("folder", folder)), list, work)
    assert isinstance(cloak, ThirdPartyCloak)
    photos = cloak.originals(own.photos)
    cloaking = {photo.identity for photo in photos if cloak.covers(photo.name)}
    if not cloaking:
        raise DatasetError(
            f"{folder} holds a copy of none of {len(photos)} photos",
            expected="copies that are called as their photos are",
            remedy=f"correct {setting('cloaked')}, or rename the copies",
        )
    counts = _counts(Dataset(own.name, photos))
    return [count for who, count in counts.items() if who in cloaking]


def _background(world: str, work: Work) -> int:
    """How many people adversaries learn from: of a small world two thirds, as somebody must be
    left to be mistaken for."""
    counts = _counts(datasets.load(world, work)).values()
    able = sum(count >= People().background_pictures for count in counts)
    return max(2, min(BACKGROUND, 2 * able // 3))


def _too_few(own: Dataset, photos: Path, most: int, *, copied: bool) -> DatasetError:
    which = "with copies, " if copied else ""
    people = f" of anybody ({len(own.by_identity)} people)" if len(own.by_identity) > 1 else ""
    why = f" ({' '.join(own.notes)})" if own.notes else ""
    return DatasetError(
        f"{photos} holds {which}{most} photos that can be used{people}{why}",
        expected=f"{FEWEST} or more of one person: two to publish, one to search for",
        remedy="add photos",
    )
