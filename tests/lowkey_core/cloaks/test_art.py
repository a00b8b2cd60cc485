"""ART's attacks as cloaks, held to loops written by hand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.cloaking.art import SHOWN
from lowkey_core.cloaking.others import Others
from lowkey_core.cloaks import art, load
from lowkey_core.cloaks.noise import Noise
from lowkey_core.content import per_picture, quantise
from lowkey_core.errors import OptionError
from lowkey_core.types import Faces, Images, Pictures, faces_of
from tests.conftest import TinyNetwork, people

SURROGATES = (TinyNetwork(1), TinyNetwork(2))
EPS = 8 / 255


@pytest.fixture
def faces(pictures: Pictures) -> Faces:
    return faces_of(pictures)


def others() -> Faces:
    """Twelve other people, of two pictures each."""
    faces = faces_of(people(12, 2, seed=5))
    return replace(faces, identities=-1 - faces.identities)


def build(
    member: str, surrogates: tuple[TinyNetwork, ...] = SURROGATES, **options: float
) -> art.Art:
    return art.build(member, surrogates, Others(others), **options)  # type: ignore[arg-type]


def rng() -> Generator:
    return Generator().manual_seed(0)


def moved(faces: Faces, images: Images, network: TinyNetwork) -> float:
    return (network(faces.images) - network(images)).norm(dim=1).mean().item()


@pytest.mark.parametrize("member", art.MEMBERS)
def test_moves_every_surrogate_far_more_than_noise_of_its_energy(member: str, faces: Faces) -> None:
    cloak = build(member, steps=1 if member == "fgsm" else 8)
    cloaked, noisy = cloak(faces, rng()), Noise(cloak, 0)(faces, rng())
    for network in SURROGATES:
        assert moved(faces, cloaked, network) > 3 * moved(faces, noisy, network)


@pytest.mark.parametrize("member", art.MEMBERS)
def test_keeps_global_generators(member: str, faces: Faces) -> None:
    np.random.seed(7)
    before, torchs = np.random.get_state(), torch.random.get_rng_state()
    build(member, steps=1)(faces, rng())
    assert same(np.random.get_state(), before)
    assert torch.equal(torch.random.get_rng_state(), torchs)


@pytest.mark.parametrize("member", art.MEMBERS)
def test_keeps_global_generators_when_it_fails(member: str, faces: Faces) -> None:
    class Failing(TinyNetwork):
        def forward(self, images: Tensor) -> Tensor:
            if np.random.get_state()[1][0] != before[1][0] and torch.is_grad_enabled():
                raise ZeroDivisionError  # only inside, where another seed holds
            return super().forward(images)

    failing = Failing()
    np.random.seed(7)
    before, torchs = np.random.get_state(), torch.random.get_rng_state()
    cloak = build(member, (failing,), steps=1)
    with pytest.raises(ZeroDivisionError):
        cloak(faces, rng())
    assert same(np.random.get_state(), before)
    assert torch.equal(torch.random.get_rng_state(), torchs)


def same(one: tuple, other: tuple) -> bool:  # type: ignore[type-arg]
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def start(faces: Faces) -> Images:
    """Uniform in the budget, a generator for each picture."""
    draws = [torch.rand((3, 112, 112), generator=per_picture(rng(), d)) for d in faces.digests]
    return bounded(faces, faces.images + (2 * torch.stack(draws) - 1) * EPS)


def bounded(faces: Faces, images: Images) -> Images:
    low, high = (faces.images - EPS).clamp(0, 1), (faces.images + EPS).clamp(0, 1)
    return torch.minimum(torch.maximum(images, low), high)


def uphill(faces: Faces, images: Images) -> Tensor:
    """The gradient of the mean of 1 - cosine."""
    x = images.clone().requires_grad_()
    cosines = [F.cosine_similarity(f(x), f(faces.images)) for f in SURROGATES]
    (slope,) = torch.autograd.grad(-sum(cosines).sum(), x)  # type: ignore[union-attr]
    return slope


def test_fgsm_is_the_sign_of_the_gradient_beside_the_clean_picture(faces: Faces) -> None:
    slope = uphill(faces, start(faces))
    by_hand = bounded(faces, faces.images + EPS * slope.sign())
    sure = slope.abs() > 1e-4 * slope.abs().mean()
    assert sure.float().mean() > 0.9
    cloaked = build("fgsm")(faces, rng())
    assert torch.allclose(cloaked[sure], by_hand[sure], atol=1e-6)


@pytest.mark.parametrize(("member", "decay"), [("pgd", 0.0), ("mim", 1.0)])
def test_pgd_and_mim_are_a_loop_by_hand(member: str, decay: float, faces: Faces) -> None:
    images, momentum = start(faces), torch.zeros_like(faces.images)
    for _ in range(4):
        slope = uphill(faces, images)
        momentum = decay * momentum + slope / slope.abs().sum((1, 2, 3), keepdim=True)
        images = bounded(faces, images + 0.01 * momentum.sign())
    cloaked = build(member, step=0.01, steps=4)(faces, rng())
    close = (cloaked - images).abs() < 1e-6
    assert close.float().mean() > 0.999, "but where a gradient is all but zero"


def test_autopgd_leaves_nobody_recognised_as_themselves(faces: Faces) -> None:
    """By a gallery of the people and the made-up ones, whatever ART itself would return."""
    cloaked = build("autopgd", steps=8)(faces, rng())
    them = others().images
    for network in SURROGATES:
        own = (network(cloaked) * network(faces.images)).sum(1)
        assert (own < (network(cloaked) @ network(them).T).amax(1)).all()


def test_autopgd_gains_where_its_picture_is_still_recognised(faces: Faces) -> None:
    """ART returns bare noise there; the point of the largest loss is taken instead."""
    weak = build("autopgd", eps=1 / 255, steps=5)
    cloaked, noisy = weak(faces, rng()), Noise(weak, 0)(faces, rng())
    them = others().images
    for network in SURROGATES:
        own = (network(cloaked) * network(faces.images)).sum(1)
        assert (own > (network(cloaked) @ network(them).T).amax(1)).any(), "still recognised"
        assert moved(faces, cloaked, network) > 3 * moved(faces, noisy, network)


def test_feature_descends_to_a_far_guide_by_hand(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many guides as are shown, each picture's is the farthest of all."""
    monkeypatch.setattr(art, "PEOPLE", SHOWN)
    them = Others(others)
    chosen = [(them.faces.identities == who).nonzero()[0, 0] for who in them.people[:SHOWN]]
    pool = them.faces.images[torch.stack(chosen)]
    likeness = sum(f(faces.images) @ f(pool).T for f in SURROGATES)
    guide, images = pool[likeness.argmin(1)], faces.images  # type: ignore[union-attr]
    for _ in range(3):
        x = images.clone().requires_grad_()
        gap = sum((f(x) - f(guide)).pow(2).sum() for f in SURROGATES)
        (slope,) = torch.autograd.grad(gap, x)  # type: ignore[arg-type]
        images = bounded(faces, images - 0.005 * slope.sign())
    cloaked = build("feature", step=0.005, steps=3)(faces, rng())
    assert ((cloaked - images).abs() < 1e-6).float().mean() > 0.999


