"""Strangers by ready embeddings: who is found among them is who is found among their pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Generator

from audit.outcomes import Cell
from audit.plan import AuditPlan
from audit.report import AuditReport
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core.errors import PlanError
from lowkey_core.photos.images import encode
from lowkey_core.recognition import ready
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.work.work import Work
from tests.audit.plans import changed
from tests.conftest import TinyNetwork, people


@pytest.fixture
def small(plan: AuditPlan) -> AuditPlan:
    first = plan.adversaries.recognisers[:1]
    return changed(plan, adversary="oblivious", recogniser=first, distractors=40, ranks=(1, 2, 5))


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """Forty other pictures that look like the people of the data set."""
    (tmp_path / "crowd").mkdir()
    faces = people(10, 10).faces().unflatten(0, (10, 10))[:, 6:].flatten(0, 1)
    for i, face in enumerate(faces):
        (tmp_path / "crowd" / f"{i:02}.png").write_bytes(encode(face[None], "PNG"))
    return tmp_path / "crowd"


def embedded(plan: AuditPlan, crowd: Path) -> Path:
    """The same forty as embeddings of the plan's recogniser."""
    scene = assemble(changed(plan, distractor_dataset=(str(crowd),)), Work())
    recognition = scene.recognitions[0][0]
    assert isinstance(recognition, Embedding)
    named = [name.startswith(str(crowd)) for name in scene.photos.bystanders.names]
    strangers = scene.photos.bystanders.select(torch.tensor(named))
    assert len(strangers) == 40
    ready.write(crowd.with_suffix(".npy"), recognition.embed(strangers), recognition.card)
    return crowd.with_suffix(".npy")


def as_published(report: AuditReport) -> list[Cell]:
    return [cell for cell in report.cells if cell.transform == "none"]


@pytest.mark.parametrize("matcher", ["nn", "faiss", "centroid"])
def test_ranks_are_those_among_pictures(
    matcher: str, small: AuditPlan, crowd: Path, tmp_path: Path
) -> None:
    plan = changed(small, matcher=matcher)
    file = embedded(plan, crowd)
    pictures = run_audit(changed(plan, distractor_dataset=(str(crowd),)), Work())
    vectors = run_audit(changed(plan, distractor_dataset=(str(file),)), Work())
    alone = run_audit(plan, Work())
    assert as_published(vectors) == as_published(pictures)
    assert as_published(vectors) != as_published(alone), "else strangers change nothing"
    assert vectors.counts.enrolled == alone.counts.enrolled
    (told,) = (c.text for c in vectors.caveats if "More strangers" in c.text)
    assert told.startswith("More strangers stand in every gallery by embeddings")
    assert f"(40 of {file})" in told
    assert vectors.counts.ready == 40


def test_no_more_of_them_stand_there_than_the_plan_has_distractors(
    small: AuditPlan, crowd: Path
) -> None:
    file = embedded(small, crowd)
    report = run_audit(changed(small, distractors=0, distractor_dataset=(str(file),)), Work())
    without = run_audit(changed(small, distractors=0), Work())
    assert report.cells == without.cells


def test_an_adversary_that_retrains_cannot_use_them(small: AuditPlan, crowd: Path) -> None:
    file = embedded(small, crowd)
    names = ("adaptive", "oblivious:e2e")
    report = run_audit(changed(small, adversary=names, distractor_dataset=(str(file),)), Work())
    for name in names:
        (why,) = set(report.adversary(name).impossible.values())
        assert "embeddings of strangers were made before" in why
        assert not [cell for cell in report.cells if cell.adversary == name]


@pytest.mark.parametrize(
    ("maker", "complaint"),
    [(TinyNetwork(1), "holds embeddings of tiny1"), (TinyNetwork(3), "tiny3")],
)
def test_embeddings_of_another_recogniser_are_refused(
    maker: TinyNetwork, complaint: str, small: AuditPlan, tmp_path: Path
) -> None:
    rows = F.normalize(torch.randn(5, 32, generator=Generator().manual_seed(0)))
    ready.write(tmp_path / "crowd.npy", rows, maker.card)
    with pytest.raises(PlanError, match="tiny2 has 0 files of strangers' embeddings"):
        assemble(changed(small, distractor_dataset=(str(tmp_path / "crowd.npy"),)), Work())
    ready.write(tmp_path / "own.npy", rows, TinyNetwork(2).card)
    both = (str(tmp_path / "own.npy"), str(tmp_path / "crowd.npy"))
    with pytest.raises(PlanError, match=complaint):
        assemble(changed(small, distractor_dataset=both), Work())


def test_a_matcher_that_compares_people_with_each_other_is_refused(
    small: AuditPlan, tmp_path: Path
) -> None:
    plan = changed(small, matcher="knn:k=3", distractor_dataset=(str(tmp_path / "x.npy"),))
    with pytest.raises(PlanError, match="matcher=knn:k=3 cannot search among embeddings"):
        assemble(plan, Work())
