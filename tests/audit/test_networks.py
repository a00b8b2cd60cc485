"""What an audit says of the networks that take part: held out, newer, verified."""

from __future__ import annotations

import datetime
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from audit import record, relations
from audit.records import Relation
from audit.sight import Sight
from lowkey_core.cloaks import CloakAbout
from lowkey_core.datasets import Dataset
from lowkey_core.datasets.synthetic import GENERATOR
from lowkey_core.faces import visibility
from lowkey_core.recognition.lineage import held_out, shared_data
from lowkey_core.weights import Card
from lowkey_core.work.work import Work
from reports.parts import details
from tests.audit.samples import cell, recogniser, sample
from tests.conftest import TinyNetwork


def card(seed: int, **stated: Any) -> Card:
    """A network's card, changed so."""
    return replace(TinyNetwork(seed).card, **stated)


NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("surrogate", "apart"),
    [
        (card(1), True),
        (card(1, lineage=NOTHING), None),
        (card(1, lineage=frozenset({"tiny0", "another"})), False),
        (card(0, lineage=NOTHING), False),
        (card(1, lineage=NOTHING, sha256="a" * 64), False),
        (card(1, lineage=NOTHING, sha256="b" * 64), None),
    ],
    ids=["another", "another, unstated", "a run in common", "itself", "its file", "another file"],
)
def test_a_network_is_not_held_out_from_itself(surrogate: Card, apart: bool | None) -> None:
    assert held_out(card(0, sha256="a" * 64), [card(2), surrogate]) is apart


def test_data_are_shared_by_name() -> None:
    ours = card(0, data=frozenset({"A", "B", "C"}))
    theirs = [card(i, data=frozenset(names)) for i, names in enumerate(("BX", "", "YC"))]
    assert shared_data(ours, theirs) == ("B", "C")
    assert shared_data(ours, []) == ()


def related(ours: Card, surrogates: tuple[Card, ...] | None) -> Relation:
    """To a cloak of 2021 that was made with these surrogates; None: nobody knows which."""
    against = None if surrogates is None else tuple(SimpleNamespace(card=c) for c in surrogates)
    about = CloakAbout(datetime.date(2021, 1, 1), against=against)  # type: ignore[arg-type]
    tool: Any = SimpleNamespace(cloak=SimpleNamespace(about=about))
    return relations.relation(ours, tool)


def test_a_surrogate_is_not_newer_than_its_cloak() -> None:
    ours = card(0, data=frozenset({"A"}))
    assert ours.released is not None
    assert ours.released.year == 2022
    assert related(ours, (card(1),)) == Relation(newer=True, held_out=True, shared_data=())
    assert related(ours, (ours,)) == Relation(newer=False, held_out=False, shared_data=("A",))


def test_what_was_made_with_nobody_knows_what_is_not_said_to_be_held_out() -> None:
    assert related(card(0), None).held_out is None
    assert related(card(0), ()).held_out is True, "it was made with no network at all"


def test_a_network_without_a_date_is_never_newer() -> None:
    assert related(card(0, released=None), (card(1),)).newer is False


def test_a_small_network_of_our_own_is_unseen_and_never_newer() -> None:
    found = related(card(0, embedded=True), (card(1),))
    assert (found.newer, found.held_out) == (False, True)


def test_a_report_says_newer_and_that_the_lineage_is_not_stated() -> None:
    report = sample().model_copy(
        update={"recognisers": (recogniser("old", newer=True, held_out=None),)}
    )
    assert "old (newer) (lineage not stated)" in details._cell(report, cell())


def scene(*recognisers: Card, **dataset: Any) -> Any:
    """Of a data set that says so of itself."""
    photos = SimpleNamespace(dataset=Dataset("d", (), **dataset))
    groups = [(SimpleNamespace(card=c),) for c in recognisers]
    sight = Sight.of("mtcnn", True, Work())
    parts = {"recognitions": groups, "photos": photos, "sight": sight}
    return SimpleNamespace(surrogates=(), adversaries={}, **parts)


def test_a_network_that_drew_the_pictures_is_named_with_its_digest() -> None:
    found = {c.name: c for c in record.networks(scene(cards=(GENERATOR,)))}
    assert found["synthfaces"].sha256 == GENERATOR.sha256
    assert found["synthfaces"].role == "data set"
    assert "synthfaces" not in {c.name for c in record.networks(scene())}


def test_what_a_data_set_says_of_itself_and_who_knows_it_is_noted() -> None:
    learned, another = card(0, data=frozenset({"Faces"})), card(1, data=frozenset({"Else"}))
    notes = record.notes_on_pictures(scene(learned, called="Else", notes=("drawn",)))
    assert [*notes] == ["drawn"]
    first, second = record.notes_on_pictures(scene(learned, another, called="Faces", notes=("n",)))
    assert first == "n"
    assert second.startswith("tiny0 learned from Faces, too")
    assert not [*record.notes_on_pictures(scene(card(2, data=NOTHING)))]


@pytest.mark.parametrize(("digits", "first_seen"), [(64, False), (8, True), (0, True)])
def test_a_digest_that_nobody_published_whole_is_called_first_seen(
    digits: int, first_seen: bool
) -> None:
    metrics = (replace(visibility.TRUNK, sha256="7" * digits), visibility.LINEAR)
    found = {c.name: c.first_seen for c in record.networks(scene(), metrics)}
    assert found["lpips:alexnet"] == first_seen
    assert not found["lpips:linear"]
    assert {c.role for c in record.networks(scene(), metrics)} == {
        "face detector",
        "perceptual metric",
    }
