"""Networks, cloak loops and training steps run on one device: no tensor is left on another.

No accelerator is needed: fake tensors say on which device they would be, and raise where two that
meet are not on the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from adversaries import ADVERSARIES, ThreatModel
from adversaries.parts.detectors.classifier import Residual
from adversaries.parts.training import Rows
from lowkey_core import recognisers
from lowkey_core.cloaking import loop
from lowkey_core.cloaks.lowkey import SCHEDULES, LowKey
from lowkey_core.errors import MissingWeightsError, OptionError
from lowkey_core.matchers.nn import NearestNeighbour
from lowkey_core.networks.flip import AtArcFace, FlipAveraged
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Faces
from lowkey_core.work import runtime
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

Loss = Callable[[Tensor, Generator], Tensor]

CUDA = torch.device("cuda", 0)


@pytest.fixture
def fake() -> Iterator[FakeTensorMode]:
    """Everything inside is fake; what was real before may come in."""
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        yield FakeTensorMode(allow_non_fake_inputs=True)
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


def moved(network: Any) -> Any:
    """A network whose weights are on the accelerator."""
    return network.to(CUDA) if isinstance(network, nn.Module) else network


def load(name: str) -> Any:
    try:
        return recognisers.load(name)
    except MissingWeightsError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", recognisers.cards())
def test_every_network_embeds_there(name: str, fake: FakeTensorMode) -> None:
    network = load(name)
    side = network.template.size
    with fake:
        embedded = FlipAveraged(moved(network))(torch.rand(2, 3, side, side))
        assert embedded.device == CUDA
        chips = AtArcFace(network)(torch.rand(2, 3, 112, 112, device=CUDA))
        assert chips.device == CUDA


@pytest.fixture(autouse=True)
def _no_values_and_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake tensors have no values to look at. Autograd's engine asks the driver for a context even
    for them, so that gradients are zeros here: on the device of what they are gradients of."""
    monkeypatch.setattr("lowkey_core.networks.flip.check_embeddings", lambda *_: None)

    def grad(output: Tensor, inputs: Tensor) -> tuple[Tensor]:
        assert output.device == inputs.device == CUDA
        assert output.requires_grad
        return (torch.zeros_like(inputs),)

    def backward(output: Tensor) -> None:
        assert output.device == CUDA
        assert output.requires_grad

    if not torch.cuda.is_available():
        monkeypatch.setattr(torch.autograd, "grad", grad)
        monkeypatch.setattr(torch.autograd, "backward", backward)


@pytest.mark.parametrize("variant", SCHEDULES)
@pytest.mark.parametrize("name", ["dlib", "zoo:mobile"])
def test_every_cloak_loop_runs_there(
    name: str, variant: str, fake: FakeTensorMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "say_lost", lambda lost_at, names: None)  # needs numbers to say
    surrogate = load(name)
    faces = Faces(torch.rand(2, 3, 112, 112), torch.zeros(2).long(), ("a", "b"))
    _ = faces.digests  # of the real pixels
    with fake:
        schedule = dataclasses.replace(SCHEDULES[variant], steps=4)  # every view once
        cloaked = LowKey((moved(surrogate),), schedule)(faces, Generator())
        assert cloaked.device.type == "cpu", "what is published is written by the CPU"
        assert cloaked.shape == (2, 3, 112, 112)


def test_the_detector_looks_there(fake: FakeTensorMode) -> None:
    detector = Residual(Generator())
    with fake:
        assert moved(detector).suspicion(torch.rand(2, 3, 112, 112)).device == CUDA


DETECTION = "adversaries.parts.detectors"


@pytest.mark.parametrize(
    ("name", "trains"),
    [
        ("adaptive", "adversaries.adaptive"),
        ("detection:classifier", f"{DETECTION}.lesson"),
        ("detection:autoencoder", f"{DETECTION}.lesson"),
        ("detection:reverse", f"{DETECTION}.lesson"),
    ],
)
def test_every_training_step_runs_there(
    name: str, trains: str, fake: FakeTensorMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network and its loss are taken from an adversary that prepares here, and moved there."""
    taken: list[tuple[nn.Module, Loss]] = []
    at_0 = f"{DETECTION}.classifier._offset"
    monkeypatch.setattr(at_0, lambda _: 0)  # a fake number has no value
    monkeypatch.setattr(f"{trains}.train", lambda n, loss, *_, **__: taken.append((n, loss)))
    recognition = Embedding(TinyNetwork(), NearestNeighbour, "nn", Work())
    threat = ThreatModel(recognition, people(8, 3), lambda pictures, _: pictures)
    adversary = ADVERSARIES.load(name, granted={"work": Work(), "device": None})
    adversary.prepare(threat, Generator().manual_seed(0))
    ((network, loss),) = taken
    loss(torch.arange(4), Generator())  # faces are cut on the CPU, when they are first needed
    monkeypatch.setattr(Rows, "__getitem__", lambda rows, chosen: rows._values[chosen])
    with fake:
        network.requires_grad_(True).to(CUDA)
        found = loss(torch.arange(4), Generator())
        assert found.device == CUDA
        assert found.requires_grad


def test_a_tensor_on_the_wrong_device_raises(fake: FakeTensorMode) -> None:
    """Else the tests above would prove nothing."""
    with fake, pytest.raises(RuntimeError, match="device"):
        torch.rand(2, device=CUDA) + torch.rand(2)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_an_accelerator_that_is_not_there_is_said_so() -> None:
    with pytest.raises(OptionError, match=r"device is cuda.*use device=auto"):
        runtime.chosen("cuda")


def test_auto_takes_what_is_there() -> None:
    assert runtime.chosen("auto").type in ("cpu", "cuda", "mps")
    assert runtime.chosen("cpu") == torch.device("cpu")
    assert runtime.device_of(AtArcFace(TinyNetwork())) == torch.device("cpu")
    assert runtime.device_of(object()) == torch.device("cpu")
