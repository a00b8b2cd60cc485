"""A user's TorchScript file: its input, gradients, retraining, fingerprints, refusals."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from adversaries import ThreatModel
from adversaries.adaptive import Adaptive
from adversaries.parts.training import Recipe
from lowkey_core import recognisers
from lowkey_core.errors import LocalNetworkError, NotPossibleError
from lowkey_core.faces.pictures import crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Network as AnyNetwork
from lowkey_core.types import Pictures
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.work import Work
from tests.lowkey_core.networks.user_files import Network, expected, onnx_file, save, torchscript


@pytest.mark.parametrize("how", ["trace", "script"])
@pytest.mark.parametrize(("size", "channels"), [(112, "rgb"), (160, "bgr"), (64, "rgb")])
def test_torchscript_has_the_input_of_its_card(
    how: str, size: int, channels: str, tmp_path: Path, pictures: Pictures
) -> None:
    network = Network(size)
    content = torchscript(network, size, how=how)
    ours = recognisers.load(save(tmp_path, "mine.pt", content, size=size, channels=channels))
    theirs = F.normalize(network(expected(pictures.faces(), size, channels)))
    assert torch.allclose(ours(pictures.faces()), theirs, atol=1e-5)
    card = ours.card
    assert (card.name, card.released.year, card.black_box) == ("mine", 2024, False)
    assert card.lineage == {"mine-run-1"}


def test_torchscript_has_gradients_and_no_trainable_weight(
    tmp_path: Path, pictures: Pictures
) -> None:
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network())))
    images = pictures.faces()[:2].requires_grad_()
    (slope,) = torch.autograd.grad(ours(images)[:, 0].sum(), images)
    assert slope.flatten(1).abs().amax(1).min() > 0
    assert isinstance(ours, nn.Module)
    assert not any(p.requires_grad for p in ours.parameters())


@pytest.mark.parametrize("how", ["trace", "script"])
def test_torchscript_gives_the_same_numbers_at_every_call(
    how: str, tmp_path: Path, pictures: Pictures
) -> None:
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network(), how=how)))
    first = ours(pictures.faces())
    assert all(torch.equal(ours(pictures.faces()), first) for _ in range(4))


def starting_from(network: AnyNetwork) -> Embedding:
    """What an adversary is granted."""
    return Embedding(network, MATCHERS.load("nn"), "nn", Work())


@pytest.mark.parametrize("how", ["trace", "script"])
def test_torchscript_is_retrained_as_a_copy(how: str, tmp_path: Path, pictures: Pictures) -> None:
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network(), how=how)))
    before, name = ours(pictures.faces()), fingerprint(ours)

    def tool(p: Pictures, rng: Generator) -> Pictures:
        return crops((p.faces() + 0.1).clamp(0, 1), p.identities, p.names)

    adaptive, rng = Adaptive(Work(), Recipe(epochs=2, batch=4)), Generator().manual_seed(0)
    learned: Any = adaptive.prepare(ThreatModel(starting_from(ours), pictures, tool), rng)
    student = learned.recognition.network
    assert (student(pictures.faces()) - before).abs().max() > 1e-3
    assert torch.equal(ours(pictures.faces()), before)
    assert fingerprint(ours) == name
    assert fingerprint(student) != name


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_torchscripts_fingerprint_covers_code_constants_and_weights(tmp_path: Path) -> None:
    names = set()
    for how in ("trace", "script"):
        for network in (Network(), Network(seed=1), Network(scale=3.0)):
            content = torchscript(network, how=how)
            names.add(fingerprint(torch.jit.load(io.BytesIO(content))))
    assert len(names) == 6
    ours = recognisers.load(save(tmp_path, "mine.pt", torchscript(Network())))
    assert fingerprint(copy.deepcopy(ours)) == fingerprint(ours)
    tuned = copy.deepcopy(ours)
    with torch.no_grad():
        next(b for n, b in tuned.named_buffers() if n.endswith("running_mean")).add_(1e-3)
    assert fingerprint(tuned) != fingerprint(ours)


def test_a_torchscripts_fingerprint_is_the_same_in_every_process(tmp_path: Path) -> None:
    name = save(tmp_path, "mine.pt", torchscript(Network(), how="script"))
    for _ in range(2):  # TorchScript numbers classes in the order of loading
        here = fingerprint(recognisers.load(name))
    code = (
        "import sys; from lowkey_core import recognisers;"
        "from lowkey_core.work.provenance import fingerprint;"
        "import torch; torch.set_num_threads(int(sys.argv[2]));"
        "print(fingerprint(recognisers.load(sys.argv[1])))"
    )
    run = [sys.executable, "-c", code, name, str(torch.get_num_threads())]
    assert subprocess.check_output(run, text=True).strip() == here


def test_onnx_is_not_retrained(tmp_path: Path, pictures: Pictures) -> None:
    ours = recognisers.load(save(tmp_path, "mine.onnx", onnx_file()))
    threat = ThreatModel(starting_from(ours), pictures, lambda p, rng: p)
    with pytest.raises(NotPossibleError, match="mine is a black box"):
        Adaptive(Work(), Recipe(1)).prepare(threat, Generator().manual_seed(0))


class Flat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :8]


class WithParameter(nn.Module):
    """A network with a parameter and the given kind of output."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.one = kind, nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.one
        if self.kind == "map":
            return x
        if self.kind == "nan":
            return (x / 0).flatten(1)[:, :8]
        if self.kind == "double":
            return x.flatten(1)[:, :8].double()
        return x.flatten()[None, :8]  # all faces in one


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (WithParameter("map"), "into shape"),
        (WithParameter("nan"), "not finite"),
        (WithParameter("double"), "float64"),
        (WithParameter("one"), "2 faces"),
        (Network(160), "does not take"),
        (Flat(), "no parameters"),
    ],
    ids=["map", "nan", "double", "all faces in one", "another size", "nothing to train"],
)
def test_torchscript_that_gives_no_embedding_is_refused(
    network: nn.Module, said: str, tmp_path: Path
) -> None:
    size = getattr(network, "side", 14) * 8
    name = save(tmp_path, "mine.pt", torchscript(network, size))
    with pytest.raises(LocalNetworkError, match=said) as refusal:
        recognisers.load(name)
    assert "\n" not in str(refusal.value)


def test_a_frozen_torchscript_is_refused(tmp_path: Path) -> None:
    name = save(tmp_path, "mine.pt", torchscript(Network(), how="freeze"))
    with pytest.raises(LocalNetworkError, match=r"torch\.jit\.freeze"):
        recognisers.load(name)