def test_a_guide_is_somebody_else(faces: Faces) -> None:
    """Also where the own person is among those who can be chosen: nobody moves to a twin."""
    two = people(3, 1)
    them = Others(lambda: faces_of(two))
    cloaked = art.build("feature", SURROGATES, them)(faces_of(two), rng())
    for row in range(3):
        own = [(f(cloaked[[row]]) @ f(two.faces()).T)[0] for f in SURROGATES]
        assert sum(own).argmax() != row  # type: ignore[union-attr]


def test_other_people_are_asked_for_by_those_who_aim_alone(faces: Faces) -> None:
    def never() -> Faces:
        raise AssertionError

    for member in ("fgsm", "pgd", "mim"):
        art.build(member, SURROGATES, Others(never), steps=1)(faces, rng())


def test_says_when_it_was_released_and_what_it_attacks() -> None:
    said = {m: build(m).about for m in art.MEMBERS}
    assert [str(said[m].released) for m in art.MEMBERS] == [
        "2014-12-20",
        "2017-06-19",
        "2017-10-17",
        "2020-03-03",
        "2015-11-16",
    ]
    assert "an identification head" in " ".join(said["autopgd"].notes)
    assert "20 other people" in " ".join(said["feature"].notes)


@pytest.mark.parametrize("member", art.MEMBERS)
def test_needs_surrogates_with_gradients(member: str) -> None:
    black = TinyNetwork(3)
    black.card = replace(black.card, black_box=True)
    with pytest.raises(OptionError, match="tiny3 is a black box"):
        build(member, (black,))
    with pytest.raises(OptionError, match=f"art:{member} has no surrogates"):
        build(member, ())


@pytest.mark.parametrize("option", ["eps=0", "eps=0.003", "eps=1.5", "step=0", "steps=-1"])
def test_options_have_limits(option: str) -> None:
    name, _, value = option.partition("=")
    with pytest.raises(OptionError, match=f"{name} of 'art:pgd:{option}' is '?{value}"):
        load(f"art:pgd:{option}", lambda: SURROGATES)


@pytest.mark.parametrize(("eps", "levels"), [(1 / 255, 1), (1.99 / 255, 1), (0.0314, 8)])
def test_a_part_of_a_grey_level_is_none(eps: float, levels: int, faces: Faces) -> None:
    change = quantise(build("fgsm", eps=eps)(faces, rng())) - faces.images
    assert change.mul(255).round().abs().max() == levels


def test_fgsm_has_one_step() -> None:
    with pytest.raises(OptionError, match="use art:pgd"):
        load("art:fgsm:steps=2", lambda: SURROGATES)


@pytest.mark.parametrize("member", art.MEMBERS)
def test_says_nothing_on_the_terminal(
    member: str, faces: Faces, capfd: pytest.CaptureFixture[str]
) -> None:
    build(member, steps=1)(faces, rng())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "does",
    [
        "from lowkey_core.cloaks import CLOAKS, load; CLOAKS.available(); load('none', tuple)",
        "from tests.conftest import TinyNetwork, people; from lowkey_core.cloaks import load; "
        "load('art:pgd', lambda: [TinyNetwork()])",
    ],
)
def test_art_is_not_imported_before_it_runs(does: str) -> None:
    """It takes seconds, which neither --help nor another cloak should cost."""
    code = f"{does}; import sys; sys.exit('art' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
