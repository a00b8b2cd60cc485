"""CLIP's tower for pictures, from a file with OpenAI's names, with seeded weights."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core import recognisers, weights
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.faces.pictures import crops
from lowkey_core.recognisers import clip
from tests.conftest import people

WIDTH, LAYERS = 128, 2


class Block(nn.Module):
    """A layer of CLIP's transformer, under the names of its file."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mlp = nn.Module()
        self.mlp.c_fc, self.mlp.c_proj = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        y = self.mlp.c_fc(self.ln_2(x))
        return x + self.mlp.c_proj(y * torch.sigmoid(1.702 * y))


class Tower(nn.Module):
    """The tower for pictures: patches and a class token through two layers, then projected."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, 32, stride=32, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(WIDTH))
        self.positional_embedding = nn.Parameter(torch.randn(50, WIDTH))
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.proj = nn.Parameter(torch.randn(WIDTH, 512) * WIDTH**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(x), 1, -1)
        x = self.ln_pre(torch.cat([first, x], 1) + self.positional_embedding)
        return self.ln_post(self.transformer.resblocks(x)[:, 0]) @ self.proj


class Whole(nn.Module):
    """CLIP, as far as it matters: beside the tower, a weight of the one for captions."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.visual = Tower()
        self.text_projection = nn.Parameter(torch.ones(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.visual(x)


def file_of(network: nn.Module) -> bytes:
    """TorchScript, as OpenAI's file is."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(
            torch.jit.trace(network, torch.rand(1, 3, 224, 224), check_trace=False), buffer
        )
    return buffer.getvalue()


def put(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(folder))
    card = replace(clip.CARD, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(clip.CARDS, "vit-b-32", card)
    (folder / "weights").mkdir()
    (folder / "weights" / card.file).write_bytes(content)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """timm's network with few and narrow layers."""
    shape = {"embed_dim": WIDTH, "depth": LAYERS, "num_heads": 2}
    make = lambda: timm.create_model(clip.ARCHITECTURE, num_classes=512, **shape)  # noqa: E731
    monkeypatch.setattr(clip, "architecture", make)


@pytest.mark.usefixtures("narrow")
def test_embeds_as_the_tower_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = Whole().eval()
    put(file_of(reference), tmp_path, monkeypatch)
    network = recognisers.network("clip:vit-b-32")
    images = torch.rand(2, 3, 224, 224, requires_grad=True)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (clip.MEAN, clip.STD))
    with torch.no_grad():
        theirs = F.normalize(reference((images - mean) / std))
    ours = network(images)
    assert torch.allclose(ours, theirs, atol=1e-5)
    (slope,) = torch.autograd.grad(ours[0, 0], images)
    assert slope.abs().max() > 0


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("left_out", ["visual.proj", "visual.ln_pre"])
def test_a_file_without_a_layer_is_refused(
    left_out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(file_of(Whole()), tmp_path, monkeypatch)
    read = clip.state_of
    partial = lambda card: {k: v for k, v in read(card).items() if not k.startswith(left_out)}  # noqa: E731
    monkeypatch.setattr(clip, "state_of", partial)
    with pytest.raises(TamperedWeightsError, match="does not fit its network"):
        recognisers.network("clip:vit-b-32")


def test_a_file_that_is_no_torchscript_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(b"anything else", tmp_path, monkeypatch)
    with pytest.raises(TamperedWeightsError, match="does not open as TorchScript"):
        recognisers.network("clip:vit-b-32")


def test_its_face_is_the_aligned_one_at_twice_the_size() -> None:
    picture = people(1, 1).items[0]
    large = picture.face(clip.CHIP).float()
    small = F.avg_pool2d(large[None], 2)[0]
    aligned = picture.face().float()
    assert large.shape == (3, 224, 224)
    assert (small - aligned)[:, 2:-2, 2:-2].abs().mean() < 2, "grey levels"
    shifted = crops(aligned[None].roll(1, -1).div(255), torch.zeros(1), ("x",)).items[0]
    assert (small - shifted.face().float())[:, 2:-2, 2:-2].abs().mean() > 3


def test_is_the_package_s_tower() -> None:
    """Of open_clip, where it is installed, with random weights under OpenAI's names."""
    open_clip: Any = pytest.importorskip("open_clip")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = open_clip.create_model("ViT-B-32-quickgelu", pretrained=None).visual.eval()
    state = {f"visual.{k}": v for k, v in theirs.state_dict().items()}
    ours = clip.architecture()
    ours.load_state_dict(clip.renamed(state))
    face = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.allclose(ours.eval()(face), theirs(face), atol=1e-5)
