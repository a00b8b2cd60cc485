"""A whole audit, small: photos of nobody, tiny networks from files, every part real."""

from __future__ import annotations

from pathlib import Path

from audit.plan import AuditPlan
from audit.report import AuditReport
from lowkey_core.photos.images import encode
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from tests.audit.plans import changed
from tests.conftest import people

RECOGNISER = """
from tests.conftest import TinyNetwork
def build(): return TinyNetwork({seed})
"""
CLOAK = """
class Invert:
    def __call__(self, faces, rng): return 1 - faces.images
def build(): return Invert()
"""


def small_plan(folder: Path) -> AuditPlan:
    """Ten people of six photos in `folder`, with tiny networks and a cloak beside them."""
    pictures = people(10, 6)
    for name, image in zip(pictures.names, pictures.faces(), strict=True):
        file = folder / "photos" / f"person{name.replace('/', '/p')}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode(image[None], "PNG"))
    for seed in (1, 2, 3):
        (folder / f"net{seed}.py").write_text(RECOGNISER.format(seed=seed))
    (folder / "invert.py").write_text(CLOAK)
    return changed(
        AuditPlan(),
        dataset=str(folder / "photos"),
        attack="lowkey:steps=3:step_size=0.04",
        surrogate=str(folder / "net1.py"),
        recogniser=(str(folder / "net2.py"), str(folder / "net3.py")),
        adversary=("adaptive", "detection"),
        protected=3,
        probes=2,
        gallery=4,
        background=4,
        background_pictures=4,
        others=3,
        distractors=0,
        ranks=(1, 3),
        epochs=1,
        batch=5,
    )


def in_brief(plan: AuditPlan) -> AuditPlan:
    """A check's plan with few steps and pictures."""
    return changed(plan, epochs=1, background=4, background_pictures=4, others=3, batch=5)


def without_timings(report: AuditReport) -> str:
    """All of a report that two runs of one plan have in common."""
    return report.model_copy(update={"timings": {}}).model_dump_json()


class StopHereError(BaseException):
    """Stands for a kill at this moment."""


class Counting(Cache):
    """Counts what is computed, and can stop after so many pieces."""

    def __init__(self, root: Path, stop_after: int | None = None) -> None:
        super().__init__(root)
        self.made, self.stop_after = 0, stop_after

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        self.made += 1
        if self.made == self.stop_after:
            raise StopHereError
