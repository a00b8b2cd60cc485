"""The card that a user writes beside a network of their own: `mine.toml` beside `mine.pt`."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from pathlib import Path
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from lowkey_core import weights
from lowkey_core.errors import LocalNetworkError, MissingWeightsError, TamperedWeightsError
from lowkey_core.types import FACE_SIZE, Images
from lowkey_core.work import documents

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(_Written):
    """A network's input: the aligned face resized, channels reordered, (x - mean) / std."""

    size: int = Field(ge=16, le=1024)
    """Side of the square input, in pixels; the 112x112 face is resized to it (bilinear)."""
    mean: tuple[_Finite, _Finite, _Finite]
    """On the [0, 1] scale, in the order of `channels`."""
    std: tuple[_Positive, _Positive, _Positive]
    channels: Literal["rgb", "bgr"]

    def __str__(self) -> str:
        return f"{self.size}x{self.size} {self.channels.upper()}, (x - {self.mean}) / {self.std}"

    def prepare(self, images: Images) -> Tensor:
        """From (n, 3, 112, 112) float32 RGB in [0, 1] to (n, 3, size, size). Differentiable."""
        if self.size != FACE_SIZE:
            images = F.interpolate(images, (self.size,) * 2, mode="bilinear", antialias=True)
        if self.channels == "bgr":
            images = images.flip(1)
        at = images.device
        mean, std = (torch.tensor(v, device=at).view(1, 3, 1, 1) for v in (self.mean, self.std))
        return (images - mean) / std


class Sidecar(_Written):
    """The fields of a card file."""

    name: str = Field(min_length=1)
    """The name in reports, unique in an audit."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Digest of the network's file."""
    released: datetime.date
    """When the network became public."""
    licence: str
    source: str
    trained_on: str
    data: frozenset[str] = frozenset()
    """Data sets it was trained on, by the names of `models list`; empty: not stated."""
    lineage: frozenset[str] = frozenset()
    """Training runs its weights come from, teachers included; empty: not stated."""
    family: str = ""
    """Of its architecture; "": not stated."""
    input: Input | None = None
    """For `.pt` and `.onnx`; a `.py` file prepares its own."""

    def card(self, path: Path, *, black_box: bool = False) -> weights.Card:
        """The same facts as a `Card`. path: of the network's file."""
        card = weights.Card(
            **self.model_dump(exclude={"input"}), file=path.name, black_box=black_box
        )
        return dataclasses.replace(card, preprocessing=str(self.input)) if self.input else card


def path_of(network: Path) -> Path:
    """Path of the card of the file `network`."""
    return network.with_suffix(".toml")


def verified(path: Path) -> tuple[Sidecar, bytes]:
    """The card beside `path`, and the content of `path`, whose SHA-256 is the card's.

    Raises: MissingWeightsError, TamperedWeightsError, LocalNetworkError (no valid card).
    """
    if not path.is_file():
        raise MissingWeightsError(
            f"{path} is not a file", expected="a .pt, .onnx or .py file", remedy="check the path"
        )
    content, beside = weights.read_capped(path, weights.LARGEST), path_of(path)
    found = hashlib.sha256(content).hexdigest()
    if not beside.is_file():
        raise LocalNetworkError(
            f"{path} has no card",
            expected=f"{beside.name} beside it, with {_FIELDS}",
            remedy=f'if you trust the file, write there sha256 = "{found}" and the rest',
        )
    card = _parse(beside, found)
    if card.sha256 != found:
        raise TamperedWeightsError(
            f"{path} has SHA-256 {found}",
            expected=f"{card.sha256}, as {beside.name} says",
            remedy=f'get the file again, or if you trust it write sha256 = "{found}" there',
        )
    if (card.input is None) != (path.suffix == ".py"):
        raise LocalNetworkError(
            f"{beside} {'lacks' if card.input is None else 'has'} [input]",
            expected="size, mean, std and channels there for .pt and .onnx, no [input] for .py",
            remedy="say what the network is fed; a .py file prepares its own input",
        )
    return card, content


_FIELDS = "name, sha256, released, licence, source, trained_on, data, lineage, family and [input]"


def _parse(beside: Path, found: str) -> Sidecar:
    try:
        return Sidecar.model_validate(documents.toml(beside))
    except ValidationError as error:
        detail = documents.complaint(error)
    except ValueError as error:
        detail = " ".join(str(error).split())
    raise LocalNetworkError(
        f"{beside} is not a card ({detail})",
        expected=_FIELDS,
        remedy=f'see CONTRIBUTING.md for an example; the network has sha256 = "{found}"',
    )
