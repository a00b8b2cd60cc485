"""SFace and insightface's packs: ONNX files, opened only with the digest of their card."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper

from lowkey_core import recognisers, weights
from lowkey_core.errors import MissingWeightsError, TamperedWeightsError
from lowkey_core.recognisers import insightface, sface

NAMES = {
    "sface": (sface, "CARD", ""),
    "insightface:buffalo_l": (insightface, "CARDS", "buffalo_l"),
}


def means(batch: int | str) -> bytes:
    """A graph that gives the mean of each channel as it is fed, in the order in which it is fed."""
    shape = [batch, 3, 112, 112]
    nodes = [
        helper.make_node("GlobalAveragePool", ["data"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["fc1"]),
    ]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [batch, 3])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def put(name: str, content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module: ModuleType
    module, _, member = NAMES[name]
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(folder))
    digest = hashlib.sha256(content).hexdigest()
    card = replace(recognisers.cards()[name], sha256=digest, size=len(content))
    monkeypatch.setitem(module.CARDS, member, card)
    if name == "sface":
        monkeypatch.setattr(module, "CARD", card)
    (folder / "weights").mkdir()
    (folder / "weights" / card.file).write_bytes(content)


@pytest.mark.parametrize("batch", [1, "n"])
@pytest.mark.parametrize("name", NAMES)
def test_is_fed_what_its_card_says(
    name: str, batch: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(name, means(batch), tmp_path, monkeypatch)
    network = recognisers.network(name)
    faces = torch.rand(3, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    faces *= torch.tensor([0.2, 0.6, 1.0]).view(1, 3, 1, 1)
    fed = 255 * faces if name == "sface" else (faces - 0.5) / 0.5
    assert torch.allclose(network(faces), F.normalize(fed.mean((2, 3))), atol=1e-5)
    assert torch.allclose(network.raw(faces), fed.mean((2, 3)), rtol=1e-4, atol=1e-5)  # type: ignore[attr-defined]
    assert network.card.black_box
    assert not network(faces.requires_grad_()).requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_another_file_is_not_opened(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = recognisers.cards()[name]
    assert card.pinned
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    with pytest.raises(MissingWeightsError):
        recognisers.network(name)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / card.file).write_bytes(means(1))
    with pytest.raises(TamperedWeightsError, match="SHA-256"):
        recognisers.network(name)
