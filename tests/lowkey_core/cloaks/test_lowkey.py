"""The cloak's method: it moves embeddings, within its budget, at its price."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Generator

from lowkey_core.cloaks import load
from lowkey_core.cloaks.lowkey import _METRICS, SCHEDULES, LowKey, build
from lowkey_core.cloaks.noise import Noise
from lowkey_core.content import quantise
from lowkey_core.errors import MissingWeightsError, OptionError
from lowkey_core.faces.st_lpips import StLpips
from lowkey_core.faces.visibility import dssim, l2, smooth
from lowkey_core.publish.published import Published
from lowkey_core.types import Faces, Images, faces_of
from lowkey_core.weights import ASSETS_VARIABLE
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people
from tests.lowkey_core.faces.learned import seeded

SURROGATES = (TinyNetwork(1), TinyNetwork(2))


@pytest.fixture
def faces() -> Faces:
    """Few: the variants are run with all their steps."""
    return faces_of(people(2, 2))


def cloak(faces: Faces, member: str = "", **changes: float) -> Images:
    schedule = replace(SCHEDULES[member], **changes)
    return LowKey(SURROGATES, schedule)(faces, Generator().manual_seed(0))


def moved(faces: Faces, images: Images, network: TinyNetwork) -> float:
    return (network(faces.images) - network(images)).norm(dim=1).mean().item()


@pytest.mark.parametrize("member", SCHEDULES)
@pytest.mark.parametrize("network", SURROGATES)
def test_moves_every_surrogate_far_more_than_noise_of_its_energy(
    member: str, network: TinyNetwork, faces: Faces
) -> None:
    cloaked = cloak(faces, member)
    noisy = Noise(LowKey(SURROGATES, SCHEDULES[member]), 0)(faces, Generator().manual_seed(0))
    assert moved(faces, cloaked, network) > 3 * moved(faces, noisy, network)


@pytest.mark.parametrize("member", SCHEDULES)
def test_a_pixel_moves_at_most_start_plus_steps(member: str, faces: Faces) -> None:
    s = SCHEDULES[member]
    change = (cloak(faces, member) - faces.images).abs().max().item()
    assert 0.03 < change <= s.start + s.steps * s.step_size + 1e-6


def test_a_higher_price_is_less_visible(faces: Faces) -> None:
    visible = [dssim(faces.images, cloak(faces, ssim_price=p)).mean().item() for p in (0, 10, 100)]
    assert visible == sorted(visible, reverse=True)
    assert visible[0] > visible[2]


def test_released_clamps_late_and_prices_the_first_picture_only(faces: Faces) -> None:
    """Its two defects make the others of a batch more visible than published does."""
    published, released = (cloak(faces, m) for m in ("published", "released"))
    others = slice(1, None)
    worse = dssim(faces.images, released)[others] > dssim(faces.images, published)[others]
    assert worse.float().mean() > 0.8


def test_smoothing_and_mirroring_do_not_undo_it(faces: Faces) -> None:
    cloaked = cloak(faces)
    network = SURROGATES[0]
    plain = moved(faces, cloaked, network)
    smoothed = (network(faces.images) - network(smooth(cloaked, 7, 3.0))).norm(dim=1).mean()
    mirrored = network(faces.images.flip(-1)) - network(cloaked.flip(-1))
    assert smoothed > 0.5 * plain
    assert mirrored.norm(dim=1).mean() > 0.3 * plain


def test_noise_has_the_energy_of_the_cloak_it_controls(faces: Faces) -> None:
    like = LowKey(SURROGATES, SCHEDULES[""])
    rng = Generator().manual_seed(0)
    cloaked, noisy = quantise(like(faces, rng)), Noise(like, 0)(faces, rng)
    ratio = l2(noisy, faces.images) / l2(cloaked, faces.images)
    assert torch.allclose(ratio, torch.ones(len(faces)), atol=0.01)


def test_what_is_published_is_eight_bits_and_batches_do_not_matter_much(faces: Faces) -> None:
    like = LowKey(SURROGATES, SCHEDULES[""])
    one, all_at_once = (
        Published(like, Work(), name="", batch=b)(faces, Generator().manual_seed(0))
        for b in (1, 12)
    )
    assert torch.equal(one, quantise(one))
    assert (one - all_at_once).abs().mean() < 1e-3


def said(cloak: LowKey) -> str:
    return " ".join(cloak.about.notes)


def test_says_when_lpips_is_missing_and_what_released_means() -> None:
    assert "LPIPS is missing" in said(build("", SURROGATES))
    assert "priced with SSIM instead" in said(build("", SURROGATES))
    assert "void" in said(build("released", SURROGATES))


def test_says_what_priced_it_where_the_plan_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_METRICS, "st-lpips", seeded)
    for price, metric in (("ssim", type(None)), ("st-lpips", StLpips)):
        chosen = build("", SURROGATES, price=price)  # type: ignore[arg-type]
        assert isinstance(chosen.metric, metric)
        assert (
            said(chosen) == f"the cloak was priced with {price.upper()}: the paper's price is LPIPS"
        )


@pytest.mark.parametrize("metric", ["lpips:alexnet", "st-lpips:alexnet"])
def test_a_metric_that_is_named_and_absent_is_an_error(
    metric: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASSETS_VARIABLE, str(tmp_path))
    with pytest.raises(MissingWeightsError, match=f"models fetch {metric}"):
        load(f"lowkey:price={metric.partition(':')[0]}", lambda: SURROGATES)


def test_a_metric_is_named_or_left_to_what_is_there() -> None:
    with pytest.raises(OptionError, match="price of 'lowkey:price=psnr'"):
        load("lowkey:price=psnr", lambda: SURROGATES)


def test_a_learned_metric_prices_what_it_sees(faces: Faces) -> None:
    metric, one = seeded(), faces.select(torch.tensor([0]))
    seen = []
    for price in (0.0, 1000.0):
        schedule = replace(SCHEDULES[""], steps=6, st_lpips_price=price)
        cloaked = LowKey(SURROGATES, schedule, metric)(one, Generator().manual_seed(0))
        seen.append(metric(one.images, cloaked).item())
    assert seen[1] < seen[0]


def test_needs_surrogates_with_gradients() -> None:
    black = TinyNetwork(3)
    black.card = replace(black.card, black_box=True)
    with pytest.raises(OptionError, match="tiny3 is a black box"):
        build("", (black,))
    with pytest.raises(OptionError, match="no surrogates"):
        build("", ())


@pytest.mark.parametrize("option", ["steps=-1", "steps=2.5", "step_size=-1", "ssim_price=much"])
def test_options_have_limits(option: str) -> None:
    name, _, value = option.partition("=")
    with pytest.raises(OptionError, match=f"{name} of 'lowkey:{option}' is '?{value}"):
        load(f"lowkey:{option}", lambda: SURROGATES)
