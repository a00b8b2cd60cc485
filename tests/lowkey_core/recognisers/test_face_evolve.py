"""LowKey's surrogates: our architectures are those of the released files."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from lowkey_core import recognisers, weights
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.recognisers import face_evolve
from lowkey_core.recognisers.face_evolve import ARCHITECTURES, CARDS
from lowkey_core.weights.checkpoints import fill


def seeded(key: str, shape: tuple[int, ...]) -> Tensor:
    """A tensor that depends on its name and shape only; variances are positive."""
    if not shape:
        return torch.zeros((), dtype=torch.int64)
    r = torch.randn(shape, generator=Generator().manual_seed(zlib.crc32(key.encode())))
    if len(shape) > 1:
        return r.mul_(r[0].numel() ** -0.5)
    if key.endswith(("running_mean", "bias")):
        return 0.1 * r
    return 1 + 0.1 * (r.abs() if key.endswith("running_var") else r)


@pytest.mark.faces
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_is_the_reference_architecture(architecture: str) -> None:
    """Same names, shapes and embeddings as in the golden file, made with face.evoLVe's code."""
    file = weights.assets() / "weights" / "lowkey_backbones_golden.json"
    golden = json.loads(file.read_text())[architecture]
    state = {key: seeded(key, tuple(shape)) for key, shape in golden["keys"].items()}
    network = fill(ARCHITECTURES[architecture], state, CARDS["ir152-arcface"]).eval()
    face = torch.linspace(-1, 1, 3 * 112 * 112).view(1, 3, 112, 112)
    with torch.no_grad():
        ours = network(face).flatten()
    theirs = torch.tensor(golden["embedding"]).flatten()
    assert (ours - theirs).norm() / theirs.norm() < 1e-4


@pytest.fixture
def one_block_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks small enough to write to disk."""
    monkeypatch.setattr(face_evolve, "BLOCKS", dict.fromkeys(ARCHITECTURES, (1, 1, 1, 1)))


def save(card: weights.Card, network: nn.Module, folder: Path) -> dict[str, Tensor]:
    """Write seeded weights of `network` as the card's file, and record their digest."""
    state = {k: seeded(k, tuple(v.shape)) for k, v in network.state_dict().items()}
    path = folder / "weights" / card.file
    path.parent.mkdir()
    torch.save(state, path)
    weights.record(card, path, weights.sha256(path))
    return state


@pytest.mark.usefixtures("one_block_each")
@pytest.mark.parametrize(
    ("member", "architecture"), [("ir152-cosface", "IR_152"), ("resnet152-arcface", "ResNet_152")]
)
def test_a_released_file_becomes_an_embedder(
    member: str, architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    with torch.device("meta"):
        plan = ARCHITECTURES[architecture]()
    state = save(CARDS[member], plan, tmp_path)
    ours = recognisers.load(f"face_evolve:{member}")
    images = torch.rand(2, 3, 112, 112, requires_grad=True)
    embedding = ours(images)
    reference = fill(ARCHITECTURES[architecture], state, CARDS[member]).eval()
    expected = nn.functional.normalize(reference(images * 2 - 1))
    assert torch.allclose(embedding, expected, atol=1e-5)
    (slope,) = torch.autograd.grad(embedding[0, 0], images)
    assert slope[0].abs().max() > 0


@pytest.mark.usefixtures("one_block_each")
def test_a_file_of_the_other_architecture_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    with torch.device("meta"):
        wrong = ARCHITECTURES["ResNet_152"]()
    save(CARDS["ir152-arcface"], wrong, tmp_path)
    with pytest.raises(TamperedWeightsError, match="does not fit"):
        recognisers.load("face-evolve:ir152-arcface")
