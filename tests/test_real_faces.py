"""The figures that everything rests on, on real faces. Minutes: `pytest -m slow`."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import choices, session
from audit.outcomes import rank
from benchmarks.lfw import rank_one
from lowkey_core import recognisers, weights
from lowkey_core.weights.packaged import FACEPLUGIN

pytestmark = [pytest.mark.slow, pytest.mark.faces, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        ("mobilefacenet:ms1m", 0.99),
        ("edgeface:xxs", 0.99),
        ("mobilefacenet:casia", 0.985),
        ("dlib", 0.985),
        (FACEPLUGIN.name, 0.988),
    ],
)
def test_rank_one_on_lfw(name: str, at_least: float) -> None:
    if name == FACEPLUGIN.name and not weights.home(FACEPLUGIN).is_file():
        pytest.skip(f"{name} is not there; `models fetch {name}` gets it")
    hits, probes = rank_one(recognisers.load(name))
    assert hits / probes >= at_least


@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        ("zoo:ir-arcface", 0.85),
        ("zoo:resnet-cosface", 0.85),
        ("zoo:mobile", 0.75),
        ("zoo:vit", 0.75),
    ],
)
def test_the_zoo_knows_people_it_was_never_taught(name: str, at_least: float) -> None:
    hits, probes = rank_one(recognisers.load(name), untaught=True)
    assert probes > 170, "three of each, nearly all with a face"
    assert hits / probes >= at_least


@pytest.mark.parametrize("name", ["mobilefacenet:ms1m", "edgeface:xxs", "dlib"])
def test_what_is_retrained_still_knows_clean_faces(name: str, tmp_path: Path) -> None:
    """Each is of another kind: with batch norm, a transformer, without normalisation."""
    given = {"dataset": "lfw", "recogniser": [name], "adversary": ["adaptive"]}
    given |= {"attack": ["noise"], "transform": ["none"]}
    made = choices.make("standard", None, given)
    with session.begin(made, tmp_path / "run", tmp_path / "cache") as begun:
        cells = begun.run().cells
    controls = {c.adversary: c.outcomes[rank(1)].control for c in cells if c.matcher == "nn"}
    assert controls.keys() == {"oblivious", "adaptive"}
    assert all(control.value is not None for control in controls.values())
    assert {a: c.value for a, c in controls.items() if c.value < 0.9} == {}
