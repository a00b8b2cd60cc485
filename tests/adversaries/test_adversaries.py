"""What each adversary is for, beyond what all of them promise."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from adversaries import ThreatModel
from adversaries.adaptive import Adaptive
from adversaries.detection import Detection
from adversaries.oblivious import Oblivious
from adversaries.parts.training import Recipe, train
from lowkey_core.cloaks.lowkey import LowKey, Schedule
from lowkey_core.errors import OptionError
from lowkey_core.matchers import MATCHERS, ranks_of
from lowkey_core.types import Faces, Images, Pictures, quantise
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

NETWORK = TinyNetwork(1)
CLOAK = LowKey((NETWORK,), Schedule(steps=20, step_size=0.01, ssim_price=0.0))
SEEDED = Generator().manual_seed(0)


def threat(**changes: object) -> ThreatModel:
    background = people(40, 3, seed=9)
    given = {"embedder": NETWORK, "matcher": MATCHERS["nn"], "background": background}
    return ThreatModel(**{**given, "cloak": CLOAK, **changes})  # type: ignore[arg-type]


def audited() -> tuple[Faces, Faces, Pictures]:
    """Clean gallery, cloaked gallery, probes of 12 people nobody learned from."""
    pictures = people(12, 4)
    gallery = pictures.select([i for i in range(48) if i % 4])
    probes = pictures.select(range(0, 48, 4))
    cloaked = quantise(CLOAK(gallery, SEEDED))
    return (
        Faces(gallery.images, gallery.identities),
        Faces(cloaked, gallery.identities),
        probes,
    )


def test_oblivious_never_calls_the_cloak() -> None:
    def forbidden(pictures: Pictures, rng: Generator) -> Images:
        raise AssertionError("an oblivious adversary knows of no cloak")

    enrol = Oblivious(Work()).prepare(threat(cloak=forbidden), SEEDED)
    enrol(audited()[0])


def test_adaptive_undoes_what_oblivious_suffers() -> None:
    clean, cloaked, probes = audited()
    rates = {}
    for adversary in (Oblivious(Work()), Adaptive(Work(), Recipe(12, rate=3e-3))):
        enrol = adversary.prepare(threat(), SEEDED)
        for arm, gallery in (("clean", clean), ("cloaked", cloaked)):
            ranks = ranks_of(enrol(gallery).identify(probes.images), probes.identities)
            rates[type(adversary).__name__, arm] = (ranks == 1).float().mean().item()
    assert rates["Oblivious", "clean"] == rates["Adaptive", "clean"] == 1.0
    assert rates["Oblivious", "cloaked"] < 0.3
    assert rates["Adaptive", "cloaked"] > rates["Oblivious", "cloaked"] + 0.25


def test_adaptive_says_when_it_saw_no_cloak() -> None:
    def nothing(pictures: Pictures, rng: Generator) -> Images:
        return pictures.images

    enrol = Adaptive(Work(), Recipe(1)).prepare(threat(cloak=nothing), SEEDED)
    assert enrol.learned["cloaked_seen"] == 0.0  # type: ignore[attr-defined]


def test_adaptive_refuses_a_black_box() -> None:
    class Box:
        card = NETWORK.card

        def __call__(self, images: Tensor) -> Tensor:
            return NETWORK(images)

    with pytest.raises(OptionError, match="black box"):
        Adaptive(Work(), Recipe(1)).prepare(threat(embedder=Box()), SEEDED)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """So that a detector is trained once."""
    return Work(Cache(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize("flagged", ["drop", "keep"])
def test_detection_flags_cloaks_it_has_not_seen(flagged: str, work: Work) -> None:
    clean, cloaked, probes = audited()
    detection = Detection(work, Recipe(3, batch=16, rate=3e-3), flagged)  # type: ignore[arg-type]
    enrol = detection.prepare(threat(), SEEDED)
    recogniser = enrol(cloaked)
    assert recogniser.flagged.float().mean() >= 0.95
    assert enrol(clean).flagged.float().mean() <= 0.15
    enrolled = len(cloaked) if flagged == "keep" else int((~recogniser.flagged).sum())
    assert len(recogniser.gallery) == enrolled
    assert recogniser.identify(probes.images).shape[0] == len(probes)


class StopHereError(Exception):
    """Stands for a kill at this moment."""


class Cut(Cache):
    def __init__(self, root: Path, after: int) -> None:
        super().__init__(root)
        self.left = after

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        self.left -= 1
        if not self.left:
            raise StopHereError


def trained(cache: Cache, epochs: int = 4) -> dict[str, Tensor]:
    network = nn.Linear(3, 2)
    for parameter in network.parameters():
        parameter.data = torch.ones_like(parameter)
    x = torch.randn(20, 3, generator=Generator().manual_seed(0))

    def loss(rows: Tensor, rng: Generator) -> Tensor:
        noise = torch.randn(len(rows), 3, generator=rng)
        return ((network(x[rows] + noise)) ** 2).mean()

    train(
        network,
        loss,
        len(x),
        Recipe(epochs, batch=8),
        key="test",
        seed=5,
        work=Work(cache),
        label="",
    )
    return {k: v.clone() for k, v in network.state_dict().items()}


@pytest.mark.parametrize("after", [1, 2, 3])
def test_training_cut_after_any_epoch_ends_the_same(after: int, tmp_path: Path) -> None:
    whole = trained(Cache(None))
    with pytest.raises(StopHereError):
        trained(Cut(tmp_path, after))
    resumed = trained(Cache(tmp_path))
    assert all(torch.equal(resumed[k], v) for k, v in whole.items())


def test_finished_training_keeps_one_file_and_is_not_done_again(tmp_path: Path) -> None:
    first = trained(Cache(tmp_path))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1
    again = trained(Cut(tmp_path, after=1))  # raises if anything is computed
    assert all(torch.equal(again[k], v) for k, v in first.items())
