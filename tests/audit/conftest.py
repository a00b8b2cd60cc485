"""The small audit's plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from adversaries.parts.detectors import lesson
from audit.plan import AuditPlan
from tests.audit.small import small_plan


@pytest.fixture
def plan(tmp_path: Path, nobody_real: None, monkeypatch: pytest.MonkeyPatch) -> AuditPlan:
    """Faces are taken as found, since nobody real is in the photos. Detectors learn from three
    encodings of every picture in place of ten."""
    monkeypatch.setattr(lesson, "VERSIONS", ("none", "jpeg:75", "jpeg:30"))
    return small_plan(tmp_path)
