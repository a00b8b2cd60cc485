"""The MobileFaceNet in an ONNX file, against onnxruntime."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from lowkey_core import recognisers, weights
from lowkey_core.errors import LocalNetworkError, MissingWeightsError, TamperedWeightsError
from lowkey_core.recognisers import mobilefacenet
from lowkey_core.types import ARCFACE, Pictures

NAME = "mobilefacenet:faceplugin"
BLOCKS = [
    *[(64, 128, 64, 2), *[(64, 128, 64, 1)] * 4],
    *[(64, 256, 128, 2), *[(128, 256, 128, 1)] * 6],
    *[(128, 512, 128, 2), *[(128, 256, 128, 1)] * 2],
]
"""Channels before, inside and after each bottleneck, and its stride (Table 1 of the paper)."""


class Graph:
    """An ONNX graph with seeded weights, written node by node."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes: list[Any] = []
        self.kept: list[Any] = []
        self.last = "input"

    def weight(self, *shape: int, scale: float = 0.1) -> str:
        values = (scale * self.rng.standard_normal(shape)).astype(np.float32)
        self.kept.append(numpy_helper.from_array(values, f"w{len(self.kept)}"))
        return f"w{len(self.kept) - 1}"

    def add(self, kind: str, *inputs: str, **attributes: Any) -> None:
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.last, *inputs], [output], **attributes))
        self.last = output

    def conv(
        self, before: int, after: int, side: int, *, stride: int = 1, each: bool = False, pad: int
    ) -> None:
        fan = (1 if each else before) * side**2
        weight = self.weight(after, 1 if each else before, side, side, scale=fan**-0.5)
        self.add(
            *("Conv", weight, self.weight(after)),
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[pad] * 4,
            group=before if each else 1,
        )

    def active(self, *args: Any, **options: Any) -> None:
        self.conv(*args, **options)
        self.add("PRelu", self.weight(args[1], 1, 1))

    def content(self) -> bytes:
        shape = self.weight(0)
        self.kept[-1] = numpy_helper.from_array(np.array([1, 512]), shape)
        self.add("Reshape", shape)
        faces = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 112, 112])
        out = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [1, 512])
        graph = helper.make_graph(self.nodes, "faces", [faces], [out], self.kept)
        return helper.make_model(
            graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]
        ).SerializeToString()


def written(blocks: list[tuple[int, int, int, int]] = BLOCKS) -> bytes:
    graph = Graph()
    graph.active(3, 64, 3, stride=2, pad=1)
    graph.active(64, 64, 3, each=True, pad=1)
    for before, inner, after, stride in blocks:
        shortcut = graph.last
        graph.active(before, inner, 1, pad=0)
        graph.active(inner, inner, 3, stride=stride, each=True, pad=1)
        graph.conv(inner, after, 1, pad=0)
        if stride == 1:
            graph.add("Add", shortcut)
    graph.active(128, 512, 1, pad=0)
    graph.conv(512, 512, 7, each=True, pad=0)
    graph.conv(512, 512, 1, pad=0)
    return graph.content()


def kept(content: bytes, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Puts `content` where the file belongs, on a card that asks for it."""
    patch.setenv(weights.ASSETS_VARIABLE, str(folder))
    card = replace(
        mobilefacenet.FACEPLUGIN, sha256=hashlib.sha256(content).hexdigest(), size=len(content)
    )
    patch.setitem(mobilefacenet.CARDS, "faceplugin", card)
    weights.home(card).parent.mkdir()
    weights.home(card).write_bytes(content)


def by_onnxruntime(content: bytes, images: Tensor) -> Tensor:
    """Unit vectors. images: RGB in [0, 1]; BGR in pixels less 127, by 128, for the network."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    pixels = ((255 * images - 127) / 128).numpy()[:, ::-1].copy()
    name = session.get_inputs()[0].name
    rows = [session.run(None, {name: pixels[i : i + 1]})[0] for i in range(len(pixels))]
    out = np.concatenate(rows)
    return torch.from_numpy(out / np.linalg.norm(out, axis=1, keepdims=True))


def noise() -> Tensor:
    return torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))


def agrees(content: bytes, images: Tensor) -> None:
    network = recognisers.network(NAME)
    images = images.clone().requires_grad_()
    out = network(images)
    torch.testing.assert_close(
        out.detach(), by_onnxruntime(content, images.detach()), atol=1e-5, rtol=0
    )
    (slope,) = torch.autograd.grad(out[:, 0].sum(), images)
    assert slope.isfinite().all()
    assert slope.abs().max() > 0


def test_a_file_of_its_layout_gives_what_onnxruntime_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = written()
    kept(content, tmp_path, monkeypatch)
    agrees(content, noise())


@pytest.mark.faces
def test_the_published_file_gives_what_onnxruntime_gives(pictures: Pictures) -> None:
    try:
        content = weights.read(mobilefacenet.FACEPLUGIN)
    except MissingWeightsError as error:
        pytest.skip(str(error))
    agrees(content, torch.cat([pictures.faces(ARCFACE), noise()]))


def test_a_file_of_another_layout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(written([*BLOCKS, (128, 256, 128, 1)]), tmp_path, monkeypatch)
    with pytest.raises(TamperedWeightsError, match="tensors of weights"):
        recognisers.load(NAME)


@pytest.mark.parametrize("content", [b"no graph", b""])
def test_a_file_that_is_no_graph_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(content, tmp_path, monkeypatch)
    with pytest.raises(TamperedWeightsError, match=r"does not open as ONNX|tensors of weights"):
        recognisers.load(NAME)


def test_a_file_that_names_other_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = onnx.ModelProto.FromString(written())
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    kept(model.SerializeToString(), tmp_path, monkeypatch)
    with pytest.raises(TamperedWeightsError, match="other files"):
        recognisers.load(NAME)


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(b"graph", tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(LocalNetworkError, match=r"pip install 'lowkey-audit\[onnx\]'"):
        recognisers.load(NAME)


def test_nothing_is_claimed_about_its_training() -> None:
    card = recognisers.cards()[NAME]
    assert card.lineage == card.data == frozenset()
    assert card.released
    assert not card.black_box
