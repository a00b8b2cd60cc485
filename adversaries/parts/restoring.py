"""A network that takes cloaks off faces: PuFace's idea (arXiv 2406.02253), learned from the
adversary's own pictures and their cloaked copies.

The network is RED-Net's (Mao et al., NeurIPS 2016, arXiv 1603.09056): five convolutions encode,
five decode, every second encoding layer is added to the decoding layer that mirrors it, and the
face itself at the end. (A transposed convolution of stride 1 is a convolution.) It learns

    minimise  mean |r(shown) - x|  +  IDENTITY * (1 - cos(f(r(shown)), f(x)))

with x the clean face, x' its cloaked copy and f the adversary's own recogniser, if that has
gradients; else the second term is left out. shown is x + a (x' - x) with a drawn between 1 and 3.
Some faces are shown as they are, or with noise: the network is not told which are cloaked, and must
leave clean pictures alone.

What PuFace amplifies by, its weights and its schedule are not public: all constants are ours. So is
that the network sees blocks of 2x2 pixels as channels, for a quarter of the cost: at full size it
would learn for 20 minutes and more on two cores.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from adversaries import ThreatModel
from adversaries.parts.enrolment import facts
from adversaries.parts.training import Recipe, Rows, train
from lowkey_core.networks.flip import AtArcFace, FlipAveraged
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import FACE_SIZE, Embeddings, Images, Pictures, Recognition
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

DEPTH, BLOCK = 5, 2
"""Layers on either side, and the side of the blocks of pixels that are channels."""
LEAST, MOST = 1.0, 3.0
"""How much a cloak is amplified."""
CLEAN, NOISY = 0.25, 0.25
"""Shares of the faces that are shown clean, and with noise; the rest is cloaked."""
NOISE = 8 / 255
"""The noise's largest standard deviation; each face's is drawn."""
LEAK = 0.1
"""Slope of the activations below zero. With RED-Net's own, 0, the last decoding layer died in the
first steps on real faces, and the network changed nothing ever after."""
IDENTITY = 0.1
"""Weight of what the recogniser sees, beside the pixels."""


class RedNet(nn.Module):
    """Faces in, faces out; before it learns, the same faces."""

    def __init__(self, channels: int, rng: Generator) -> None:
        """channels: of every layer but the last."""
        super().__init__()
        flat = 3 * BLOCK**2
        into = [flat, *(channels,) * (DEPTH - 1)]
        self.encode = nn.ModuleList(nn.Conv2d(n, channels, 3, padding=1) for n in into)
        self.decode = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in into[1:])
        self.last = nn.Conv2d(channels, flat, 3, padding=1)
        for layer in (m for m in self.modules() if isinstance(m, nn.Conv2d)):
            weight = layer.weight  # He initialisation, from our generator
            std = 0.0 if layer is self.last else (2 / weight[0].numel()) ** 0.5
            weight.data = torch.randn(weight.shape, generator=rng) * std
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, faces: Images) -> Images:
        """faces: (n, 3, h, w) in [0, 1], h and w even. Returns the same shape, in [0, 1]."""
        x = F.pixel_unshuffle(faces, BLOCK)
        encoded: list[Tensor] = []
        for layer in self.encode:
            x = F.leaky_relu(layer(x), LEAK)
            encoded.append(x)
        for i, layer in enumerate(self.decode, start=2):
            x = layer(x)
            if i % 2 == 0:  # the mirror of an encoding layer, counted from the end
                x = x + encoded[-i]
            x = F.leaky_relu(x, LEAK)
        return (faces + F.pixel_shuffle(self.last(x), BLOCK)).clamp(0, 1)

    def changes(self, faces: Images) -> Tensor:
        """(n, 3 * h * w) int16: what it changes in faces, in grey levels."""
        parts = faces.to(device_of(self)).split(TOGETHER)
        return torch.cat([(self(x) - x).mul(255).round().to(torch.int16).flatten(1) for x in parts])


TOGETHER = 16
"""Faces whose encoded layers are in memory at once."""


@dataclass(frozen=True)
class Restoring:
    """What was learned: the network's change of each face is carried into its photo, on top of
    whatever cloaks and platforms did."""

    network: RedNet
    work: Work

    def __call__(self, pictures: Pictures, /) -> Pictures:
        """The same pictures, their faces restored; one without a face stays as it is."""
        rows = pictures.found.nonzero().flatten().tolist()
        if not rows:
            return pictures
        items = list(pictures.items)
        changes = self.work.per_item(
            "purifying faces",
            self.network.changes,
            [pictures.digests[row] for row in rows],
            lambda some: pictures.faces(rows=[rows[i] for i in some]),
        )
        for row, change in zip(rows, changes, strict=True):
            items[row] = items[row].changed(change.view(3, FACE_SIZE, FACE_SIZE))
        return Pictures(tuple(items))


def learn(
    threat: ThreatModel,
    recipe: Recipe,
    rng: Generator,
    *,
    channels: int,
    work: Work,
    device: torch.device,
) -> tuple[Restoring, dict[str, float]]:
    """A network that takes off what the tool puts on, and what a report says of its learning.

    recipe, channels: of its training, and of its layers. Raises: NotPossibleError where the tool
    cannot be run.
    """
    background, copies = threat.background, threat.tool(threat.background, rng)
    pairs = Rows(
        lambda row: torch.cat([p.faces(rows=[row]) for p in (background, copies)]),
        len(background),
    )
    network = RedNet(channels, Generator().manual_seed(rng.initial_seed()))
    network.to(memory_format=torch.channels_last).to(device)
    seen = _with_gradients(threat.recognition)
    home = None if seen is None else _home(seen, background, work)

    def loss(rows: Tensor, rng: Generator) -> Tensor:
        clean, cloaked = pairs[rows].unbind(1)
        flip = torch.rand(len(rows), 1, 1, 1, generator=rng) < 0.5
        clean, cloaked = (torch.where(flip, x.flip(-1), x) for x in (clean, cloaked))
        given = shown(clean, cloaked, rng).contiguous(memory_format=torch.channels_last)
        restored: Tensor = network(given.to(device))
        away = F.l1_loss(restored, clean.to(device))
        if seen is None or home is None:
            return away
        anchors = home[rows].to(device_of(seen))
        likeness = (seen(restored.to(anchors.device)) * anchors).sum(1).mean()
        return away + IDENTITY * (1 - likeness).to(device)

    train(
        network,
        loss,
        len(background),
        recipe,
        key=fingerprint(
            *(network, str(device), background.digests, copies.digests),
            *(None if seen is None else seen.network, home),
        ),
        seed=rng.initial_seed(),
        work=work,
        label="learning to take cloaks off",
    )
    network.eval().requires_grad_(False)
    made = Restoring(network, work)
    return made, {**facts(background, copies, work), "purified": _purified(made, copies)}


def _purified(made: Restoring, copies: Pictures) -> float:
    """The share of cloaked copies that what was learned changes."""
    pairs = zip(made(copies).digests, copies.digests, strict=True)
    return fmean(now != then for now, then in pairs)


def shown(clean: Images, cloaked: Images, rng: Generator) -> Images:
    """What the network is shown, (n, 3, h, w) in [0, 1]: cloaks amplified, and for some rows the
    clean face, or the clean face with noise."""
    draw, much, level = torch.rand(3, len(clean), 1, 1, 1, generator=rng)
    noise = NOISE * level * torch.randn(clean.shape, generator=rng)
    amplified = (LEAST + (MOST - LEAST) * much) * (cloaked - clean)
    change = torch.where(draw < CLEAN + NOISY, noise, amplified)
    return torch.where(draw < CLEAN, clean, (clean + change).clamp(0, 1))


def _with_gradients(recognition: Recognition) -> AtArcFace | None:
    """A copy of the adversary's recogniser; None for one without gradients."""
    network = recognition.network if isinstance(recognition, Embedding) else None
    if not isinstance(network, nn.Module) or recognition.card.black_box:
        return None
    return AtArcFace(copy.deepcopy(network).eval().requires_grad_(False))


def _home(seen: AtArcFace, background: Pictures, work: Work) -> Embeddings:
    """(n, d): where the recogniser sees the clean faces."""
    return work.per_item(
        f"embedding with {seen.card.name}",
        FlipAveraged(seen),
        background.digests,
        lambda rows: background.faces(rows=rows),
    )
