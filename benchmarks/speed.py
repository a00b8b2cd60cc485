"""What cloaks cost. `python -m benchmarks.speed`

The loop of LowKey's released code beside ours, on the same two networks: one view at a time, both
views of a picture and of its mirror image, one picture at a time. No perceptual term in either.
The released loop runs the networks as their authors publish them, in PyTorch's own layers; and, to
tell the loop from the network, also as this project runs them (`lowkey_core/networks/frozen.py`).
Then every cloak at its full steps, the share of the machine's rate of multiplying matrices, how
cost grows, and a photo of 24 megapixels with five faces beside five photos with one face each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import median

import torch
from torch import Generator, Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import large_photo, record
from benchmarks.lfw import own
from benchmarks.profiled import shares
from benchmarks.record import Measured
from lowkey_core import recognisers
from lowkey_core.cloaks import PhotoCloak, load
from lowkey_core.cloaks.lowkey import SCHEDULES, LowKey
from lowkey_core.datasets.synthetic import people_of_nobody
from lowkey_core.faces.visibility import smooth
from lowkey_core.networks.frozen import PReLU
from lowkey_core.recognisers import mobilefacenet
from lowkey_core.types import Faces, Images, Network, faces_of
from lowkey_core.work import runtime
from lowkey_core.work.work import Work

TIMED = True
TWO = ("mobilefacenet:casia", "mobilefacenet:ms1m")
CLOAKS = {
    "lowkey": 16,
    "lowkey:published": 16,
    "fawkes:v0.3:mode=high": 4,
    "fawkes:v1.0:mode=high": 8,
    "opom": 16,
    "tipim": 4,
    "protego": 16,
}
"""Pictures that each is timed with."""
ROUNDS = 7
"""Times that the released loop and ours are timed in turn."""
BATCHES = (1, 8, 16, 32)


class Free:
    """A perceptual term that costs nothing."""

    def to(self, device: object) -> Free:
        """The same."""
        del device
        return self

    def from_reference(self, reference: Images) -> Callable[[Images], Tensor]:
        """Zero for every picture."""
        return lambda images: reference.new_zeros(len(images))


def released(surrogates: list[Network], picture: Images, steps: int = 50) -> Images:
    """LowKey's released loop on one picture (lowkey_gradio): every network's two views, each
    averaged with its mirror image, one after the other."""
    clean = picture.clone()
    with torch.no_grad():
        home = [_averaged(f, clean) for f in surrogates]
    cloaked = clean + 0.01 * torch.rand_like(clean) - 0.005
    for _ in range(steps):
        cloaked.requires_grad_()
        gain = torch.zeros(())
        for f, there in zip(surrogates, home, strict=True):
            for view in (cloaked, smooth(cloaked, 7, 3.0)):
                gain = gain + (_averaged(f, view) - there).pow(2).sum() / there.norm()
        (slope,) = torch.autograd.grad(gain, cloaked)
        cloaked = (cloaked + 0.0025 * slope.sign()).detach()
    return cloaked.clamp(0, 1)


def as_published(member: str) -> Network:
    """A MobileFaceNet in PyTorch's own layers, batch normalisation and all."""
    network = mobilefacenet.unfolded(member).eval()
    for module in network.modules():
        if isinstance(module, PReLU):
            module.__class__ = nn.PReLU  # type: ignore[assignment]
    return network


def _averaged(network: Network, images: Images) -> Tensor:
    return torch.nn.functional.normalize(network(images) + network(images.flip(-1)))


def measure() -> Measured:
    """Seconds, each per face where nothing else is said. A finished part is not repeated."""
    runtime.tune()
    faces = faces_of(own(12, 4).clean)
    two = [recognisers.network(name) for name in TWO]
    parts: dict[str, Callable[[], Measured]] = {
        "loop": partial(_loop, faces, two),
        "rate": partial(_rate, faces, two),
        "profile": lambda: shares(lambda: _free(two)(_first(faces, 32), Generator())),
        "growth": partial(_growth, faces, two),
        "photo": large_photo.measure,
        "cloaks": partial(_cloaks, faces),
    }
    return {name: record.piece(f"speed-{name}", make) for name, make in parts.items()}


def _loop(faces: Faces, two: list[Network]) -> Measured:
    """Medians over rounds, in each of which every loop runs once: the machine is not as fast all
    the time. `cost` is of the time of the released loop, with the networks as they are published,
    in the same round."""
    ours, theirs = _free(two), [as_published(name.split(":")[1]) for name in TWO]
    released(theirs, faces.images[:1], 2)  # warm
    released(two, faces.images[:1], 2)
    ours(_first(faces, 4), Generator())
    rounds = []
    for picture in faces.images[:ROUNDS].split(1):
        spent = {}
        for name, networks in (("", theirs), (", with our networks", two)):
            began = time.perf_counter()
            released(networks, picture)
            spent[f"released, 1 at a time{name}"] = time.perf_counter() - began
        for batch in BATCHES:
            spent[f"`lowkey`, {batch} at a time"] = _per_face(ours, _first(faces, batch), batch)
        rounds.append(spent)
    return {
        name: {
            "seconds": median(spent[name] for spent in rounds),
            "cost": median(spent[name] / next(iter(spent.values())) for spent in rounds),
        }
        for name in rounds[0]
    }


