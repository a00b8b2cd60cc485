"""EfficientNet-Lite0 is the network that its weights were trained in."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from lowkey_core import weights
from lowkey_core.networks import efficientnet
from lowkey_core.networks.efficientnet import Lite0
from lowkey_core.photos.images import from_pillow
from lowkey_core.weights.packaged import EFFICIENTNET

CATS = range(281, 286)
"""Classes of ImageNet: tabby, tiger cat, Persian, Siamese, Egyptian cat."""


@pytest.mark.skipif(
    not weights.home(EFFICIENTNET).is_file(),
    reason="`models fetch efficientnet:lite0` gets the weights",
)
def test_it_sees_a_cat_where_there_is_one() -> None:
    """Every name and shape of the file fits, or `load` would raise."""
    from skimage import data

    cat = from_pillow(Image.fromarray(data.chelsea()).crop((75, 0, 375, 300)).resize((224, 224)))
    with torch.no_grad():
        likely = efficientnet.load().eval()(cat)[0].softmax(0)
    assert int(likely.argmax()) in CATS
    assert float(likely[list(CATS)].sum()) > 0.8


def test_it_has_the_parameters_that_were_published_and_halves_sides_five_times() -> None:
    network = Lite0().eval()
    assert sum(p.numel() for p in network.parameters()) == 4_652_008
    seen: list[torch.Size] = []
    network.get_submodule("_conv_head").register_forward_hook(lambda *a: seen.append(a[2].shape))
    with torch.no_grad():
        assert network(torch.rand(2, 3, 112, 112)).shape == (2, 1000)
    assert seen == [(2, 1280, 4, 4)]


def test_an_odd_padding_is_larger_at_the_right_and_at_the_bottom() -> None:
    stem = Lite0()._conv_stem
    x = torch.rand(1, 3, 8, 8)
    expected = F.conv2d(F.pad(x, (0, 1, 0, 1)), stem.weight, stride=2)
    assert torch.equal(stem(x), expected)
    odd = torch.rand(1, 3, 7, 7)
    assert torch.equal(stem(odd), F.conv2d(odd, stem.weight, stride=2, padding=1))
