"""Every recogniser: unit vectors, gradients unless its card says otherwise, verified weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lowkey_core import recognisers, weights
from lowkey_core.errors import MissingWeightsError, TamperedWeightsError
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.types import Network, Pictures

SERVICES = recognisers.services()
"""Those are asked in `tests/services`."""
NAMES = [n for n in recognisers.RECOGNISERS.available() if n not in SERVICES]
CARDS = recognisers.cards()
PACKAGED = [n for n in NAMES if CARDS[n].distribution]
"""Their weights come with the packages that this project needs."""
EMBEDDED = [n for n in NAMES if CARDS[n].embedded]
FETCHED = [n for n in NAMES if n not in (*PACKAGED, *EMBEDDED)]
needs = [pytest.param(n, marks=pytest.mark.faces) if n in FETCHED else n for n in NAMES]


def load(name: str) -> Network:
    """Skips, saying so, where nobody has put the weights; files that are there must load."""
    try:
        weights.locate(recognisers.cards()[name])  # every file here exports CARDS, by member
    except MissingWeightsError as error:
        pytest.skip(str(error))
    return recognisers.network(name)


@pytest.mark.parametrize("name", needs)
def test_gives_unit_vectors_that_do_not_depend_on_neighbours(name: str, pictures: Pictures) -> None:
    network = load(name)
    with torch.no_grad():
        images = pictures.faces(network.template)
        together, alone = network(images[:3]), network(images[1:2])
    assert torch.allclose(together.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(together[1:2], alone, atol=1e-5)


@pytest.mark.parametrize("name", needs)
def test_has_gradients_unless_its_card_says_black_box(name: str, pictures: Pictures) -> None:
    network = load(name)
    images = pictures.faces(network.template, [0]).requires_grad_()
    out = network(images)[:, 0].sum()
    if network.card.black_box:
        assert not out.requires_grad
    else:
        (slope,) = torch.autograd.grad(out, images)
        assert slope.isfinite().all()
        assert slope.abs().max() > 0


@pytest.mark.parametrize("name", needs)
def test_a_mirrored_face_is_the_same_face(name: str, pictures: Pictures) -> None:
    network = load(name)
    embed, images = FlipAveraged(network), pictures.faces(network.template, [0, 1])
    with torch.no_grad():
        assert torch.allclose(embed(images), embed(images.flip(-1)), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_its_card_says_where_it_comes_from(name: str) -> None:
    card = recognisers.cards()[name]
    assert card.name == name
    assert card.file
    assert card.pinned or card.url or "Google Drive" in card.source, "whence a file without digest?"
    assert card.family
    if card.trained_on != "not stated":
        assert card.lineage
        assert card.data
    assert all(name in card.trained_on for name in card.data)
    assert card.source
    assert card.preprocessing != "not stated"
    assert card.licence
    assert card.released.year > 2000


@pytest.mark.parametrize("name", needs)
def test_carries_the_card_it_is_listed_under(name: str) -> None:
    assert load(name).card == recognisers.cards()[name]


@pytest.mark.parametrize("name", FETCHED)
def test_absent_weights_are_an_error_that_says_how_to_get_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    with pytest.raises(MissingWeightsError, match=r"https?://"):
        recognisers.load(name)


@pytest.mark.parametrize("name", EMBEDDED)
def test_absent_weights_of_ours_are_an_error_that_says_to_install_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    with pytest.raises(MissingWeightsError, match="install lowkey-audit again"):
        recognisers.load(name)


@pytest.mark.parametrize("name", EMBEDDED)
def test_ours_are_not_looked_for_among_assets(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / CARDS[name].file).write_bytes(b"planted")
    assert recognisers.load(name).card == CARDS[name]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.faces) for n in FETCHED] + EMBEDDED
)
def test_tampered_weights_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(name)
    path = weights.locate(recognisers.cards()[name])
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if name in EMBEDDED:
        (tmp_path / path.name).write_bytes(content)
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / path.name).write_bytes(content)
    if (record := weights.record_of(path)).is_file():
        (tmp_path / "weights" / record.name).write_bytes(record.read_bytes())
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    with pytest.raises(TamperedWeightsError, match="SHA-256"):
        recognisers.load(name)
