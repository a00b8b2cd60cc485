"""Process-wide settings, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

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


def test_torchs_compiler_is_opened_by_what_asks_for_it_and_not_by_finding_faces() -> None:
    said = subprocess.check_output([sys.executable, "-c", FINDS_A_FACE], text=True)
    assert said.split() == ["False", "4.0"]
