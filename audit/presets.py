"""Plans that have a name, and what a data set changes in any of them."""

from __future__ import annotations

from typing import Any

from lowkey_core.weights.packaged import FACEPLUGIN

Nested = dict[str, dict[str, Any]]
"""Values by part of the plan and field."""

PRESETS: dict[str, Nested] = {
    "offline": {
        "people": {
            "protected": 10,
            "gallery": 6,
            "background": 48,
            "others": 20,
            "distractors": 100,
        },
        "publish": {"scenarios": ("all",)},
        "adversaries": {"epochs": 8},
    },
    "quick": {
        "people": {
            "protected": 6,
            "gallery": 6,
            "background": 24,
            "background_pictures": 4,
            "others": 20,
            "distractors": 100,
        },
        "publish": {"scenarios": ("all",)},
        "adversaries": {"epochs": 10},
    },
    "standard": {},
    "thorough": {
        "people": {
            "protected": 40,
            "background": 60,
            "background_pictures": 8,
            "others": 18,
            "distractors": 1000,
        },
        # One at a time would fit a linear classifier per person and cell.
        "publish": {"scenarios": ("all",)},
        "adversaries": {"epochs": 24, "matchers": ("nn", "linear")},
    },
}
"""What a preset changes; `standard` is the plan's own defaults."""

COSTS = {
    "offline": "2 to 4 minutes on two cores",
    "quick": "2 to 4 minutes on two cores",
    "standard": "9 to 18 minutes on two cores",
    "thorough": "never timed; by its counts three times standard",
}
"""What a preset costs as it stands (benchmarks/README.md)."""


def cost(preset: str, seeds: int) -> str:
    """What so many splits of the people cost."""
    return COSTS[preset] + (f", {seeds} times" if seeds > 1 else "")


WHERE_PRESENT = (FACEPLUGIN,)
"""Recognisers that take part where their files are there and no recogniser was named."""

BY_DATASET: dict[str, Nested] = {
    "lfw": {
        "publish": {"surrogates": ("dlib", "mobilefacenet:casia")},
        "adversaries": {"recognisers": ("mobilefacenet:ms1m", "edgeface:xxs")},
    },
}
"""What a data set changes: the zoo learned from LFW, and would meet pictures that it knows."""
