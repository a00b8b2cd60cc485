"""A stand-in that listens, keys that it knows, and no waiting."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lowkey_core.faces import detection
from lowkey_core.services import patience
from lowkey_core.types import Network
from tests.conftest import TinyNetwork, all_whole
from tests.services import amazon, azure, megvii
from tests.services.stand_in import KEY, SECRET, StandIn, serve

DIALECTS = [amazon.answer, azure.answer, megvii.answer]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were to be waited, none of which are."""
    found: list[float] = []
    monkeypatch.setattr(patience, "sleep", found.append)
    return found


@pytest.fixture
def service(tmp_path: Path, waits: list[float]) -> Iterator[StandIn]:
    with listening(tmp_path) as found:
        yield found


@contextlib.contextmanager
def listening(home: Path, network: Network | None = None) -> Iterator[StandIn]:
    """network: inside. Without one it is that of `net2.py` in `small_plan`, and faces are taken as
    found, here and in audits."""
    found = StandIn(network or TinyNetwork(2))
    server = serve(found, DIALECTS)
    with pytest.MonkeyPatch.context() as patch:
        if network is None:
            patch.setattr(detection, "detect_all", all_whole)
            patch.setattr(detection, "detect_smaller", all_whole)
        for name, value in keys(found.url, home).items():
            patch.setenv(name, value)
        yield found
    found.released.set()
    server.shutdown()
    server.server_close()


def keys(url: str, home: Path) -> dict[str, str]:
    """Where each vendor's program looks for keys, and for an endpoint."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(home / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_REKOGNITION": url,
        "AZURE_FACE_ENDPOINT": url,
        "AZURE_FACE_KEY": KEY,
        "FACEPP_ENDPOINT": url,
        "FACEPP_API_KEY": KEY,
        "FACEPP_API_SECRET": SECRET,
    }
