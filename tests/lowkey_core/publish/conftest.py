"""Photos to protect, and people who are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lowkey_core.publish.copying import photos_in, pretend


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both looks find two made-up faces in every photo that is not black."""
    pretend(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo, one in a sub-folder, one of nobody, and one that is none."""
    return photos_in(tmp_path / "photos")
