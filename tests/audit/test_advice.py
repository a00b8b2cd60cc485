"""Whatever photos somebody has: the audit runs, or its error names choices with which it does."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from audit import choices
from audit.plan import AuditPlan
from audit.report import AuditReport
from audit.run import run_audit
from lowkey_core.errors import AuditError
from lowkey_core.photos.images import encode
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.audit.plans import advised
from tests.audit.small import RECOGNISER
from tests.conftest import people

CLOAKS = ("noise", "copies of all", "copies of some")
LEAST = 3
"""People: one protected, one enrolled beside, one in the background. And pictures of the first."""

pytestmark = pytest.mark.usefixtures("nobody_real")


def asked(folder: Path, of: int, each: int, cloak: str) -> AuditPlan:
    """What a user asks for who has `each` photos of `of` people, and takes the rest as it comes."""
    pictures = people(of, each)
    for (name, image), (who, number) in zip(
        zip(pictures.names, pictures.faces(), strict=True),
        itertools.product(range(of), range(each)),
        strict=True,
    ):
        photo = folder / "photos" / f"person{name}.png"
        photo.parent.mkdir(parents=True, exist_ok=True)
        photo.write_bytes(encode(image[None], "PNG"))
        if cloak == "copies of all" or (who % 3 == 0 and number % 2 == 0):
            copy = folder / "copies" / f"person{name}.png"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(encode(0.9 * image[None], "PNG"))
    for seed in (1, 2):
        (folder / f"net{seed}.py").write_text(RECOGNISER.format(seed=seed))
    attack = {"attack": "noise"} if cloak == "noise" else {"cloaked": str(folder / "copies")}
    return choices.make(
        "quick",
        given={
            **attack,
            "dataset": str(folder / "photos"),
            "recogniser": [str(folder / f"net{seed}.py") for seed in (1, 2)],
            "adversary": "adaptive,detection",
            "epochs": 0,
        },
    )


def answered(plan: AuditPlan, folder: Path) -> AuditReport | None:
    """The report; that of the plan that the error advises, if there is one; None if it advises
    none."""
    work = Work(Cache(folder / "cache"))
    try:
        return run_audit(plan, work)
    except AuditError as refused:
        fitting = advised(plan, refused)
        return None if fitting is None else run_audit(fitting, work)


def check(folder: Path, of: int, each: int, cloak: str) -> None:
    report = answered(asked(folder, of, each, cloak), folder)
    if of < LEAST or each < LEAST:
        assert report is None, "nothing could be measured, and nothing is advised"
        return
    assert report is not None, "it ran, or what it advised ran"
    assert report.counts.enrolled >= 2
    small = any(c.code == "small-gallery" for c in report.caveats)
    assert small == (report.counts.enrolled < 50)
    alone = report.counts.background_identities < 2
    learned = {a.name for a in report.adversaries if not a.impossible}
    assert "detection" in learned or alone or cloak != "noise", "whoever could learn has learned"


SOME_SIZES = (
    *((1, 1, "noise"), (1, 12, "copies of all"), (2, 8, "copies of some"), (3, 3, "noise")),
    *((3, 12, "copies of all"), (4, 5, "copies of some"), (5, 2, "noise"), (6, 3, "copies of all")),
    *((7, 6, "noise"), (9, 4, "copies of some"), (12, 5, "copies of all"), (14, 7, "noise")),
)


@pytest.mark.parametrize(("of", "each", "cloak"), SOME_SIZES)
def test_an_audit_runs_or_says_what_would(of: int, each: int, cloak: str, tmp_path: Path) -> None:
    check(tmp_path, of, each, cloak)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("of", range(1, 41))
def test_so_it_is_for_every_size(of: int, tmp_path: Path) -> None:
    for each in range(1, 13):
        check(tmp_path / str(each), of, each, CLOAKS[(of + each) % len(CLOAKS)])
