"""A user's own network in one file, TorchScript (`.pt`) or ONNX (`.onnx`), with a card beside it.

Both formats are programs: a file is opened only if its SHA-256 is the card's. It is then tried on
grey faces, and must return embeddings of the right shape and type.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core import weights
from lowkey_core.errors import LocalNetworkError
from lowkey_core.networks.onnx_file import names_other_files, package
from lowkey_core.types import ARCFACE, FACE_SIZE, Embeddings, Images, Network
from lowkey_core.weights import sidecar
from lowkey_core.weights.sidecar import Input
from lowkey_core.work import provenance

SUFFIXES = (".pt", ".onnx")


def load(path: Path) -> Network:
    """The network in a `.pt` or `.onnx` file, after a trial on grey faces.

    Raises: MissingWeightsError, TamperedWeightsError, LocalNetworkError.
    """
    beside, content = sidecar.verified(path)
    assert beside.input is not None
    opaque = path.suffix == ".onnx"
    make = Onnx if opaque else TorchScript
    network: TorchScript | Onnx = make(
        content, path, beside.card(path, black_box=opaque), beside.input
    )
    for count in (1, 2):  # some exports accept batches of one only
        _try(network, path, count)
    return network


def from_card(card: weights.Card, input_: Input) -> Onnx:
    """The network in the ONNX file of a card of this project, after the same trial.

    Raises: MissingWeightsError, TamperedWeightsError, LocalNetworkError.
    """
    content, path = weights.read(card), weights.locate(card)
    network = Onnx(content, path, card, input_)
    for count in (1, 2):
        _try(network, path, count)
    return network


class TorchScript(nn.Module):
    """A TorchScript network: it has gradients and can be retrained."""

    template = ARCFACE

    def __init__(self, content: bytes, path: Path, card: weights.Card, input_: Input) -> None:
        super().__init__()
        self.card, self.input = card, input_
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", FutureWarning
                )  # it has no successor that reads files
                self.network = torch.jit.load(io.BytesIO(content), map_location="cpu")
        except Exception as error:  # the parser raises anything
            raise _refused(path, "does not open as TorchScript", error) from None
        self.network.float().eval()
        if not [*self.network.parameters()]:
            raise LocalNetworkError(
                f"{path} has no parameters",
                expected="a network that can be retrained",
                remedy="export it without torch.jit.freeze, or as .onnx, a black box",
            )

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, d), unit norm."""
        return F.normalize(self.raw(images))

    def raw(self, images: Images) -> Tensor:
        """The network's output, (n, d), not normalised."""
        # Otherwise the JIT recompiles after the first calls, and sums in another order.
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            return self.network(self.input.prepare(images))  # type: ignore[no-any-return]


class Onnx:
    """An ONNX network: a black box without gradients."""

    template = ARCFACE

    def __init__(self, content: bytes, path: Path, card: weights.Card, input_: Input) -> None:
        self.card, self.input = card, input_
        self._built_from = content, path, card, input_
        format_, runtime = package("onnx", path), package("onnxruntime", path)
        try:
            model = format_.ModelProto.FromString(content)
        except Exception as error:  # protobuf's DecodeError
            raise _refused(path, "does not open as ONNX", error) from None
        if names_other_files(model):
            raise LocalNetworkError(
                f"{path} keeps weights in other files",
                expected="one file, so that its SHA-256 covers all of it",
                remedy="export it with its weights inside",
            )
        model.DiscardUnknownFields()  # a field that was not checked does not reach onnxruntime
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # errors are raised as well
        for entry in (
            ("session.load_model_format", "ONNX"),  # not onnxruntime's own
            ("session.set_denormal_as_zero", "1"),  # else the first session undoes `tune`
        ):
            options.add_session_config_entry(*entry)
        try:
            self._session = runtime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise _refused(path, "does not open as ONNX", error) from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1:
            raise LocalNetworkError(
                f"{path} has {len(inputs)} inputs and {len(outputs)} outputs",
                expected="one of each: a batch of faces, and their embeddings",
                remedy="export the embedding alone",
            )
        self._name, shape = inputs[0].name, inputs[0].shape
        self._one_by_one = bool(shape) and shape[0] == 1
        self.fingerprint = provenance.fingerprint(
            "onnx", weights.digest(card), self.input, runtime.__version__
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process the file's content is opened again; a session cannot be pickled."""
        return Onnx, self._built_from

    def __call__(self, images: Images, /) -> Embeddings:
        """images: (n, 3, 112, 112) float32 in [0, 1], aligned RGB. Returns (n, d), unit norm."""
        return F.normalize(self.raw(images))

    def raw(self, images: Images) -> Tensor:
        """The network's output, (n, d), not normalised."""
        faces = self.input.prepare(images.detach().cpu())
        batches = faces.split(1 if self._one_by_one else max(1, len(faces)))
        rows = [self._session.run(None, {self._name: b.numpy()})[0] for b in batches]
        return torch.from_numpy(np.concatenate(rows))


def _try(network: TorchScript | Onnx, path: Path, count: int) -> None:
    """Raises: LocalNetworkError unless `count` grey faces become (count, d) finite numbers."""
    grey = torch.full((count, 3, FACE_SIZE, FACE_SIZE), 0.5)
    size = network.input.size
    try:
        with torch.no_grad():
            out: Any = network.raw(grey)
    except Exception as error:  # the user's program raises anything
        what = f"does not take a batch of {count} at {size}x{size}"
        raise _refused(path, what, error) from None
    if not isinstance(out, Tensor):
        got = f"returned a {type(out).__name__}"
    elif out.ndim != 2 or len(out) != count or out.shape[1] < 2:
        got = f"turned {count} faces of {size}x{size} into shape {tuple(out.shape)}"
    elif out.dtype != torch.float32:
        got = f"returned {out.dtype}"
    elif not out.isfinite().all():
        got = "returned numbers that are not finite for a grey face"
    else:
        return
    raise LocalNetworkError(
        f"{path} {got}",
        expected="one embedding for each face, (n, d) finite float32",
        remedy=f"check [input] in {sidecar.path_of(path).name}, or export the embedding alone",
    )


def _refused(path: Path, what: str, error: Exception) -> LocalNetworkError:
    """The error with the last line of `error`, which may be pages long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return LocalNetworkError(
        f"{path} {what} ({type(error).__name__}: {' '.join(lines[-1:])[:200]})",
        expected="a network as its card describes it",
        remedy=f"check [input] in {sidecar.path_of(path).name}, or export the network again",
    )
