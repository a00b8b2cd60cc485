"""What each adversary is for, beyond what all of them promise."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor, nn

from adversaries import Prepared, System, ThreatModel
from adversaries.adaptive import Adaptive
from adversaries.detection import Detection
from adversaries.oblivious import Oblivious
from adversaries.parts.detectors import lesson
from adversaries.parts.training import Recipe, train
from lowkey_core.cloaks.lowkey import LowKey, Schedule
from lowkey_core.content import quantise
from lowkey_core.errors import NotPossibleError
from lowkey_core.faces.pictures import crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import ARCFACE, Pictures, faces_of
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

NETWORK = TinyNetwork(1)
CLOAK = LowKey((NETWORK,), Schedule(steps=10, step_size=0.02, ssim_price=0.0))
SEEDED = Generator().manual_seed(0)
CLOAKED: dict[tuple[str, ...], Pictures] = {}
"""What the tool made, by digests of the pictures."""


def tool(pictures: Pictures, rng: Generator) -> Pictures:
    faces = faces_of(pictures)
    if pictures.digests not in CLOAKED:
        made = crops(quantise(CLOAK(faces, rng)), faces.identities, faces.names)
        CLOAKED[pictures.digests] = made
    return CLOAKED[pictures.digests]


def threat(**changes: object) -> ThreatModel:
    given = {
        "recognition": Embedding(NETWORK, MATCHERS.load("nn"), "nn", Work()),
        "background": people(24, 3, seed=9),
        "tool": tool,
    }
    return ThreatModel(**{**given, **changes})  # type: ignore[arg-type]


@cache
def audited() -> tuple[Pictures, Pictures, Pictures]:
    """Clean gallery, cloaked gallery, probes of 12 people nobody learned from."""
    pictures = people(12, 4)
    gallery = pictures.select([i for i in range(48) if i % 4])
    return gallery, tool(gallery, Generator().manual_seed(0)), pictures.select(range(0, 48, 4))


def identified(system: System, probes: Pictures) -> float:
    """Share of probes whose person is found first."""
    ranks = system.gallery.search(probes, 1).ranks(probes.identities)
    return (ranks == 1).float().mean().item()


def test_oblivious_never_calls_the_tool() -> None:
    def forbidden(pictures: Pictures, rng: Generator) -> Pictures:
        raise AssertionError("an oblivious adversary knows of no cloak")

    prepared = Oblivious().prepare(threat(tool=forbidden), SEEDED)
    prepared(audited()[0])


def test_oblivious_enrols_everything_and_suspects_nothing() -> None:
    clean, cloaked, _ = audited()
    for gallery in (clean, cloaked):
        system = Oblivious().prepare(threat(), SEEDED)(gallery)
        assert system.kept is gallery
        assert not system.flagged.any()
        assert system.suspicion is None


def test_adaptive_undoes_what_oblivious_suffers(monkeypatch: pytest.MonkeyPatch) -> None:
    # This network has no batch norm, and has learned nothing that large steps could destroy.
    monkeypatch.setattr("adversaries.adaptive.gently", lambda recipe, _network: recipe)
    clean, cloaked, probes = audited()
    rates = {}
    for adversary in (Oblivious(), Adaptive(Work(), Recipe(12, rate=3e-3))):
        prepared = adversary.prepare(threat(), SEEDED)
        for arm, gallery in (("clean", clean), ("cloaked", cloaked)):
            rates[type(adversary).__name__, arm] = identified(prepared(gallery), probes)
    assert rates["Oblivious", "clean"] == rates["Adaptive", "clean"] == 1.0
    assert rates["Oblivious", "cloaked"] < 0.3
    assert rates["Adaptive", "cloaked"] > rates["Oblivious", "cloaked"] + 0.25


def test_adaptive_says_when_it_saw_no_cloak() -> None:
    prepared = Adaptive(Work(), Recipe(1)).prepare(threat(tool=lambda p, rng: p), SEEDED)
    assert prepared.learned == {"pictures": 72.0, "identities": 24.0, "cloaked_seen": 0.0}


def test_adaptive_refuses_a_black_box() -> None:
    class Box:
        card, template = NETWORK.card, ARCFACE

        def __call__(self, images: Tensor) -> Tensor:
            return NETWORK(images)

    box = Embedding(Box(), MATCHERS.load("nn"), "nn", Work())
    with pytest.raises(NotPossibleError, match="black box"):
        Adaptive(Work(), Recipe(1)).prepare(threat(recognition=box), SEEDED)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """So that a detector is trained once."""
    return Work(Cache(tmp_path_factory.mktemp("cache")))


def detecting(flagged: str, work: Work) -> Prepared:
    detection = Detection(work, Recipe(3, batch=16, rate=3e-3), flagged)  # type: ignore[arg-type]
    assert ("dropped" in detection.about.phrase) == (flagged == "drop")
    return detection.prepare(threat(), SEEDED)


@pytest.mark.parametrize("flagged", ["drop", "keep"])
def test_detection_flags_cloaks_it_has_not_seen(
    flagged: str, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lesson, "VERSIONS", ("none", "jpeg:90", "jpeg:75"))
    clean, cloaked, probes = audited()
    prepared = detecting(flagged, work)
    system = prepared(cloaked)
    assert system.flagged.float().mean() >= 0.95
    assert prepared(clean).flagged.float().mean() <= 0.15
    kept = torch.ones(len(cloaked)).bool() if flagged == "keep" else ~system.flagged
    assert system.kept.names == cloaked.select(kept).names
    assert system.suspicion is not None
    assert torch.equal(system.suspicion > 0, system.flagged)
    assert len(system.gallery.search(probes, 5).scores) == len(probes)


def test_detection_needs_people_to_set_its_threshold_on() -> None:
    with pytest.raises(NotPossibleError, match=r"1 identity.*at least 2.*raise background"):
        Detection(Work(), Recipe(1), "drop").prepare(threat(background=people(1, 3)), SEEDED)


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
