"""What an audit says of the networks that take part: held out, newer, verified."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from adversaries import FeatureEnrol
from audit import run
from audit.plan import AuditPlan
from audit.report import Cell
from audit.run import CLEAN, Contest
from lowkey_core.datasets import Dataset
from lowkey_core.datasets.synthetic import GENERATOR
from lowkey_core.faces import visibility
from lowkey_core.matchers import MATCHERS
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.recognisers import held_out, shared_data
from lowkey_core.types import Faces
from lowkey_core.work.work import Work
from reports.parts import tables
from tests.audit.samples import cell
from tests.conftest import TinyNetwork, people


def network(seed: int, **stated: Any) -> TinyNetwork:
    """A network whose card is changed so."""
    made = TinyNetwork(seed)
    made.card = replace(made.card, **stated)
    return made


NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("surrogate", "apart"),
    [
        (network(1), True),
        (network(1, lineage=NOTHING), None),
        (network(1, lineage=frozenset({"tiny0", "another"})), False),
        (network(0, lineage=NOTHING), False),
        (network(1, lineage=NOTHING, sha256="a" * 64), False),
        (network(1, lineage=NOTHING, sha256="b" * 64), None),
    ],
    ids=["another", "another, unstated", "a run in common", "itself", "its file", "another file"],
)
def test_a_network_is_not_held_out_from_itself(surrogate: TinyNetwork, apart: bool | None) -> None:
    assert held_out(network(0, sha256="a" * 64), [network(2), surrogate]) is apart


def test_data_are_shared_by_name() -> None:
    ours = network(0, data=frozenset({"A", "B", "C"}))
    theirs = [network(i, data=frozenset(names)) for i, names in enumerate(("BX", "", "YC"))]
    assert shared_data(ours, theirs) == ("B", "C")
    assert shared_data(ours, []) == ()


def measured(recogniser: TinyNetwork, surrogates: Sequence[TinyNetwork]) -> Cell:
    """`recogniser` against a cloak of 2021 that changes nothing."""
    pictures = people(3, 2)
    faces = Faces(pictures.images, pictures.identities)
    rows = torch.arange(6)
    photos = SimpleNamespace(
        people=(0, 1, 2), probe_faces=faces, cloaked_rows=rows, cloaked_share=1.0
    )
    cloak = SimpleNamespace(released=datetime.date(2021, 1, 1))
    scene: Any = SimpleNamespace(photos=photos, cloak=cloak, surrogates=surrogates)
    enrol = FeatureEnrol(FlipAveraged(recogniser), MATCHERS["nn"], Work())
    contest = Contest("oblivious", recogniser, "nn", enrol, ("lowkey",))
    plan = AuditPlan(conditions=("all",), ranks=(1,))
    (found,) = run.measure(plan, scene, contest, "none", {CLEAN: faces, "lowkey": faces})
    return found


def test_a_surrogate_is_not_newer_than_its_cloak() -> None:
    ours = network(0, data=frozenset({"A"}))
    assert ours.card.released.year == 2022
    stranger = measured(ours, [network(1)])
    assert (stranger.newer, stranger.held_out, stranger.shared_data) == (True, True, ())
    known = measured(ours, [ours])
    assert (known.newer, known.held_out, known.shared_data) == (False, False, ("A",))


def test_a_small_network_of_our_own_is_unseen_and_never_newer() -> None:
    found = measured(network(0, embedded=True), [network(1)])
    assert (found.newer, found.held_out) == (False, True)


def test_a_report_says_newer_and_that_the_lineage_is_not_stated() -> None:
    shown = tables._cell(cell(newer=True, held_out=None), (1,))
    assert "old (newer) (lineage not stated)" in shown


def scene(*recognisers: TinyNetwork, **dataset: Any) -> Any:
    """Of a data set that says so of itself."""
    photos = SimpleNamespace(dataset=Dataset("d", (), **dataset))
    return SimpleNamespace(surrogates=(), recognisers=recognisers, photos=photos)


def test_a_network_that_drew_the_pictures_is_named_with_its_digest() -> None:
    found = {card.name: card for card in run.cards(scene(cards=(GENERATOR,)), lpips=False)}
    assert found["synthfaces"].sha256 == GENERATOR.sha256
    assert found["synthfaces"].role == "data set"
    assert "synthfaces" not in {card.name for card in run.cards(scene(), lpips=False)}


def test_what_a_data_set_says_of_itself_and_who_knows_it_is_noted() -> None:
    learned, another = network(0, data=frozenset({"Faces"})), network(1, data=frozenset({"Else"}))
    assert [*run.notes_on_pictures(scene(learned, called="Else", notes=("drawn",)))] == ["drawn"]
    first, second = run.notes_on_pictures(scene(learned, another, called="Faces", notes=("n",)))
    assert first == "n"
    assert second.startswith("tiny0 learned from Faces, too")
    assert not [*run.notes_on_pictures(scene(network(2, data=NOTHING)))]


@pytest.mark.parametrize(("digits", "first_seen"), [(64, False), (8, True), (0, True)])
def test_a_digest_that_nobody_published_whole_is_called_first_seen(
    digits: int, first_seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "TRUNK", replace(visibility.TRUNK, sha256="7" * digits))
    found = {card.name: card.first_seen for card in run.cards(scene(), lpips=True)}
    assert found["lpips:alexnet"] == first_seen
    assert not found["lpips:linear"]
