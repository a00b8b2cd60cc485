"""dlib's face recognition ResNet (Davis King, 2017) as a differentiable PyTorch network.

The weights are read from the model file of the `face_recognition_models` package, without dlib.
The file is dlib's serialisation of `anet_type` in dlib's `dnn_face_recognition_ex.cpp`.
"""

from __future__ import annotations

import datetime
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core.errors import TamperedWeightsError
from lowkey_core.faces.chips import DLIB as CHIP
from lowkey_core.types import Embeddings, Images
from lowkey_core.weights import Card, read

CARD = Card(
    name="dlib",
    file="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    source="https://pypi.org/project/face_recognition_models/",
    licence="CC0-1.0",
    released=datetime.date(2017, 3, 1),
    trained_on="FaceScrub, VGG-Face and web pictures: 3 million faces of 7,485 people",
    data=frozenset({"FaceScrub", "VGG-Face"}),
    preprocessing="warped to 150x150; RGB, (255 x - (122.782, 117.001, 104.298)) / 256",
    lineage=frozenset({"dlib-resnet-v1"}),
    family="residual network",
    distribution="face_recognition_models",
    size=22_466_066,
)
CARDS = {"": CARD}

_MEAN = (122.782, 117.001, 104.298)
_STAGES = ((3, 32), (4, 64), (3, 128), (3, 256), (1, 256))  # blocks, channels


def build() -> DlibResNet:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    network = DlibResNet()
    network.load(read(CARD))
    return network


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut; a down block halves the resolution of both."""

    def __init__(self, before: int, channels: int, down: bool) -> None:
        super().__init__()
        self.down = down
        self.conv1 = nn.Conv2d(
            before, channels, 3, stride=2 if down else 1, padding=0 if down else 1
        )
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x)))
        if self.down:
            x = F.avg_pool2d(x, 2)
            height, width = max(x.shape[2], y.shape[2]), max(x.shape[3], y.shape[3])
            x, y = (_pad(t, y.shape[1], height, width) for t in (x, y))
        return F.relu(x + y)


def _pad(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    """Zero padding at the end of each axis, as dlib's add_prev does."""
    return F.pad(
        x, (0, width - x.shape[3], 0, height - x.shape[2], 0, max(0, channels - x.shape[1]))
    )


class DlibResNet(nn.Module):
    """29 convolutions and a linear layer; embeddings of 128 dimensions."""

    mean: Tensor
    template = CHIP

    def __init__(self) -> None:
        super().__init__()
        self.card = CARD
        self.stem = nn.Conv2d(3, 32, 7, stride=2)
        blocks, before = [], 32
        for stage, (count, channels) in enumerate(_STAGES):
            for i in range(count):
                blocks.append(_Block(before, channels, down=stage > 0 and i == 0))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(256, 128, bias=False)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 150, 150) float32 in [0, 1], RGB chips. Returns (n, 128), unit norm."""
        return F.normalize(self.describe(images))

    def describe(self, chips: Images) -> Tensor:
        """dlib's descriptor, (n, 128), not normalised. chips: (n, 3, 150, 150) in [0, 1]."""
        x = (chips * 255 - self.mean) / 256
        x = F.max_pool2d(F.relu(self.stem(x)), 3, stride=2)
        return self.fc(self.blocks(x).mean((2, 3)))  # type: ignore[no-any-return]

    def load(self, content: bytes) -> None:
        """Fill all parameters from dlib's file. Raises: TamperedWeightsError.

        The scale and shift after each convolution (batch normalisation at inference) are folded
        into the convolution. The file's filters are about 1000 times smaller than the scales, so
        retraining the two separately would be ill-conditioned.
        """
        convolutions = [m for m in self.modules() if isinstance(m, nn.Conv2d)]
        file, at = _File(content), 0
        with torch.no_grad():
            for convolution in convolutions:
                filters, channels = convolution.weight, len(convolution.weight)
                at = file.find(b"con_4", at)
                values, at = file.tensor(at)
                weight, bias = values.split([filters.numel(), channels])
                at = file.find(b"affine_", at)
                values, at = file.tensor(at)
                scale, shift = values.split(channels)
                filters.copy_(weight.view_as(filters) * scale.view(-1, 1, 1, 1))
                assert convolution.bias is not None
                convolution.bias.copy_(bias * scale + shift)
            at = file.find(b"fc_2", at)
            for _ in range(2):  # num_outputs, num_inputs
                _, at = file.integer(at)
            values, _ = file.tensor(at)
            self.fc.weight.copy_(values.view(256, 128).T)


class _File:
    """dlib's serialisation. An integer is a length byte (high bit: negative), then its bytes."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def find(self, record: bytes, at: int) -> int:
        """Position after the next record of this name, from `at` on."""
        found = self.content.find(record, at)
        if found < 0:
            raise self._malformed(f"no further {record.decode()} record")
        return found + len(record)

    def integer(self, at: int) -> tuple[int, int]:
        """The integer at `at`, and the position after it."""
        length, negative = self.content[at] & 0x0F, self.content[at] & 0x80
        value = int.from_bytes(self.content[at + 1 : at + 1 + length], "little")
        return (-value if negative else value), at + 1 + length

    def tensor(self, at: int) -> tuple[Tensor, int]:
        """The float32 tensor at `at`, flattened, and the position after it."""
        version, at = self.integer(at)
        if version != 2:
            raise self._malformed(f"tensor of version {version}")
        dims = []
        for _ in range(4):
            size, at = self.integer(at)
            dims.append(size)
        end = at + 4 * prod(dims)
        if end > len(self.content):
            raise self._malformed(f"tensor of shape {tuple(dims)} behind the end")
        values = np.frombuffer(self.content, "<f4", prod(dims), at).copy()
        return torch.from_numpy(values), end

    def _malformed(self, what: str) -> TamperedWeightsError:
        return TamperedWeightsError(
            f"dlib's model file has a {what}",
            expected="29 con_4 and affine_ records and one fc_2",
            remedy="reinstall face_recognition_models==0.3.0",
        )
