"""Our port of dlib's network gives dlib's descriptors."""

from __future__ import annotations

import dlib
import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from lowkey_core import recognisers, weights
from lowkey_core.cloaks.lowkey import build
from lowkey_core.cloaks.noise import Noise
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.faces.alignment import similarity, warp
from lowkey_core.faces.detection import aligned, landmarks
from lowkey_core.faces.paste import retouched
from lowkey_core.photos.images import to_pixels
from lowkey_core.recognisers.dlib import CARD, CHIP, CHIP_SIZE, DlibResNet
from lowkey_core.types import Pictures, quantise


@pytest.fixture(scope="module")
def ours() -> DlibResNet:
    network = recognisers.load("dlib")
    assert isinstance(network, DlibResNet)
    return network


@pytest.fixture(scope="module")
def theirs() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(weights.locate(CARD)))


def compare(ours: DlibResNet, theirs: dlib.face_recognition_model_v1, faces: Tensor) -> float:
    """Largest absolute difference between the descriptors of 8-bit chips."""
    chips = quantise(warp(faces, torch.tensor(CHIP)[None], CHIP_SIZE))
    pixels = (chips * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    expected = np.stack([np.array(theirs.compute_face_descriptor(p)) for p in pixels])
    return float(np.abs(ours.describe(chips).numpy() - expected).max())


def test_agrees_with_dlib_on_noise(
    ours: DlibResNet, theirs: dlib.face_recognition_model_v1
) -> None:
    assert compare(ours, theirs, torch.rand(3, 3, 112, 112)) < 1e-4


@pytest.mark.faces
def test_agrees_with_dlib_on_real_faces(
    ours: DlibResNet, theirs: dlib.face_recognition_model_v1, faces: Pictures
) -> None:
    assert compare(ours, theirs, faces.images) < 1e-4


@pytest.mark.faces
def test_tells_real_people_apart(ours: DlibResNet, faces: Pictures) -> None:
    embedding = ours(faces.images)
    similar = embedding @ embedding.T
    same = faces.identities[:, None] == faces.identities
    assert similar[same].min() > similar[~same].max() - 0.02


def test_a_malformed_file_is_refused() -> None:
    content = weights.read(CARD)
    for broken in (content[:1000], content[: len(content) // 2], b""):
        with pytest.raises(TamperedWeightsError, match="dlib's model file"):
            DlibResNet().load(broken)


def test_the_astronaut_is_found_aligned_embedded_and_cloaked(
    ours: DlibResNet, astronaut: Tensor
) -> None:
    """One real photograph; all networks come from installed packages."""
    (points,) = landmarks(to_pixels(astronaut))
    pixels, frame = to_pixels(astronaut), similarity(points)
    face = Pictures(aligned(pixels, frame), torch.zeros(1).long(), ("astronaut",))
    cloak, rng = build("", (ours,), steps=4), Generator().manual_seed(0)
    made = (cloak(face, rng), Noise(cloak, 0)(face, rng))
    cloaked, noisy = (retouched(pixels, frame[None], x - face.images) for x in made)
    change = np.abs(cloaked.astype(int) - pixels).max(2)
    assert change[:300, 150:300].max() > 2
    clean, after, control = (ours(aligned(x, frame)) for x in (pixels, cloaked, noisy))
    assert (clean - after).norm() > 3 * (clean - control).norm()
    (again,) = landmarks(cloaked)
    assert torch.allclose(again, points, atol=3), "the detector still finds the face"
