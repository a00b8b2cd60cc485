"""What a cloak allows itself, and whether it keeps to it: measured, summed over splits, shown."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from audit import summed
from audit.plan import AuditPlan
from audit.records import CloakRecord, Quality
from audit.run import run_audit
from audit.visible import Ruler, at_bound, quality
from lowkey_core.faces.pictures import crops
from lowkey_core.faces.visibility import dssim
from lowkey_core.types import Pictures
from lowkey_core.work.work import Work
from reports.parts.details import budgets
from reports.parts.tables import tables
from tests.audit.plans import changed
from tests.audit.samples import CLOAK, QUALITY, sample

GREY = torch.full((2, 3, 112, 112), 100 / 255)


def test_the_share_of_values_at_the_bound_by_hand() -> None:
    """The first: a quarter by 8 grey levels, a quarter by 7, which may be 8 before it was rounded.
    The second: all by 6, which is not."""
    after = GREY.clone()
    after[0, :, :28] += 8 / 255
    after[0, :, 28:56] -= 7 / 255
    after[0, :, 56:70] += 3 / 255
    after[1] += 6 / 255
    assert at_bound(8 / 255, GREY, after).tolist() == [0.5, 0]
    assert at_bound(6 / 255, GREY, after).tolist() == [0.5, 1]
    assert at_bound(9 / 255, GREY, after).tolist() == [0.25, 0]


def pair(pictures: Pictures, *strengths: float) -> tuple[Pictures, Pictures]:
    """The first pictures, and the same with noise of so many grey levels."""
    some = pictures.select(range(len(strengths)))
    noise = torch.randn(some.faces().shape, generator=torch.Generator().manual_seed(1)).sign()
    levels = torch.tensor(strengths).view(-1, 1, 1, 1) * noise
    noisy = (some.faces() + levels / 255).clamp(0, 1)
    return some, crops(noisy, some.identities, some.names)


def measured(
    pictures: Pictures, *strengths: float, bound: float | None, threshold: float | None
) -> Quality:
    ruler = Ruler(None, None, bound)
    return quality("mine", *pair(pictures, *strengths), ruler, Work(), threshold)


def test_the_share_of_pictures_over_the_threshold(pictures: Pictures) -> None:
    """Over it is more than 1.1 times it: a picture a little above is not."""
    seen = dssim(*(p.faces() for p in pair(pictures, 2, 4, 8, 16)))
    assert seen.tolist() == sorted(seen.tolist())
    third = seen[2].item()
    for threshold, share in ((third / 1.05, 0.25), (third / 1.2, 0.5), (1.0, 0), (1e-6, 1)):
        found = measured(pictures, 2, 4, 8, 16, bound=None, threshold=threshold)
        assert found.over_threshold == share
        assert found.at_bound is None


def test_the_share_at_the_bound_is_the_mean_over_pictures(pictures: Pictures) -> None:
    clean, _ = pair(pictures, 8, 4)
    free = (clean.faces() > 10 / 255) & (clean.faces() < 245 / 255)
    found = measured(pictures, 8, 4, bound=8 / 255, threshold=None)
    assert found.at_bound == pytest.approx(0.5, abs=float((~free).float().mean()) + 1e-6)
    assert found.over_threshold is None


def test_neither_is_measured_where_nothing_is_named(pictures: Pictures) -> None:
    found = measured(pictures, 8, bound=None, threshold=None)
    assert (found.over_threshold, found.at_bound) == (None, None)


def test_shares_are_summed_by_pictures() -> None:
    """Three quarters of the pictures are in the second split; one without any is left out."""

    def part(pictures: int, share: float | None) -> CloakRecord:
        seen = {"pictures": pictures, "over_threshold": share, "at_bound": share}
        update = {"quality": (QUALITY.model_copy(update=seen),), "threshold": 0.01, "bound": 0.05}
        return CLOAK.model_copy(update=update)

    both = summed.cloak([part(20, 1.0), part(60, 0.2), part(0, 0.0)])
    assert both.quality[0].over_threshold == pytest.approx(0.4)
    assert both.quality[0].at_bound == pytest.approx(0.4)
    assert (both.threshold, both.bound) == (0.01, 0.05)
    assert summed.cloak([part(20, None), part(60, None)]).quality[0].at_bound is None


TITLE = "Does it keep to what it allows itself?"


def shown(*cloaks: CloakRecord) -> list[tuple[str, ...]] | None:
    report = sample().model_copy(update={"cloaks": cloaks})
    found = [table for table in tables(report) if table.title == TITLE]
    return [tuple(row) for row in found[0].rows] if found else None


def test_a_report_has_the_table_where_a_cloak_names_a_budget() -> None:
    seen = {"over_threshold": 0.25, "at_bound": 0.125}
    own = (QUALITY.model_copy(update=seen),)
    both = CLOAK.model_copy(update={"threshold": 0.017, "bound": 15 / 255, "quality": own})
    assert shown(both) == [("lowkey", "0.0170", "25%", "0.059", "12.5%")]
    unseen = (QUALITY.model_copy(update={"at_bound": 0.125}),)
    bound = CLOAK.model_copy(update={"attack": "opom", "bound": 8 / 255, "quality": unseen})
    several = sample().model_copy(update={"cloaks": (CLOAK, bound)})
    assert budgets(several).rows == (("opom", "none", "none", "0.031", "12.5%"),)
    assert shown(CLOAK) is None


def test_an_audit_records_what_a_cloak_allows_itself(plan: AuditPlan) -> None:
    """And nothing of the kind of a cloak that names no budget, nor of noise."""
    plan = changed(plan, attack=("opom:steps=2", "lowkey:steps=2"), adversary=("oblivious",))
    opom, lowkey = run_audit(plan, Work()).cloaks
    assert opom.bound == pytest.approx(8 / 255)
    assert opom.threshold is None
    own, noise = opom.quality
    assert own.at_bound is not None
    assert 0 < own.at_bound <= 1
    assert own.linf <= 8 / 255 + 2 / 255, "carried into the photo, and cut out again"
    assert (noise.at_bound, own.over_threshold) == (None, None)
    assert (lowkey.bound, lowkey.threshold, lowkey.quality[0].at_bound) == (None, None, None)


AIMING = '''
"""A cloak that writes down whom it was given, and whom it could aim at."""
import pathlib
from lowkey_core.cloaks import CloakAbout
class Aiming:
    about = CloakAbout(aims=True)
    def __init__(self, others):
        self.others = others
    def __call__(self, faces, rng):
        log = pathlib.Path(__file__).with_suffix(".log").open("a")
        for name, who in zip(faces.names, faces.identities.tolist()):
            people = self.others.besides(who, 1, "aiming")
            at = self.others.faces
            theirs = [n for n, i in zip(at.names, at.identities.tolist()) if i in people]
            log.write("\\t".join([name, *theirs]) + "\\n")
        return (faces.images - 10 / 255).clamp(0, 1)
def build(others):
    return Aiming(others)
'''


def person(name: str) -> str:
    return Path(name).parent.name


def test_a_targeted_cloak_aims_at_the_background_only(plan: AuditPlan, tmp_path: Path) -> None:
    """Never at a protected person, nor at the one that it is given."""
    (tmp_path / "aiming.py").write_text(AIMING)
    plan = changed(plan, attack=str(tmp_path / "aiming.py"), adversary=("adaptive",))
    report = run_audit(plan, Work())
    protected, given = set(report.people), set()
    assert len(protected) == 3
    for line in (tmp_path / "aiming.log").read_text().splitlines():
        own, *aims = map(person, line.split("\t"))
        given.add(own)
        assert aims
        assert not {*aims} & {own, *protected}
        assert len({*aims}) == 4 - (own not in protected)
    assert given > protected, "an adversary cloaks the background, too"
