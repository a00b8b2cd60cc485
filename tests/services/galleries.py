"""Galleries at a stand-in, without an audit around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core import recognisers
from lowkey_core.services.asked import Asked
from lowkey_core.services.asking import Services
from lowkey_core.types import Candidates, Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import people

NAMES = ("rekognition", "azure-face", "facepp")
FINE = {"index: indexed": 8, "search: answered": 4}
INDEX = {"rekognition": "IndexFaces", "azure-face": "addface", "facepp": "detect"}
SEARCH = {"rekognition": "SearchFacesByImage", "azure-face": "identify", "facepp": "search"}
CREATE = {"rekognition": "CreateCollection", "azure-face": "create", "facepp": "faceset/create"}
EVERYBODY = people(4, 3)
GALLERY = EVERYBODY.select([i for i in range(12) if i % 3])
PROBES = EVERYBODY.select([i for i in range(12) if not i % 3])


class StopError(BaseException):
    """As Ctrl+C."""


def asked(services: Services, name: str) -> Asked:
    found = recognisers.load(f"{name}:rate=1000000", services=services)
    assert isinstance(found, Asked)
    return found


def search(
    root: Path, name: str, probes: Pictures = PROBES, k: int = 4
) -> tuple[Asked, Candidates]:
    """The service afterwards, and what it found; the collection is deleted."""
    with Services(Work(Cache(root / "cache")), "allowed") as services:
        service = asked(services, name)
        return service, service.enrol(GALLERY).search(probes, k)


def interrupted(root: Path, name: str, after: int = 3) -> None:
    """A search that ends while photos are sent."""
    work = Work(Cache(root / "cache"))

    def stop(label: str, done: int, _: int) -> None:
        if label.endswith("photos sent") and done == after:
            raise StopError

    with (
        pytest.raises(StopError),
        Services(Work(work.cache, stop), "allowed") as services,
    ):
        asked(services, name).enrol(GALLERY).search(PROBES, 4)
