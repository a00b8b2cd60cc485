"""Recognisers of insightface's model packs. ONNX files, and so black boxes.

`buffalo_l`: the pack's ResNet-50, `w600k_r50.onnx`, trained on 600,000 people of WebFace260M.
"""

from __future__ import annotations

import datetime

from lowkey_core.networks.local import Onnx, from_card
from lowkey_core.weights import Card
from lowkey_core.weights.sidecar import Input

MEMBERS = ("buffalo_l",)

CARDS = {
    "buffalo_l": Card(
        name="insightface:buffalo_l",
        file="w600k_r50.onnx",
        # Not stated by the publisher, but by many who took the file out of the pack.
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        source="https://github.com/deepinsight/insightface/releases/download/v0.7/buffalo_l.zip",
        licence="non-commercial research only: evaluation only",
        # Of version 0.6 of the package, whose README has the pack; it may be a little older.
        released=datetime.date(2022, 1, 29),
        trained_on="WebFace600K, a subset of WebFace260M",
        data=frozenset({"WebFace600K", "WebFace260M"}),
        preprocessing="112x112 RGB, (x - 0.5) / 0.5",
        lineage=frozenset({"insightface-w600k-r50"}),
        family="residual network",
        black_box=True,
        size=174_383_860,
    )
}
INPUT = Input(size=112, mean=(0.5,) * 3, std=(0.5,) * 3, channels="rgb")


def build(member: str) -> Onnx:
    """Raises: MissingWeightsError, TamperedWeightsError, LocalNetworkError (`onnx` is missing)."""
    return from_card(CARDS[member], INPUT)
