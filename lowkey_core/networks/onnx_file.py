"""Reading ONNX files, which needs the extra `onnx`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lowkey_core import weights
from lowkey_core.errors import LocalNetworkError
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import unfit


def package(name: str, path: Path) -> Any:
    """The imported package of the extra `onnx`. Raises: LocalNetworkError if it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise LocalNetworkError(
            f"{path} needs the package {name}, which is not installed",
            expected="onnx and onnxruntime, for .onnx files",
            remedy="pip install 'lowkey-audit[onnx]'",
        ) from None


def names_other_files(model: Any) -> bool:
    """Whether a tensor anywhere in an ONNX message keeps its data in another file.

    model: onnx.ModelProto. Every message inside it is visited, whatever field holds it:
    initialisers, attributes, subgraphs, functions, sparse tensors, training information.
    """
    waiting = [model]
    while waiting:
        message = waiting.pop()
        if message.DESCRIPTOR.name == "TensorProto":
            if message.external_data or message.data_location == message.EXTERNAL:
                return True
            continue
        for field in message.DESCRIPTOR.fields:
            if field.message_type is None:
                continue
            value = getattr(message, field.name)
            if field.is_repeated:
                waiting += value
            elif message.HasField(field.name):
                waiting.append(value)
    return False


def state_of(card: Card, network: nn.Module) -> dict[str, Tensor]:
    """The weights in the card's file under the names of `network`, which has the same layers.

    The weights, biases and slopes of Conv and PRelu nodes, in the order of the graph, are the
    network's in the order of its modules. Slopes of shape (C, 1, 1) become (C,).
    Raises: MissingWeightsError, TamperedWeightsError, LocalNetworkError (`onnx` is missing).
    """
    path = weights.locate(card)
    format_, helper = package("onnx", path), package("onnx.numpy_helper", path)
    content = weights.read(card)
    try:
        model = format_.ModelProto.FromString(content)
    except Exception:  # protobuf's DecodeError
        raise unfit(card, "does not open as ONNX") from None
    if names_other_files(model):
        raise unfit(card, "keeps weights in other files")
    kept = {tensor.name: tensor for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type in ("Conv", "PRelu"):
            arrays = [helper.to_array(kept[name]) for name in node.input[1:] if name in kept]
            found += [a.reshape(-1) if node.op_type == "PRelu" else a for a in arrays]
    names = list(network.state_dict())
    if len(found) != len(names):
        raise unfit(card, f"has {len(found)} tensors of weights, and not {len(names)}")
    tensors = (torch.from_numpy(array.copy()).float() for array in found)
    return dict(zip(names, tensors, strict=True))
