"""FaceNet gives the package's embeddings on the package's input, with seeded weights."""

from __future__ import annotations

from pathlib import Path

import facenet_pytorch
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from lowkey_core import recognisers, weights
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.faces.alignment import similarity, warp
from lowkey_core.faces.detection import landmarks
from lowkey_core.photos.images import to_pixels
from lowkey_core.recognisers.facenet import CARDS, CHIP_SIZE, FaceNet

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
    images = torch.rand(2, 3, 112, 112, requires_grad=True)
    chips = ours.chips(images)
    pixels = (chips * 255).permute(0, 2, 3, 1).detach().numpy()
    standardised = torch.from_numpy(facenet_pytorch.fixed_image_standardization(pixels))
    with torch.no_grad():
        theirs = package(standardised.permute(0, 3, 1, 2))
    embedding = ours(images)
    assert torch.allclose(embedding, theirs, atol=1e-5)
    (slope,) = torch.autograd.grad(embedding[0, 0], images)
    assert slope[0].isfinite().all()
    assert slope[0].abs().max() > 0


def test_crops_a_face_as_the_package_does(astronaut: Tensor) -> None:
    (points,) = landmarks(to_pixels(astronaut))
    face = warp(astronaut, similarity(points)[None])
    detector = facenet_pytorch.MTCNN(image_size=CHIP_SIZE, margin=14, post_process=False)
    theirs = detector(Image.fromarray(to_pixels(astronaut))) / 255
    off = (FaceNet(nn.Identity(), CARD).chips(face)[0] - theirs).abs().mean((0, 2))
    assert off.mean() < 0.12
    assert off[-12:].mean() < 0.12, "the chin, below the template"


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
