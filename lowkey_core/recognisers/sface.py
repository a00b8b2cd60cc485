"""SFace (Zhong et al. 2021): a MobileFaceNet with a sigmoid-constrained loss, as the OpenCV zoo has
it. An ONNX file, and so a black box."""

from __future__ import annotations

import datetime

from lowkey_core.networks.local import Onnx, from_card
from lowkey_core.weights import Card
from lowkey_core.weights.sidecar import Input

_PATH = "models/face_recognition_sface/face_recognition_sface_2021dec.onnx"
CARD = Card(
    name="sface",
    file="face_recognition_sface_2021dec.onnx",
    # The pointer in the publisher's repository, whose large files are kept elsewhere.
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    source="https://github.com/opencv/opencv_zoo (models/face_recognition_sface)",
    licence="Apache-2.0",
    released=datetime.date(2021, 12, 1),
    trained_on="not stated",
    preprocessing="112x112 RGB, 255 x",
    family="MobileFaceNet",
    black_box=True,
    url="https://github.com/opencv/opencv_zoo/raw/edef535367a4f8053b5bfb7580935c83772a9639/"
    + _PATH,
    size=38_696_353,
)
CARDS = {"": CARD}
INPUT = Input(size=112, mean=(0, 0, 0), std=(1 / 255,) * 3, channels="rgb")
"""OpenCV's `FaceRecognizerSF::feature`: RGB in grey levels; the graph does the rest."""


def build() -> Onnx:
    """Raises: MissingWeightsError, TamperedWeightsError, LocalNetworkError (`onnx` is missing)."""
    return from_card(CARD, INPUT)
