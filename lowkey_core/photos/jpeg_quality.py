"""The quality of a JPEG file, estimated from its quantisation table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()
"""Table K.1 of ITU T.81, which libjpeg scales by the quality."""


def quality_of(table: Sequence[int]) -> int:
    """The quality, 1 to 100, whose table in libjpeg is nearest. table: of luminance, 64 values by
    rows. A camera's own table is not written again: it would tell the camera."""
    qualities = np.arange(1, 101)
    scale = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    tables = ((_LUMINANCE * scale[:, None] + 50) // 100).clip(1, 255)
    return int(qualities[np.abs(tables - np.asarray(table)).sum(1).argmin()])
