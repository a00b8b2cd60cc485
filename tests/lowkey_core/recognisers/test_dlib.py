"""Our port of dlib's network gives dlib's descriptors."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence

import dlib
import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from lowkey_core import datasets, recognisers, weights
from lowkey_core.cloaks.lowkey import build
from lowkey_core.cloaks.noise import Noise
from lowkey_core.content import quantise
from lowkey_core.errors import TamperedWeightsError
from lowkey_core.faces.detection import cut, detect
from lowkey_core.faces.paste import retouched
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.recognisers.dlib import CARD, CHIP, DlibResNet
from lowkey_core.types import ARCFACE, Faces, Pictures, Pixels


@pytest.fixture(scope="module")
def ours() -> DlibResNet:
    network = recognisers.load("dlib")
    assert isinstance(network, DlibResNet)
    return network


@pytest.fixture(scope="module")
def theirs() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(weights.locate(CARD)))


def compare(ours: DlibResNet, theirs: dlib.face_recognition_model_v1, chips: Tensor) -> float:
    """Largest absolute difference between the descriptors of 8-bit chips."""
    pixels = (chips * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
    expected = np.stack([np.array(theirs.compute_face_descriptor(p)) for p in pixels])
    return float(np.abs(ours.describe(chips).numpy() - expected).max())


def test_agrees_with_dlib_on_noise(
    ours: DlibResNet, theirs: dlib.face_recognition_model_v1
) -> None:
    assert compare(ours, theirs, quantise(torch.rand(3, 3, 150, 150))) < 1e-4


@pytest.mark.faces
def test_agrees_with_dlib_on_real_faces(
    ours: DlibResNet, theirs: dlib.face_recognition_model_v1, faces: Pictures
) -> None:
    assert compare(ours, theirs, faces.faces(CHIP)) < 1e-4


@pytest.mark.faces
def test_tells_real_people_apart(ours: DlibResNet, faces: Pictures) -> None:
    embedding = ours(faces.faces(CHIP))
    similar = embedding @ embedding.T
    same = faces.identities[:, None] == faces.identities
    assert similar[same].min() > similar[~same].max() - 0.02


MEAN_SHAPE = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
"""dlib's own five points (corners of the eyes, below the nose) in the unit square."""


@pytest.fixture(scope="module")
def five_points() -> dlib.shape_predictor:
    """The landmarks that dlib aligns by; ours are other ones."""
    files = importlib.metadata.files("face_recognition_models") or []
    (file,) = (f for f in files if f.name == "shape_predictor_5_face_landmarks.dat")
    return dlib.shape_predictor(str(file.locate()))


def to_chip(points: Sequence[tuple[float, float]]) -> Tensor:
    """(2, 3), photo to chip pixels, as dlib has it: the similarity from the mean shape to the
    landmarks, where the chip's 150 pixels span from 0 to 150, both ends included."""
    mean = [complex(*((0.25 + v) / 1.5 * 150 for v in point)) for point in MEAN_SHAPE]
    there = [complex(*point) for point in points]
    turn, shift = np.linalg.lstsq(np.stack([mean, np.ones(5)], 1), np.array(there), rcond=None)[0]
    to_photo = np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag], [0, 0, 1]]
    )
    span = np.diag([150 / 149, 150 / 149, 1])
    return torch.from_numpy(np.linalg.inv(to_photo @ span)[:2]).float()


def alike(pixels: Pixels, five_points: dlib.shape_predictor, ours: DlibResNet) -> float | None:
    """Cosine of our chip's embedding and of dlib's, both aligned by dlib's landmarks; None where
    dlib sees no face."""
    boxes = dlib.get_frontal_face_detector()(pixels)
    if not boxes:
        return None
    shape = five_points(pixels, boxes[0])
    own = cut(pixels, to_chip([(p.x, p.y) for p in shape.parts()]), 150)
    theirs = torch.from_numpy(dlib.get_face_chip(pixels, shape, size=150, padding=0.25))
    both = torch.stack([own, theirs.permute(2, 0, 1)]).float() / 255
    one, other = ours(both)
    return float(one @ other)


def test_cuts_chips_as_dlib_does(
    ours: DlibResNet, five_points: dlib.shape_predictor, astronaut: Tensor
) -> None:
    found = alike(to_pixels(astronaut), five_points, ours)
    assert found is not None
    assert found >= 0.999


@pytest.mark.faces
def test_cuts_chips_as_dlib_does_on_photos_of_many_people(
    ours: DlibResNet, five_points: dlib.shape_predictor
) -> None:
    photos = [mine[0] for mine in datasets.load("lfw").by_identity.values()][:20]
    found = [alike(decode_pixels(p.read()), five_points, ours) for p in photos]
    seen = [cosine for cosine in found if cosine is not None]
    assert len(seen) >= 18
    assert min(seen) >= 0.999


def test_a_malformed_file_is_refused() -> None:
    content = weights.read(CARD)
    for broken in (content[:1000], content[: len(content) // 2], b""):
        with pytest.raises(TamperedWeightsError, match="dlib's model file"):
            DlibResNet().load(broken)


def test_the_astronaut_is_found_aligned_embedded_and_cloaked(
    ours: DlibResNet, astronaut: Tensor
) -> None:
    """One real photograph; all networks come from installed packages."""
    pixels = to_pixels(astronaut)
    (frame,) = detect(pixels)
    warp = frame.to(ARCFACE)
    face = Faces(cut(pixels, warp)[None] / 255, torch.zeros(1).long(), ("astronaut",))
    cloak, rng = build("", (ours,), steps=4), Generator().manual_seed(0)
    made = (cloak(face, rng), Noise(cloak, 0)(face, rng))
    cloaked, noisy = (retouched(pixels, warp[None], x - face.images) for x in made)
    change = np.abs(cloaked.astype(int) - pixels).max(2)
    assert change[:300, 150:300].max() > 2
    chips = torch.stack([cut(x, frame.to(CHIP), 150) for x in (pixels, cloaked, noisy)])
    clean, after, control = ours(chips / 255)
    assert (clean - after).norm() > 3 * (clean - control).norm()
    (again,) = detect(cloaked)
    assert torch.allclose(again.landmarks, frame.landmarks, atol=3), (
        "the detector still finds the face"
    )