def _free(networks: list[Network], **changes: int) -> LowKey:
    """Our loop without a perceptual term."""
    return LowKey(networks, replace(SCHEDULES[""], **changes), Free())  # type: ignore[arg-type]


def _first(faces: Faces, count: int) -> Faces:
    return faces.select(torch.arange(count))


def _per_face(cloak: Callable[[Faces, Generator], Images], faces: Faces, batch: int) -> float:
    began = time.perf_counter()
    for rows in torch.arange(len(faces)).split(batch):
        cloak(faces.select(rows), Generator().manual_seed(0))
    return (time.perf_counter() - began) / len(faces)


def _cloaks(faces: Faces) -> dict[str, float]:
    """Every cloak at its full steps, against the surrogates of audits of LFW."""
    surrogates = [recognisers.network(name) for name in ("dlib", "mobilefacenet:casia")]
    work, found = Work(), {}
    others = people_of_nobody(work)
    for name, count in CLOAKS.items():
        cloak = load(name, lambda: surrogates, work, lambda: others)
        assert not isinstance(cloak, PhotoCloak)
        found[name] = _per_face(cloak, _first(faces, count), 16)
    return found


def _rate(faces: Faces, two: list[Network]) -> Measured:
    """Floating-point operations a second: of the networks in the loop, and of a product of
    matrices."""
    steps = SCHEDULES[""].steps
    with FlopCounterMode(display=False) as counted:
        view = faces.images[:32].clone().requires_grad_() * 1
        sum((f(view).sum() for f in two), torch.zeros(())).backward()
    began = time.perf_counter()
    _free(two)(_first(faces, 32), Generator())
    spent = time.perf_counter() - began
    return {"loop": steps * counted.get_total_flops() / spent, "matrices": _product()}


def _product(side: int = 1536, times: int = 10) -> float:
    """Operations a second of a product of matrices, by whichever of torch's libraries is faster
    here: one multiplies matrices, the other knows the product as a convolution of one pixel."""
    a, b = torch.rand(2, side, side)
    rates = []
    for product in (
        lambda: a @ b,
        lambda: nn.functional.conv2d(a.view(1, side, side, 1), b.view(side, side, 1, 1)),
    ):
        product()
        began = time.perf_counter()
        for _ in range(times):
            product()
        rates.append(times * 2 * side**3 / (time.perf_counter() - began))
    return max(rates)


def _growth(faces: Faces, two: list[Network]) -> dict[str, float]:
    """Seconds in all, with one thing changed at a time."""

    def spent(surrogates: list[Network], count: int, steps: int) -> float:
        cloak = _free(surrogates, steps=steps)
        began = time.perf_counter()
        cloak(_first(faces, count), Generator().manual_seed(0))
        return time.perf_counter() - began

    return {
        "8 pictures, 1 surrogate, 12 steps": spent(two[:1], 8, 12),
        "16 pictures, 1 surrogate, 12 steps": spent(two[:1], 16, 12),
        "8 pictures, 2 surrogates, 12 steps": spent(two, 8, 12),
        "8 pictures, 1 surrogate, 24 steps": spent(two[:1], 8, 24),
    }


def tables(measured: Measured) -> dict[str, str]:
    """`speed loop`, `speed profile`, `speed cloaks`, `speed growth`, and sentences: `speed rate`,
    `speed photo`."""
    loop, cloaks, growth = (measured[part] for part in ("loop", "cloaks", "growth"))
    start = next(iter(growth.values()))
    lowkey, rate = cloaks["lowkey"], measured["rate"]
    return {
        "speed loop": record.table(
            ("loop", "seconds per face", "cost"),
            [(name, f"{v['seconds']:.2f}", f"{v['cost']:.3f}") for name, v in loop.items()],
        ),
        "speed profile": record.table(
            ("what the loop computes", "share of its time"),
            [(what, f"{share:.0%}") for what, share in measured["profile"].items()],
        ),
        "speed cloaks": record.table(
            ("cloak", "seconds per face", "cost"),
            [(name, f"{s:.2f}", f"{s / lowkey:.1f}") for name, s in cloaks.items()],
        ),
        "speed growth": record.table(
            ("loop of `lowkey`", "cost"), [(name, f"{s / start:.2f}") for name, s in growth.items()]
        ),
        "speed rate": f"The loop of `lowkey` runs at {rate['loop'] / 1e9:.0f} billion operations "
        f"a second, {rate['loop'] / rate['matrices']:.0%} of what a product of matrices reaches on "
        "the same machine.",
        "speed photo": large_photo.sentence(measured["photo"]),
    }


if __name__ == "__main__":
    record.alone("speed", sys.modules[__name__])
