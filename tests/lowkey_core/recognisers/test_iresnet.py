"""MagFace and AdaFace: names, shapes and arithmetic of the released files, with seeded weights."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from lowkey_core import recognisers, weights
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.networks.iresnet import INSIGHTFACE, TFACE, IResNet
from lowkey_core.recognisers import adaface, magface
from lowkey_core.weights import Card
from tests.lowkey_core.recognisers.test_face_evolve import seeded

ONE_EACH = (1, 1, 1, 1)
SMALL = functools.partial(IResNet, units=ONE_EACH)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Networks of one unit a stage, and a folder for their files."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    for module in (magface, adaface):
        monkeypatch.setattr(module, "IResNet", SMALL)
    monkeypatch.setattr(adaface, "UNITS_100", ONE_EACH)


def save(card: Card, state: dict[str, Tensor]) -> None:
    path = weights.home(card)
    path.parent.mkdir(exist_ok=True)
    torch.save({"epoch": 25, "state_dict": state}, path)
    weights.record(card, path, weights.sha256(path))


def drawn(network: nn.Module, named: str = "{}") -> dict[str, Tensor]:
    return {named.format(k): seeded(k, tuple(v.shape)) for k, v in network.state_dict().items()}


class Reference(nn.Module):
    """AdaFace's layers under the names of its file, one unit a stage."""

    def __init__(self) -> None:
        super().__init__()
        conv, norm = functools.partial(nn.Conv2d, bias=False), nn.BatchNorm2d
        self.input_layer = nn.Sequential(conv(3, 64, 3, 1, 1), norm(64), nn.PReLU(64))
        units = []
        for before, after in ((64, 64), (64, 128), (128, 256), (256, 512)):
            unit = nn.Module()
            unit.shortcut_layer = (
                nn.MaxPool2d(1, 2)
                if before == after
                else nn.Sequential(conv(before, after, 1, 2), norm(after))
            )
            unit.res_layer = nn.Sequential(
                norm(before),
                conv(before, after, 3, 1, 1),
                norm(after),
                nn.PReLU(after),
                conv(after, after, 3, 2, 1),
                norm(after),
            )
            units.append(unit)
        self.body = nn.Sequential(*units)
        self.output_layer = nn.Sequential(
            norm(512),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(512 * 49, 512),
            nn.BatchNorm1d(512, affine=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.input_layer(x)
        for unit in self.body:
            x = unit.res_layer(x) + unit.shortcut_layer(x)
        return self.output_layer(x)


def test_adaface_embeds_as_its_layers_do_on_blue_green_red() -> None:
    reference = Reference()
    state = {k: seeded(k, tuple(v.shape)) for k, v in reference.state_dict().items()}
    reference.load_state_dict(state)
    save(
        adaface.CARD, {**{f"model.{k}": v for k, v in state.items()}, "head.kernel": torch.ones(2)}
    )
    network = recognisers.network("adaface:r100")
    face = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = reference.eval()((face.flip(1) - 0.5) / 0.5)
        ours = network(face)
    assert torch.allclose(ours, nn.functional.normalize(theirs), atol=1e-5)


@pytest.mark.parametrize("prefix", ["features.module.", "module.features."])
def test_magface_leaves_the_classifier_out_and_sees_blue_green_red(prefix: str) -> None:
    reference = SMALL(INSIGHTFACE)
    state = drawn(reference)
    reference.load_state_dict(state)
    save(
        magface.CARD,
        {**{prefix + k: v for k, v in state.items()}, "module.fc.weight": torch.ones(2)},
    )
    network = recognisers.network("magface:r100")
    face = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = reference.eval()(face.flip(1))
        ours = network(face)
    assert torch.allclose(ours, nn.functional.normalize(theirs), atol=1e-5)


def test_magface_has_the_names_of_the_authors_code() -> None:
    names = set(SMALL(INSIGHTFACE).state_dict())
    assert {
        "conv1.weight",
        "bn1.running_var",
        "prelu.weight",
        "fc.bias",
        "features.weight",
    } <= names
    unit = {n.removeprefix("layer1.0.") for n in names if n.startswith("layer1.0.")}
    layers = {n.rpartition(".")[0] for n in unit}
    assert layers == {
        *("bn1", "conv1", "bn2", "prelu", "conv2", "bn3"),
        *("downsample.0", "downsample.1"),
    }


@pytest.mark.parametrize(
    ("layout", "size"),
    # 260,980,552 bytes has the safetensors file of AdaFace's network: 917 tensors and their names.
    [(TFACE, 260_882_888), (INSIGHTFACE, 260_904_400)],
)
def test_a_whole_network_is_as_large_as_its_file(layout: object, size: int) -> None:
    with torch.device("meta"):
        state = IResNet(layout).state_dict()  # type: ignore[arg-type]
    assert sum(t.numel() * t.element_size() for t in state.values()) == size


@pytest.mark.parametrize(
    ("card", "name", "layout", "named"),
    [
        (magface.CARD, "magface:r100", INSIGHTFACE, "features.module.{}"),
        (adaface.CARD, "adaface:r100", TFACE, "model.{}"),
    ],
)
def test_a_file_of_other_layers_is_refused(
    card: Card, name: str, layout: object, named: str
) -> None:
    save(card, drawn(IResNet(layout, units=(2, 1, 1, 1)), named))  # type: ignore[arg-type]
    with pytest.raises(TamperedWeightsError, match="does not fit its network"):
        recognisers.network(name)
