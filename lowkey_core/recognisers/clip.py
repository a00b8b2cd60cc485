"""CLIP (Radford et al. 2021, arXiv 2103.00020): embeddings of pictures taught by their captions.

`vit-b-32` is timm's vision transformer with OpenAI's weights. It was not trained to tell people
apart; the critique's CLIP was fine-tuned on faces.
"""

from __future__ import annotations

import datetime
import importlib
import io
import re
import warnings
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lowkey_core import weights
from lowkey_core.types import Embeddings, Images, Template
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import fill, unfit

MEMBERS = ("vit-b-32",)

_SHA256 = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
CARD = Card(
    name="clip:vit-b-32",
    file="ViT-B-32.pt",
    sha256=_SHA256,
    source="https://github.com/openai/CLIP",
    licence="MIT; its model card puts face recognition out of scope: evaluation only",
    released=datetime.date(2021, 1, 5),
    trained_on="WebImageText: 400 million pictures of the web and their captions",
    data=frozenset({"WebImageText"}),
    preprocessing="aligned at 224x224; RGB, (x - mean) / deviation of CLIP's pictures",
    lineage=frozenset({"clip-vit-b-32-openai"}),
    family="transformer",
    url=f"https://openaipublic.azureedge.net/clip/models/{_SHA256}/ViT-B-32.pt",
)
CARDS = {"vit-b-32": CARD}

CHIP = Template("clip", 224, ((2, 0, 0.5), (0, 2, 0.5)))
"""Ours: the aligned face at twice its size, cut from the photo. CLIP takes whole pictures."""
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


ARCHITECTURE = "vit_base_patch32_clip_quickgelu_224"
"""In timm."""


def architecture() -> nn.Module:
    """From (n, 3, 224, 224), standardised, to (n, 512), not normalised; weights are random."""
    timm = importlib.import_module("timm")
    return timm.create_model(ARCHITECTURE, pretrained=False, num_classes=512)  # type: ignore[no-any-return]


def build(member: str) -> Clip:
    """Raises: MissingWeightsError, TamperedWeightsError."""
    card = CARDS[member]
    return Clip(fill(architecture, renamed(state_of(card)), card), card)


def state_of(card: Card) -> dict[str, Tensor]:
    """The state dict in the card's file, TorchScript with half precision; floats as float32.

    Raises: MissingWeightsError, TamperedWeightsError.
    """
    content = weights.read(card)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # it has no successor that reads files
            loaded: Any = torch.jit.load(io.BytesIO(content), map_location="cpu")
    except Exception as error:  # the parser raises anything
        raise unfit(card, f"does not open as TorchScript ({type(error).__name__})") from None
    return {k: v.float() if v.is_floating_point() else v for k, v in loaded.state_dict().items()}


_RENAMES = (
    (r"class_embedding$", "cls_token"),
    (r"positional_embedding$", "pos_embed"),
    (r"conv1\.", "patch_embed.proj."),
    (r"ln_pre\.", "norm_pre."),
    (r"ln_post\.", "norm."),
    (r"transformer\.resblocks\.(\d+)\.ln_([12])\.", r"blocks.\1.norm\2."),
    (r"transformer\.resblocks\.(\d+)\.attn\.in_proj_", r"blocks.\1.attn.qkv."),
    (r"transformer\.resblocks\.(\d+)\.attn\.out_proj\.", r"blocks.\1.attn.proj."),
    (r"transformer\.resblocks\.(\d+)\.mlp\.c_fc\.", r"blocks.\1.mlp.fc1."),
    (r"transformer\.resblocks\.(\d+)\.mlp\.c_proj\.", r"blocks.\1.mlp.fc2."),
)
"""Patterns that map the names of CLIP's tower for pictures to timm's."""


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tower for pictures under timm's names; that for captions is left out."""
    found = {}
    for key, tensor in state.items():
        if not key.startswith("visual."):
            continue
        name = key.removeprefix("visual.")
        for pattern, replacement in _RENAMES:
            name, hit = re.subn("^" + pattern, replacement, name)
            if hit:
                break
        found[name] = tensor
    if "proj" in found:
        found["head.weight"] = found.pop("proj").T.contiguous()
        found["head.bias"] = torch.zeros(len(found["head.weight"]))
    for name, lead in (("cls_token", (1, 1)), ("pos_embed", (1,))):
        if name in found:
            found[name] = found[name].reshape(*lead, *found[name].shape)
    return found


class Clip(nn.Module):
    """88 million parameters; embeddings of 512 dimensions."""

    mean: Tensor
    std: Tensor
    template = CHIP

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.network, self.card = network, card
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 224, 224) float32 in [0, 1], RGB chips. Returns (n, 512), unit norm."""
        return F.normalize(self.network((images - self.mean) / self.std))
