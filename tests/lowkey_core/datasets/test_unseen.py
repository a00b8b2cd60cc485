"""Of LFW, the people whom no network of this project learned from."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from audit import world
from audit.plan import AuditPlan
from audit.protocol import split
from lowkey_core import datasets
from lowkey_core.datasets import kept_out
from lowkey_core.weights import ASSETS_VARIABLE
from lowkey_core.work.work import Work
from tests.audit.plans import changed


@pytest.fixture
def tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seventy people with ten pictures, five with three."""
    monkeypatch.setenv(ASSETS_VARIABLE, str(tmp_path))
    with tarfile.open(tmp_path / "lfw-many.tar", "w") as archive:
        for who in range(75):
            for i in range(10 if who < 70 else 3):
                content = f"{who}/{i}".encode()
                member = tarfile.TarInfo(f"lfw/P_{who:02}/P_{who:02}_{i:04}.jpg")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


@pytest.mark.usefixtures("tar")
def test_only_people_who_are_kept_out_of_training_are_left() -> None:
    everybody, unseen = datasets.load("lfw"), datasets.load("lfw:unseen=true")
    assert set(unseen.by_identity) == kept_out(everybody)
    assert len(unseen.by_identity) == 60 < len(everybody.by_identity) == 75
    assert all(len(photos) == 10 for photos in unseen.by_identity.values())


@pytest.mark.usefixtures("tar")
def test_they_are_protected_among_all_the_others() -> None:
    """With the whole of LFW as the world: nobody protected is learned from under another name."""
    own = datasets.load("lfw:unseen=true")
    plan = changed(
        AuditPlan(), dataset="lfw:unseen=true", world="lfw", protected=20, background=5, others=5,
        ranks=(1, 5), calibration=3,
    )  # fmt: skip
    parts = split(own, plan, world=world.load("lfw", own, Work()))
    out = kept_out(datasets.load("lfw"))
    assert {p.identity for p in parts.probes} <= out
    others = {p.identity for p in (*parts.background, *parts.bystanders, *parts.calibration)}
    assert len(others) == 13
    assert not others & {f"lfw: {who}" for who in out}
