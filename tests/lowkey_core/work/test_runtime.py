"""Process-wide settings, each in a process of its own, and memory that is given back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from lowkey_core.work import runtime
from lowkey_core.work.runtime import give_back

FINDS_A_FACE = """
import sys
import torch
from lowkey_core.work import runtime

runtime.tune()
from skimage import data
from lowkey_core.faces.detection import detect

assert len(detect(data.astronaut())) == 1
print("torch._dynamo" in sys.modules)
from torchvision.ops import roi_align

box, ones = torch.tensor([[0, 0, 0, 4, 4.0]]), torch.ones(1, 1, 8, 8, requires_grad=True)
print(float(roi_align(ones, box, 2).sum()))
"""
CARRIES_A_CHANGE_BACK = """
import sys
import numpy as np
import torch
from lowkey_core.faces.paste import retouched

photo, warp = np.zeros((200, 200, 3), np.uint8), torch.tensor([[1.0, 0, -40], [0, 1.0, -40]])
assert retouched(photo, warp[None], torch.ones(1, 3, 112, 112) / 4).any()
print("sympy" in sys.modules)
"""
FREES = """
from lowkey_core.work import runtime

runtime.tune()
large = [bytearray(10_000_000) for _ in range(20)]
small = [bytearray(1_000) for _ in range(20)]
del large
before = runtime.resident()
runtime.trim()
print(before - runtime.resident() > 100_000_000)
"""


def said(program: str) -> list[str]:
    return subprocess.check_output([sys.executable, "-c", program], text=True).split()


def test_torchs_compiler_is_opened_by_what_asks_for_it_and_not_by_finding_faces() -> None:
    assert said(FINDS_A_FACE) == ["False", "4.0"]


def test_a_change_is_carried_back_without_sympy() -> None:
    """It takes longer to open than a photo to protect."""
    assert said(CARRIES_A_CHANGE_BACK) == ["False"]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back")
def test_memory_that_was_freed_can_be_given_back() -> None:
    assert said(FREES) == ["True"]


def test_where_nobody_knows_what_it_holds_memory_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trims = list[bool]()
    monkeypatch.setattr(runtime, "_given", runtime._Given())
    monkeypatch.setattr(runtime, "resident", lambda: 0)
    monkeypatch.setattr(runtime, "trim", lambda: trims.append(True))
    give_back(0)
    give_back(3600)
    assert trims == [True]


def test_memory_is_given_back_where_the_process_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is kept where it does not; it is looked at every five seconds."""
    clock, holds, trims = [100.0], [0], list[int]()
    monkeypatch.setattr(runtime, "_given", runtime._Given())
    monkeypatch.setattr(runtime.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(runtime, "resident", lambda: holds[0])
    monkeypatch.setattr(runtime, "trim", lambda: trims.append(holds[0]))
    for after, held in (
        (0, 1000),
        (6, 1000),
        (6, 1090),
        (1, 5000),  # not looked at
        (5, 1200),  # given back
        (6, 1150),  # usual from now on
        (6, 1260),
        (6, 1270),  # given back
    ):
        clock[0] += after
        holds[0] = held
        give_back()
    assert trims == [1200, 1270]
