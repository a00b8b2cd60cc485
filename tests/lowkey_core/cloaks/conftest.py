"""Faces of nobody, and networks small enough for hundreds of steps."""

from __future__ import annotations

import pytest

from lowkey_core.types import Faces, Pictures, faces_of


@pytest.fixture
def faces(pictures: Pictures) -> Faces:
    """Three pictures each of four people."""
    return faces_of(pictures)
