"""Networks that users might bring, as files with cards."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

CARD = """
name = "mine"
sha256 = "{sha256}"
released = 2024-05-01
licence = "my own"
source = "trained here"
trained_on = "pictures of my own"
lineage = ["mine-run-1"]
"""
INPUT = """
[input]
size = {size}
mean = [0.1, 0.2, 0.3]
std = [0.4, 0.5, 0.6]
channels = "{channels}"
"""


PYTHON = b"""
import torch
def build(): return lambda images: torch.nn.functional.normalize(images.flatten(1))
"""


class Network(nn.Module):
    """A network as users export it; `scale` is an attribute, and a constant in a trace."""

    def __init__(self, size: int = 112, seed: int = 0, *, scale: float = 2.0) -> None:
        super().__init__()
        self.scale, self.side = scale, size // 8
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.conv = nn.Conv2d(3, 4, 8, stride=8)
            self.norm = nn.BatchNorm2d(4)
            self.fc = nn.Linear(4 * self.side * self.side, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.tanh(self.norm(self.conv(x))).flatten(1)) * self.scale


def torchscript(network: nn.Module, size: int = 112, *, how: str = "trace") -> bytes:
    buffer, face = io.BytesIO(), torch.rand(2, 3, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = network.eval()
        made = torch.jit.trace(network, face) if how == "trace" else torch.jit.script(network)
        if how == "freeze":
            made = torch.jit.freeze(made)
        torch.jit.save(made, buffer)
    return buffer.getvalue()


def onnx_file(
    size: int = 112, batch: int | str = "n", *, outputs: int = 1, fill: float = 1
) -> bytes:
    """A linear layer on the means of the channels."""
    weight = fill * torch.arange(15.0).view(3, 5)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["face"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["embedding"]),
        ],
        "mine",
        [helper.make_tensor_value_info("face", TensorProto.FLOAT, [batch, 3, size, size])],
        [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, None)
            for n in ("embedding", "flat")[:outputs]
        ],
        [numpy_helper.from_array(weight.numpy(), "weight")],
    )
    opset = [helper.make_opsetid("", 17)]
    return bytes(
        onnx.ModelProto.SerializeToString(
            helper.make_model(graph, opset_imports=opset, ir_version=9)
        )
    )


def save(folder: Path, name: str, content: bytes, *, size: int = 112, channels: str = "rgb") -> str:
    """Write the file and the card beside it. Returns the path, as a user types it."""
    path = folder / name
    path.write_bytes(content)
    asked = "" if name.endswith(".py") else INPUT.format(size=size, channels=channels)
    card = CARD.format(sha256=hashlib.sha256(content).hexdigest()) + asked
    path.with_suffix(".toml").write_text(card)
    return str(path)


def expected(images: Tensor, size: int, channels: str) -> Tensor:
    """The input of the network according to CARD and INPUT."""
    if size != 112:
        images = F.interpolate(images, (size, size), mode="bilinear", antialias=True)
    if channels == "bgr":
        images = images[:, [2, 1, 0]]
    mean, std = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.4, 0.5, 0.6])
    return (images - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
