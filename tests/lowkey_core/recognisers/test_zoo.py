"""The zoo: files, architectures, lineage."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as dump_tensors

from audit.plan import AuditPlan
from lowkey_core import recognisers, weights
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.networks import small
from lowkey_core.recognisers import dlib, mobilefacenet, zoo
from lowkey_core.recognition.lineage import held_out

SURROGATES = ("zoo:ir-arcface", "zoo:resnet-cosface")
UNSEEN = ("zoo:mobile", "zoo:vit")
EMBEDDED = {name: card for name, card in recognisers.cards().items() if card.embedded}


def test_the_zoo_is_what_is_embedded() -> None:
    assert set(EMBEDDED) == {f"zoo:{member}" for member in zoo.MEMBERS} == {*SURROGATES, *UNSEEN}
    assert set(zoo.CARDS) == set(zoo.MEMBERS)


@pytest.mark.parametrize("member", zoo.MEMBERS)
def test_a_member_loads_without_assets(
    member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    network = recognisers.network(f"zoo:{member}")
    assert network.card.name == f"zoo:{member}"
    assert network(torch.rand(2, 3, 112, 112)).shape == (2, small.WIDTH)


def test_the_family_name_is_the_first_surrogate() -> None:
    assert recognisers.load("zoo").card.name == SURROGATES[0]


@pytest.mark.parametrize("kind", small.NETWORKS)
@torch.no_grad()
def test_a_network_gives_embeddings(kind: str) -> None:
    network = small.NETWORKS[kind]().eval()
    out = network(torch.rand(3, 3, 112, 112) * 2 - 1)
    assert out.shape == (3, small.WIDTH)
    assert out.isfinite().all()
    count = sum(p.numel() for p in network.parameters())
    assert 0.6e6 < count < 1.65e6, "0.6 to 1.6 million"


def test_members_have_different_architectures() -> None:
    layers = {
        tuple(sorted({type(layer).__name__ for layer in zoo.network(member).modules()}))
        for member in zoo.MEMBERS
    }
    assert len(layers) == len(zoo.MEMBERS)


@pytest.mark.parametrize("name", SURROGATES)
def test_surrogates_are_distilled_from_ms1m_and_not_from_dlib(name: str) -> None:
    lineage = recognisers.cards()[name].lineage
    assert lineage & mobilefacenet.CARDS["ms1m"].lineage
    assert not lineage & dlib.CARD.lineage


@pytest.mark.parametrize("name", UNSEEN)
def test_the_unseen_are_held_out_from_both_surrogates(name: str) -> None:
    unseen = recognisers.load(name).card
    surrogates = [recognisers.load(s).card for s in SURROGATES]
    assert held_out(unseen, surrogates) is True
    assert held_out(unseen, [dlib.CARD]) is False, "their teacher"
    assert held_out(surrogates[0], surrogates[1:]) is False, "they have one teacher"


def test_the_default_recognisers_are_held_out_from_the_default_surrogates() -> None:
    plan = AuditPlan()
    cards = recognisers.cards()
    surrogates = [cards[name] for name in plan.publish.surrogates]
    assert all(held_out(cards[name], surrogates) for name in plan.adversaries.recognisers)


@pytest.mark.parametrize("name", EMBEDDED)
def test_no_member_has_casia_in_its_lineage(name: str) -> None:
    """Its licence is not stated, so neither its weights nor networks trained with it may ship."""
    assert not EMBEDDED[name].lineage & mobilefacenet.CARDS["casia"].lineage
    assert not any("casia" in run for run in EMBEDDED[name].lineage)


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_card_says_the_size_of_its_file(name: str) -> None:
    assert EMBEDDED[name].size == weights.locate(EMBEDDED[name]).stat().st_size


@pytest.mark.parametrize(
    "content",
    [b"no tensors", dump_tensors({"x": torch.ones(2)}), None],
    ids=["text", "others", "another member's"],
)
def test_a_file_that_its_card_was_made_for_must_fit_its_network(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content or weights.read(EMBEDDED["zoo:ir-arcface"])
    (tmp_path / zoo.CARDS["mobile"].file).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    card = replace(zoo.CARDS["mobile"], sha256=digest, size=len(content))
    monkeypatch.setitem(zoo.CARDS, "mobile", card)
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    with pytest.raises(TamperedWeightsError, match=r"zoo-mobile\.safetensors"):
        recognisers.load("zoo:mobile")


def test_the_zoo_is_small() -> None:
    assert sum(weights.locate(card).stat().st_size for card in EMBEDDED.values()) <= 12e6
