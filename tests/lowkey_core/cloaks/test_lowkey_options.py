"""LowKey's options: a smaller attack, no smoothed views, and when to stop."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from lowkey_core.cloaking import lowkey
from lowkey_core.cloaking.loop import EVERY
from lowkey_core.cloaks import load
from lowkey_core.cloaks.lowkey import SCHEDULES, LowKey, Schedule
from lowkey_core.errors import OptionError
from lowkey_core.faces.visibility import dssim, l2, smooth
from lowkey_core.types import Faces, Images
from tests.conftest import TinyNetwork

SURROGATES = (TinyNetwork(1), TinyNetwork(2))


def built(name: str) -> LowKey:
    made = load(name, lambda: SURROGATES)
    assert isinstance(made, LowKey)
    return made


def cloaked(faces: Faces, name: str) -> Images:
    return built(name)(faces, Generator().manual_seed(0))


def test_small_is_the_default_with_half_its_step(faces: Faces) -> None:
    assert replace(SCHEDULES["small"], step_size=SCHEDULES[""].step_size) == SCHEDULES[""]
    assert SCHEDULES["small"].step_size == SCHEDULES[""].step_size / 2
    some = faces.select(torch.arange(4))
    small, usual = (cloaked(some, name) for name in ("lowkey:small", "lowkey"))
    for measure in (l2, dssim):
        assert (measure(some.images, small) < measure(some.images, usual)).all()


def overridden(name: str) -> Schedule:
    return built(name).schedule


def test_options_override_the_schedule_of_the_variant() -> None:
    small = overridden("lowkey:small:until=0.5:smoothing=false")
    assert small == replace(SCHEDULES["small"], until=0.5, smoothing=False)
    assert overridden("lowkey:published:smoothing=true") == SCHEDULES["published"]
    assert overridden("lowkey:small:step_size=0.005") == SCHEDULES[""]


@pytest.mark.parametrize("member", ["", "small", "published", "released"])
def test_without_smoothing_nothing_is_smoothed(
    member: str, faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(*args: Any, **options: Any) -> Tensor:
        calls.append(1)
        return smooth(*args, **options)

    monkeypatch.setattr(lowkey, "smooth", counted)
    one, name = faces.select(torch.arange(1)), ":".join(["lowkey", *member.split()])
    cloaked(one, f"{name}:steps=4")
    assert len(calls) == (2 if SCHEDULES[member].in_turn else 4)
    calls.clear()
    plain = cloaked(one, f"{name}:steps=4:smoothing=false")
    assert not calls
    assert (plain - one.images).abs().max() > 1 / 255


class Counting(TinyNetwork):
    """Counts the pictures that it looks at while gradients are taken: one a step."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seen: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        if images.requires_grad:
            self.seen.append(len(images))
        return super().forward(images)


def counted(faces: Faces, until: float | None) -> tuple[list[int], Images]:
    """How many pictures took each step, and what became of them."""
    network = Counting(1)
    schedule = replace(SCHEDULES[""], until=until)
    return network.seen, LowKey((network,), schedule)(faces, Generator().manual_seed(0))


def test_it_stops_early_where_that_is_asked_for(faces: Faces) -> None:
    """The sooner, the more likeness may be left; a picture that goes on is not held up."""
    some = faces.select(torch.arange(0, 12, 2))
    steps, change = {}, {}
    for until in (0.99, 0.95, None):
        seen, images = counted(some, until)
        steps[until], change[until] = sum(seen), l2(some.images, images).mean()
        assert seen == sorted(seen, reverse=True)
        if until is not None:
            left = (TinyNetwork(1)(images) * TinyNetwork(1)(some.images)).sum(1)
            stopped = len(some) - (seen[-1] if len(seen) == 25 else 0)
            assert (left <= until).sum() >= stopped > 0
    assert steps[0.99] < steps[0.95] < steps[None] == 25 * len(some)
    assert change[0.99] < change[0.95] < change[None]


def test_it_is_asked_at_the_start_and_every_few_steps(faces: Faces) -> None:
    one = faces.select(torch.arange(1))
    seen, _ = counted(one, 0.99)
    assert len(seen) % EVERY == 0
    assert len(seen) < 25
    nowhere, _ = counted(one, -1.0)
    assert nowhere == [1] * 25


def test_a_picture_that_stopped_is_what_it_was_then(faces: Faces) -> None:
    one = faces.select(torch.arange(1))
    seen, images = counted(one, 0.99)
    schedule = replace(SCHEDULES[""], steps=len(seen))
    short = LowKey((TinyNetwork(1),), schedule)(one, Generator().manual_seed(0))
    assert torch.equal(images, short)


@pytest.mark.parametrize("option", ["until=1", "until=-1.5", "smoothing=much"])
def test_the_new_options_have_limits(option: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(OptionError, match=option.split("=")[0]):
        load(f"lowkey:{option}", lambda: SURROGATES)
