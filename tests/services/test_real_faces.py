"""Real faces through every dialect: the ranks of dlib used directly."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import choices, session
from audit.outcomes import rank
from lowkey_core import recognisers
from tests.services.conftest import listening
from tests.services.galleries import NAMES
from tests.services.test_audits import cells

pytestmark = [pytest.mark.enable_socket, pytest.mark.faces, pytest.mark.slow]


@pytest.mark.timeout(3600)
def test_each_dialect_finds_whom_dlib_finds_on_lfw(tmp_path: Path) -> None:
    """As published: after a transform adversaries cut clean faces where they were before it, and a
    service looks for them anew."""
    services = [f"{name}:rate=1000000" for name in NAMES]
    given = {
        "dataset": "lfw",
        "recogniser": ["dlib", *services],
        "adversary": ["oblivious"],
        "attack": ["lowkey:steps=20"],
        "surrogate": ["dlib"],
        "protected": 4,
        "others": 8,
        "distractors": 40,
        "background": 4,
        "background_pictures": 2,
    }
    made = choices.make("quick", None, given)
    with (
        listening(tmp_path, recognisers.network("dlib")) as service,
        session.begin(made, tmp_path / "run", tmp_path / "cache", network=True) as begun,
    ):
        report = begun.run()
    assert not service.stores
    direct = {place: c for place, c in cells(report, "dlib").items() if place[1] == "none"}
    assert len(direct) == 2
    for name in NAMES:
        asked = cells(report, f"simulated-{name}")
        for place, cell in direct.items():
            for k in (1, 5, 10, 50) if name != "facepp" else (1,):
                one, other = cell.outcomes[rank(k)], asked[place].outcomes[rank(k)]
                assert (one.control, one.cloaked) == (other.control, other.cloaked), (
                    name,
                    place,
                    k,
                )
