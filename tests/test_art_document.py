"""What docs/art.md shows as Python runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[1] / "docs" / "art.md"


def test_the_examples_of_art_run_in_both_directions() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)
    x, estimator, home = (names[name] for name in ("x", "estimator", "home"))
    assert home.shape == (4, 128)
    cosines = {n: (estimator.predict(names[n]) * home).sum(1) for n in ("moved", "cloaked")}
    assert cosines["moved"].max() < 0.3
    assert cosines["cloaked"].max() < 0.8
    assert np.array_equal(names["classifier"].predict(x).argmax(1), range(4))
