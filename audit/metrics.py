"""From ranks and flags to counts per identity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from adversaries import Enrol, Recogniser
from audit.report import Detection, Quality, Rate
from lowkey_core.faces import visibility
from lowkey_core.faces.visibility import Lpips
from lowkey_core.matchers import ranks_of
from lowkey_core.types import Faces, Images


def counts(hits: Tensor, identities: Tensor, people: Sequence[int]) -> Rate:
    """Hits (n,) bool of pictures of `identities` (n,), counted for each of `people`."""
    mine = [identities == who for who in people]
    return Rate(
        hits=tuple(int(hits[m].sum()) for m in mine), trials=tuple(int(m.sum()) for m in mine)
    )


def identification(
    recogniser: Recogniser, probes: Faces, people: Sequence[int], ranks: Sequence[int]
) -> dict[int, Rate]:
    """Rank to rank-k identification rate of `people`'s probes."""
    rank = ranks_of(recogniser.identify(probes.images), probes.identities)
    return {k: counts(rank <= k, probes.identities, people) for k in ranks}


def all_dropped(recogniser: Recogniser, scraped: Faces, people: Sequence[int]) -> tuple[bool, ...]:
    """Whose scraped pictures were all dropped as cloaked."""
    left = set(recogniser.gallery.identities.tolist())
    had = set(scraped.identities[recogniser.flagged].tolist())
    return tuple(who in had - left for who in people)


def detection(
    clean: Recogniser, cloaked: Recogniser, scraped: Faces, changed: Tensor, people: Sequence[int]
) -> Detection | None:
    """Flags on cloaked pictures, and on clean ones of everybody enrolled.

    scraped: the cloaked arm's pictures; changed: (n,) bool, those a cloak was applied to. The
    clean arm scraped the same pictures, in the same order, without it.
    """
    if clean.suspicion is None or cloaked.suspicion is None:
        return None
    suspicion = torch.cat([clean.suspicion, cloaked.suspicion[changed]])
    truth = torch.cat([torch.zeros(len(clean.suspicion)), torch.ones(int(changed.sum()))])
    identities = scraped.identities
    return Detection(
        cloaked=counts(cloaked.flagged[changed], identities[changed], people),
        clean=counts(clean.flagged, identities, identities.unique().tolist()),
        auc=float(roc_auc_score(truth.numpy(), suspicion.numpy())),
    )


def quality(attack: str, a: Images, b: Images, lpips: Lpips | None) -> Quality:
    """How visible the cloak is. a, b: (n, 3, 112, 112), clean and cloaked faces, 8-bit values."""
    with torch.no_grad():
        dssim = torch.cat(
            [visibility.dssim(x, y) for x, y in zip(a.split(32), b.split(32), strict=True)]
        )
        distance = None if lpips is None else float(lpips(a, b).mean())
    return Quality(
        attack=attack,
        pictures=len(a),
        dssim=float(dssim.mean()),
        dssim_max=float(dssim.max()),
        psnr=float(visibility.psnr(a, b).mean()),
        l2=float(visibility.l2(a, b).mean()),
        linf=float(visibility.linf(a, b).max()),
        lpips=distance,
    )


def one_at_a_time(
    enrol: Enrol,
    clean: Faces,
    cloaked: Faces,
    probes: Faces,
    people: Sequence[int],
    ranks: Sequence[int],
) -> tuple[dict[int, Rate], tuple[bool, ...]]:
    """Each of `people` alone cloaks: their identification rates, and who was detected."""
    rates: dict[int, list[Rate]] = {k: [] for k in ranks}
    detected: list[bool] = []
    for who in people:
        own = clean.identities == who
        scraped = clean.select(~own).join(cloaked.select(own))
        recogniser = enrol(scraped)
        hers = probes.select(probes.identities == who)
        for k, rate in identification(recogniser, hers, [who], ranks).items():
            rates[k].append(rate)
        detected += all_dropped(recogniser, scraped, [who])
    return {
        k: Rate(hits=tuple(r.hits[0] for r in rs), trials=tuple(r.trials[0] for r in rs))
        for k, rs in rates.items()
    }, tuple(detected)
