"""A cloak of ours in ART's own pipelines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from art.attacks.attack import EvasionAttack
from art.defences.trainer import AdversarialTrainer
from art.estimators.classification import PyTorchClassifier
from art.utils import compute_accuracy
from torch import Generator, nn

from lowkey_core.cloaks import Cloak, CloakAbout, load
from lowkey_core.errors import ImageRangeError, ImageShapeError, OptionError
from lowkey_core.networks import art
from lowkey_core.publish.evasion import CloakAttack
from lowkey_core.publish.published import Published
from lowkey_core.types import Faces, Images, Pictures, faces_of
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork

NETWORK = TinyNetwork(1)


@pytest.fixture
def faces(pictures: Pictures) -> Faces:
    return faces_of(pictures)


@pytest.fixture
def lowkey() -> Cloak:
    return load("lowkey", lambda: [NETWORK])  # type: ignore[return-value]


def classifier(faces: Faces) -> PyTorchClassifier:
    """Who of four people is it? Learned from clean pictures, on the embedding of a recogniser."""
    torch.manual_seed(0)
    head = nn.Linear(32, 4)
    model = nn.Sequential(TinyNetwork(1), head)
    learned = PyTorchClassifier(
        model=model,
        loss=nn.CrossEntropyLoss(),
        optimizer=torch.optim.Adam(head.parameters(), lr=0.05),
        input_shape=(3, 112, 112),
        nb_classes=4,
        clip_values=(0, 1),
        device_type="cpu",
    )
    learned.fit(faces.images.numpy(), one_hot(faces), batch_size=12, nb_epochs=60)
    return learned


def one_hot(faces: Faces) -> np.ndarray:  # type: ignore[type-arg]
    return np.eye(4, dtype=np.float32)[faces.identities.numpy()]


def accuracy(learned: PyTorchClassifier, x: np.ndarray, faces: Faces) -> float:  # type: ignore[type-arg]
    found, _ = compute_accuracy(learned.predict(x), one_hot(faces))
    return float(found)


def test_art_s_adversarial_trainer_learns_to_see_through_a_cloak(
    faces: Faces,
) -> None:
    learned, attack = classifier(faces), CloakAttack(load("art:pgd:steps=10", lambda: [NETWORK]))
    x = faces.images.numpy()
    cloaked = attack.generate(x, y=one_hot(faces))
    assert accuracy(learned, x, faces) == 1
    before = accuracy(learned, cloaked, faces)
    assert before < 0.6
    np.random.seed(0)
    AdversarialTrainer(learned, attack, ratio=0.5).fit(
        x, one_hot(faces), batch_size=12, nb_epochs=60
    )
    assert accuracy(learned, cloaked, faces) > before + 0.3


def test_gives_what_would_be_published(faces: Faces, lowkey: Cloak) -> None:
    published = Published(lowkey, Work(), name="", batch=5)(faces, Generator().manual_seed(3))
    attack = CloakAttack(lowkey, art.regressor([NETWORK]), seed=3, batch_size=5)
    given = attack.generate(faces.images.numpy().astype(np.float64), faces.identities.numpy())
    assert isinstance(attack, EvasionAttack)
    assert given.dtype == np.float32
    assert np.array_equal(given, published.numpy())


def test_has_parameters_as_attacks_of_art_have(faces: Faces) -> None:
    attack = CloakAttack(load("noise", tuple))
    x = faces.images.numpy()
    first = attack.generate(x)
    attack.set_params(seed=1, batch_size=2)
    assert not np.array_equal(first, attack.generate(x))
    attack.set_params(seed=0)
    assert np.array_equal(first, attack.generate(x)), "noise does not depend on its batch"
    assert "batch_size=2" in repr(attack)
    assert not attack.targeted
    with pytest.raises(ValueError, match="eps"):
        attack.set_params(eps=0.1)


@pytest.mark.parametrize(
    "as_labels",
    [
        lambda who: who.numpy(),
        lambda who: who.unsqueeze(1).numpy(),
        lambda who: np.eye(4)[who.numpy()],
    ],
)
def test_a_cloak_is_told_who_they_are(faces: Faces, as_labels: Callable) -> None:  # type: ignore[type-arg]
    class WholePeople:
        about = CloakAbout(unit="identity")

        def __init__(self) -> None:
            self.seen: list[list[int]] = []

        def __call__(self, faces: Faces, rng: Generator, /) -> Images:
            self.seen.append(faces.identities.tolist())
            return faces.images

    cloak, x = WholePeople(), faces.images.numpy()
    CloakAttack(cloak, batch_size=3).generate(x, as_labels(faces.identities))
    assert cloak.seen == [[who] * 3 for who in range(4)]
    cloak.seen.clear()
    CloakAttack(cloak).generate(x)
    assert cloak.seen == [list(range(12))]


def test_refuses_what_it_cannot_cloak(faces: Faces) -> None:
    attack, x = CloakAttack(load("noise", tuple)), faces.images.numpy()
    with pytest.raises(ImageRangeError):
        attack.generate(255 * x)
    with pytest.raises(ImageShapeError):
        attack.generate(x.transpose(0, 2, 3, 1))
    with pytest.raises(ImageShapeError, match="align the faces"):
        attack.generate(x[:, :, :96, :96])
    with pytest.raises(OptionError, match="mask"):
        attack.generate(x, mask=np.ones_like(x))
    with pytest.raises(OptionError, match=r"y has shape \(3,\)"):
        attack.generate(x, np.arange(3))


def test_refuses_a_cloak_of_whole_photos(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.png").touch()
    with pytest.raises(OptionError, match="cloaks whole photos"):
        CloakAttack(load(f"folder:{tmp_path}", tuple))
