"""The records of several splits as one record. Never imports torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from statistics import fmean
from typing import TypeVar

from audit.counts import Counts
from audit.records import AdversaryRecord, CloakRecord, Copies, Quality, RecogniserRecord

Named = TypeVar("Named", bound=Hashable)


def counts(parts: Sequence[Counts], people: int, enrolled: int) -> Counts:
    """Protected and enrolled people are counted once, as is whatever has its name kept: pictures
    without a face, unreadable, duplicate or too much alike. All else is the sum over splits, which
    may count a picture, or a person of the background, several times."""
    names = {
        field: once(name for c in parts for name in getattr(c, field))
        for field in ("no_face", "unreadable", "duplicates", "near_duplicates", "lookalikes")
    }
    sums = (
        *("without_pictures", "only_duplicates", "probes", "gallery"),
        *("background_identities", "background_pictures"),
        *("calibration_identities", "calibration_pictures", "others_probes"),
    )
    reasons = sum((Counter(c.unreadable_reasons) for c in parts), Counter[str]())
    known = reasons.total() == len(names["unreadable"])  # else some file is in several splits
    return parts[0].model_copy(
        update={
            **{field: sum(getattr(c, field) for c in parts) for field in sums},
            **names,
            "protected": people,
            "enrolled": enrolled,
            "unreadable_reasons": dict(sorted(reasons.items())) if known else {},
        }
    )


def recogniser(parts: Sequence[RecogniserRecord]) -> RecogniserRecord:
    """What a service answered is the sum over splits, what it reaches the least; all else is the
    first's."""
    total = sum((Counter(part.answers) for part in parts), Counter[str]())
    reach = min((part.reach for part in parts if part.reach is not None), default=None)
    return parts[0].model_copy(update={"answers": dict(sorted(total.items())), "reach": reach})


def cloak(parts: Sequence[CloakRecord]) -> CloakRecord:
    copies = [p.copies for p in parts if p.copies is not None]
    return parts[0].model_copy(
        update={
            "notes": once(note for p in parts for note in p.notes),
            "quality": tuple(map(_quality, zip(*(p.quality for p in parts), strict=True))),
            "copies": _copies(copies) if copies else None,
            "unchanged": once(name for p in parts for name in p.unchanged),
        }
    )


def _quality(parts: Sequence[Quality]) -> Quality:
    """Means are over all pictures, extremes of all."""
    seen = [p for p in parts if p.pictures] or parts[:1]  # a cloak may cover no picture of a split
    pictures = [p.pictures or 1 for p in seen]

    def mean(values: Iterable[float]) -> float:
        return fmean(values, weights=pictures)

    def learned(values: Iterable[float | None]) -> float | None:
        """None where a split did not measure it."""
        known = [value for value in values if value is not None]
        return mean(known) if len(known) == len(seen) else None

    return Quality(
        attack=parts[0].attack,
        pictures=sum(p.pictures for p in parts),
        dssim=mean(p.dssim for p in seen),
        dssim_max=max(p.dssim_max for p in seen),
        psnr=mean(p.psnr for p in seen),
        l2=mean(p.l2 for p in seen),
        linf=max(p.linf for p in seen),
        lpips=learned(p.lpips for p in seen),
        st_lpips=learned(p.st_lpips for p in seen),
        over_threshold=learned(p.over_threshold for p in seen),
        at_bound=learned(p.at_bound for p in seen),
    )


def _copies(parts: Sequence[Copies]) -> Copies:
    """A picture counts once for each split in which it is."""
    return Copies(
        folder=parts[0].folder,
        matched=sum(p.matched for p in parts),
        missing=tuple(name for p in parts for name in p.missing),
        unusable=tuple(name for p in parts for name in p.unusable),
        background=sum(p.background for p in parts),
        reasons={name: why for p in parts for name, why in p.reasons.items()},
        unchanged=tuple(name for p in parts for name in p.unchanged),
        strays=parts[0].strays,  # of the folder, whatever the split
        notes=parts[0].notes,
    )


def adversary(seeds: Sequence[int], parts: Sequence[AdversaryRecord]) -> AdversaryRecord:
    """What is learned is the mean over splits; what one split makes impossible is so for all."""
    learned = {
        attack: {
            fact: fmean(p.learned[attack][fact] for p in parts)
            for fact in facts
            if all(fact in p.learned[attack] for p in parts)
        }
        for attack, facts in parts[0].learned.items()
        if all(attack in p.learned for p in parts)
    }
    impossible: dict[str, str] = {}
    for seed, part in zip(seeds, parts, strict=True):
        for attack, why in part.impossible.items():
            every = all(attack in p.impossible for p in parts)
            impossible.setdefault(attack, why if every else f"with seed {seed}, {why}")
    return parts[0].model_copy(update={"learned": learned, "impossible": impossible})


def once(names: Iterable[Named]) -> tuple[Named, ...]:
    """Each of them once, in the order in which they first come."""
    return tuple(dict.fromkeys(names))
