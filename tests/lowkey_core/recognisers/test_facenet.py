"""FaceNet gives the package's embeddings on the package's input, with seeded weights."""

from __future__ import annotations

from pathlib import Path

import facenet_pytorch
import numpy as np
import pytest
import torch
from facenet_pytorch.models.utils.detect_face import extract_face
from PIL import Image
from torch import Tensor, nn

from lowkey_core import recognisers, weights
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.faces.detection import cut, detect
from lowkey_core.faces.frames import Frame, composed
from lowkey_core.photos.images import to_pixels
from lowkey_core.recognisers.facenet import CARDS, CHIP, FaceNet
from lowkey_core.types import ARCFACE

CARD = CARDS["vggface2"]


@pytest.fixture(scope="module")
def package() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return facenet_pytorch.InceptionResnetV1(pretrained=None).eval()


@pytest.fixture
def saved(package: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's seeded weights as in the released file, which has the classifier, too."""
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    logits = {"logits.weight": torch.zeros(10, 512), "logits.bias": torch.zeros(10)}
    return save({**package.state_dict(), **logits})


def save(state: dict[str, Tensor]) -> Path:
    path = weights.home(CARD)
    path.parent.mkdir(exist_ok=True)
    torch.save(state, path)
    weights.record(CARD, path, weights.sha256(path))
    return path


@pytest.mark.usefixtures("saved")
def test_embeds_as_the_package_does(package: nn.Module) -> None:
    ours = recognisers.load("facenet:vggface2")
    assert isinstance(ours, FaceNet)
    images = torch.rand(2, 3, 160, 160, requires_grad=True)
    pixels = (images * 255).permute(0, 2, 3, 1).detach().numpy()
    standardised = torch.from_numpy(facenet_pytorch.fixed_image_standardization(pixels))
    with torch.no_grad():
        theirs = package(standardised.permute(0, 3, 1, 2))
    embedding = ours(images)
    assert torch.allclose(embedding, theirs, atol=1e-5)
    (slope,) = torch.autograd.grad(embedding[0, 0], images)
    assert slope[0].isfinite().all()
    assert slope[0].abs().max() > 0


def test_crops_a_face_as_the_package_does(astronaut: Tensor) -> None:
    """By the same box. The package resizes with OpenCV's area filter; colours differ a little."""
    pixels = to_pixels(astronaut)
    (frame,) = detect(pixels)
    theirs = extract_face(Image.fromarray(pixels), frame.box.numpy(), CHIP.size, margin=14)
    ours = cut(pixels, frame.to(CHIP), CHIP.size)
    assert (ours - theirs).abs().mean() < 4


def test_crops_at_the_rim_of_a_photo_as_the_package_does(astronaut: Tensor) -> None:
    pixels = to_pixels(astronaut)
    (frame,) = detect(pixels)
    left, top, *_ = (int(v) for v in frame.box)
    part = np.ascontiguousarray(pixels[top:, left:])
    shifted = frame.box - torch.tensor([left, top] * 2)
    theirs = extract_face(Image.fromarray(part), shifted.numpy(), CHIP.size, margin=14)
    moved = Frame.at(part.shape[:2], frame.landmarks - torch.tensor([left, top]), shifted)
    assert (cut(part, moved.to(CHIP), CHIP.size) - theirs).abs().mean() < 4


def test_the_chip_of_a_cloaked_face_lies_about_where_the_box_is(astronaut: Tensor) -> None:
    """A cloak sees the face at the 112x112 template; what the network is fed then is close."""
    (frame,) = detect(to_pixels(astronaut))
    corners = torch.tensor([[0.0, 0, 1], [159, 0, 1], [0, 159, 1], [159, 159, 1]])
    by_box = torch.linalg.inv(torch.cat([frame.to(CHIP), torch.tensor([[0.0, 0, 1]])]))
    fixed = composed(torch.tensor(CHIP.chip), frame.to(ARCFACE)) @ by_box
    assert (corners @ fixed.T - corners[:, :2]).abs().mean() < 20


@pytest.mark.usefixtures("saved")
def test_extra_tensors_other_than_logits_are_refused(package: nn.Module) -> None:
    save({**package.state_dict(), "surprise": torch.zeros(1)})
    with pytest.raises(TamperedWeightsError, match="surprise"):
        recognisers.load("facenet:vggface2")


def test_a_file_changed_since_the_first_fetch_is_refused(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    saved.write_bytes(content)
    with pytest.raises(TamperedWeightsError, match="as first seen"):
        recognisers.load("facenet:vggface2")
