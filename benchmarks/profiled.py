"""What the time of a computation goes to, by torch's profiler."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

WHAT = {
    "depthwise convolutions and their gradients": re.compile("depthwise .*conv"),
    "gradients of other convolutions": re.compile("convolution_backward|ConvolutionBackward"),
    "other convolutions": re.compile("conv"),
    "gradients of activations": re.compile("threshold_backward|lerp|PReLUBackward|ReluBackward"),
    "activations": re.compile("prelu|PReLU|relu|clamp_min"),
    "shortcuts and sums": re.compile("^aten::add"),
}
"""By the names of torch's operations; the first that fits counts."""
REST = "all else"


def shares(compute: Callable[[], object]) -> dict[str, float]:
    """Shares of the time that `compute` takes, in all 1."""
    found = dict.fromkeys((*WHAT, REST), 0.0)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiled:
        compute()
    for each in profiled.key_averages(group_by_input_shape=True):
        one_channel = [s for s in each.input_shapes if len(s) == 4 and s[1] == 1 and s[2] > 1]
        called = f"depthwise {each.key}" if one_channel else each.key
        what = next((w for w, names in WHAT.items() if names.search(called)), REST)
        found[what] += each.self_cpu_time_total
    return {what: spent / sum(found.values()) for what, spent in found.items()}
