"""Fawkes: its modes, its limits, whom it aims at. What its steps come to: test_fawkes_golden.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.cloaking.fawkes import kappa
from lowkey_core.cloaking.others import Others
from lowkey_core.cloaks import load
from lowkey_core.cloaks.fawkes import Fawkes, _goals
from lowkey_core.content import quantise
from lowkey_core.errors import DatasetError, OptionError
from lowkey_core.faces.visibility import dssim
from lowkey_core.networks.flip import AtArcFace
from lowkey_core.types import Faces, Images, faces_of
from tests.conftest import TinyNetwork, people

SURROGATES = (TinyNetwork(1), TinyNetwork(2))


@pytest.fixture
def faces() -> Faces:
    return faces_of(people(2, 2))


def others() -> Faces:
    """Pictures of two people, numbered 12 and 13."""
    them = faces_of(people(4, 2).of([2, 3]))
    return Faces(them.images, them.identities + 10, them.names)


def fawkes(spec: str, background: Callable[[], Faces] | None = others) -> Fawkes:
    cloak = load(f"fawkes:{spec}", lambda: SURROGATES, others=background)
    assert isinstance(cloak, Fawkes)
    return cloak


def cloak(faces: Faces, spec: str, background: Callable[[], Faces] | None = others) -> Images:
    return fawkes(spec, background)(faces, Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("spec", "threshold", "steps", "rate"),
    [
        ("v1.0:mode=low", 0.004, 40, 25),
        ("v1.0:mode=mid", 0.012, 75, 20),
        ("v1.0:mode=high", 0.017, 150, 15),
        ("v1.0", 0.017, 150, 15),
        ("v0.3:mode=min", 0.002, 20, 40),
        ("v0.3:mode=low", 0.003, 50, 35),
        ("v0.3:mode=mid", 0.005, 200, 20),
        ("v0.3:mode=high", 0.008, 500, 10),
        ("v0.3:mode=ultra", 0.01, 1000, 8),
        ("v0.3", 0.002, 20, 40),
        ("v1.0:mode=mid:steps=7:threshold=0.1", 0.1, 7, 20),
    ],
)
def test_a_mode_is_a_threshold_a_number_of_steps_and_a_rate(
    spec: str, threshold: float, steps: int, rate: float
) -> None:
    s = fawkes(spec).settings
    assert (s.threshold, s.steps, s.rate) == (threshold, steps, rate)


@pytest.mark.parametrize(
    ("spec", "modes"),
    [("v1.0:mode=ultra", "low, mid, high"), ("v0.3:mode=huge", "min, low, mid, high, ultra")],
)
def test_a_version_has_no_other_modes_than_its_own(spec: str, modes: str) -> None:
    with pytest.raises(OptionError) as error:
        fawkes(spec)
    assert all(mode in str(error.value) for mode in modes.split(", "))


def test_low_of_v1_uses_one_surrogate_and_the_others_all(faces: Faces) -> None:
    assert fawkes("v1.0:mode=low").about.against == SURROGATES[:1]
    for spec in ("v1.0:mode=mid", "v1.0:mode=high", "v0.3:mode=low"):
        assert fawkes(spec).about.against == SURROGATES


def test_no_steps_change_nothing(faces: Faces) -> None:
    for version in ("v1.0", "v0.3"):
        assert torch.equal(cloak(faces, f"{version}:steps=0"), faces.images)


def test_v1_changes_no_pixel_by_more_than_15_levels(faces: Faces) -> None:
    cloaked = quantise(cloak(faces, "v1.0:steps=20:threshold=0.5"))
    assert (cloaked - faces.images).abs().mul(255).round().max() == 15


@pytest.mark.parametrize("mode", ["low", "mid", "high"])
def test_v1_moves_away_as_far_as_its_threshold_lets_it(mode: str, faces: Faces) -> None:
    used = fawkes(f"v1.0:mode={mode}")
    cloaked = quantise(cloak(faces, f"v1.0:mode={mode}:steps=20"))
    seen, th = dssim(faces.images, cloaked), used.settings.threshold
    assert (seen <= 1.1 * th).all()
    assert (seen > 0.25 * th).all()
    for network in used.surrogates:
        assert (network(faces.images) - network(cloaked)).norm(dim=1).min() > 0.3


def goals(faces: Faces) -> list[Tensor]:
    """The targets' embeddings, of each surrogate: (n, d)."""
    embed = [AtArcFace(network) for network in SURROGATES]
    return _goals(faces, embed, Others(others), Generator().manual_seed(0))


