"""A stand-in that listens, keys that it knows, and no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lowkey_core.services import patience
from tests.conftest import TinyNetwork
from tests.services import amazon
from tests.services.stand_in import KEY, SECRET, StandIn, serve

DIALECTS = [amazon.answer]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were to be waited, none of which are."""
    found: list[float] = []
    monkeypatch.setattr(patience, "sleep", found.append)
    return found


@pytest.fixture
def service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nobody_real: None, waits: list[float]
) -> Iterator[StandIn]:
    """The network inside is the one of `net2.py` in `small_plan`."""
    found = StandIn(TinyNetwork(2))
    server = serve(found, [*DIALECTS])
    for name, value in keys(found.url, tmp_path).items():
        monkeypatch.setenv(name, value)
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
    }


@pytest.fixture
def refusals() -> dict[str, Callable[[StandIn], None]]:
    """By service, a switch after which it refuses to search."""

    def amazons(service: StandIn) -> None:
        service.always["SearchFacesByImage"] = amazon.error("AccessDeniedException")

    return {"rekognition": amazons}
