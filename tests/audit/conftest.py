"""The small audit's plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.plan import AuditPlan
from tests.audit.small import small_plan


@pytest.fixture
def plan(tmp_path: Path, nobody_real: None) -> AuditPlan:
    """Faces are taken as found, since nobody real is in the photos."""
    return small_plan(tmp_path)