def test_v03_moves_pictures_nearer_to_their_targets(faces: Faces) -> None:
    def left(images: Images) -> Tensor:
        pairs = zip(SURROGATES, goals(faces), strict=True)
        each = [(f(images) - goal).norm(dim=1) / goal.norm(dim=1) for f, goal in pairs]
        return torch.stack(each).sum(0)

    assert (left(cloak(faces, "v0.3:steps=9")) < 0.9 * left(faces.images)).all()


def test_all_pictures_of_a_person_get_one_target(faces: Faces) -> None:
    """f(x) + 2 * (centre of one of the others - the own centre), one for all surrogates."""
    aims = []
    for f, goal in zip(SURROGATES, goals(faces), strict=True):
        own, them = f(faces.images), f(others().images)
        centres = them.unflatten(0, (2, 2)).mean(1)
        at = (goal - own) / 2 + own.unflatten(0, (2, 2)).mean(1).repeat_interleave(2, 0)
        away = torch.cdist(at, centres)
        assert (away.amin(1) < 1e-4).all()
        aims.append(away.argmin(1).tolist())
    assert aims[0] == aims[1]
    assert aims[0][::2] == aims[0][1::2]


@pytest.mark.parametrize("known", [[], [12]])
def test_v03_needs_two_other_people(known: list[int], faces: Faces) -> None:
    def few() -> Faces:
        return others().select(torch.isin(others().identities, torch.tensor(known)).nonzero()[:, 0])

    with pytest.raises(DatasetError, match="expected at least 2") as error:
        cloak(faces, "v0.3", few)
    assert "raise background" in str(error.value)


@pytest.mark.parametrize(
    ("now", "moved", "seen", "then"),
    [
        (1, 0, 0.2, (2, 1)),  # below 0.9 of the threshold: doubled
        (4, 1, 0.9, (8, 1)),
        (129, 1, 0.2, (258, 1)),
        (130, 1, 0.2, (1, 0)),  # but not for ever
        (0.5, -1, 0.2, (1, 1)),  # nor right after it was halved
        (4, 0, 1.1, (2, -1)),  # above 1.1: halved
        (0.5, -1, 3, (0.25, -1)),
        (1 / 128, -1, 3, (1 / 256, -1)),
        (1 / 256, -1, 3, (1, 0)),
        (4, 1, 3, (1, -1)),
        (8, 1, 1, (1, 0)),  # between: 1
        (0.25, -1, 0.95, (1, 0)),
    ],
)
def test_kappa_follows_what_is_seen(
    now: float, moved: float, seen: float, then: tuple[float, float]
) -> None:
    th = 0.01
    after = kappa(*(torch.tensor([v]) for v in (now, moved, seen * th)), th)
    assert tuple(float(part) for part in after) == then


def test_released_paste_back_stretches_the_change_of_a_flat_face(faces: Faces) -> None:
    flat = quantise((100 + 40 * faces.images) / 255)
    assert (flat.amin(), flat.amax()) == (100 / 255, 140 / 255)
    face = Faces(flat, faces.identities, faces.names)
    exact, released = (
        cloak(face, f"v1.0:mode=low:steps=9{how}") - flat for how in ("", ":paste_back=released")
    )
    assert exact.abs().amax() <= 15 / 255 + 1e-6
    assert released.abs().amax() > 30 / 255
    whole = [p.sub(p.min()).div(p.max() - p.min()) for p in (*(flat + exact), *flat)]
    expected = torch.stack(whole[:4]) - torch.stack(whole[4:])
    assert torch.allclose((flat + released), (flat + expected).clamp(0, 1), atol=1e-5)


def test_only_v1_has_a_released_paste_back() -> None:
    with pytest.raises(OptionError, match=r"v1\.0, whose defect that is"):
        fawkes("v0.3:paste_back=released")
