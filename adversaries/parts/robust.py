"""A classifier of the gallery that is trained by one of ART's adversarial trainers.

What ART 1.20.1 does that surprises:

- A model that is an `nn.Sequential` breaks the TRADES trainer, which takes its first layer's output
  for the logits: `Classifier` is none.
- The trainers draw from the global generators of numpy and torch: see `networks.art.contained`.
- They show bars of progress, whatever `verbose` says.
- Its import takes seconds, and torchvision's does, so neither is imported before it is needed.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from adversaries.parts.classifier import Classifier
from adversaries.parts.training import Epochs, Rows
from lowkey_core.networks.art import contained, module
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import ARCFACE, FACE_SIZE, Embeddings, Images, Pictures
from lowkey_core.weights import Card
from lowkey_core.work.learning import CacheKeep, Part, fill, proceed, snapshot
from lowkey_core.work.provenance import arithmetic, fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

BATCH, RATE = 32, 1e-3
"""Pictures of a step; Adam's rate."""
SETTLED, MOMENTUM = 512, 0.1
"""Pictures for batch-norm statistics, at most; PyTorch's usual momentum."""
STEP, BETA = 2 / 8, 6.0
"""Of PGD, a step less epsilon: Madry's; of TRADES, the weight of the divergence."""


class Student(nn.Module):
    """A ResNet-18 that gives unit vectors."""

    template = ARCFACE

    def __init__(self, dimension: int, seed: int, teacher: Card) -> None:
        """seed: of the first weights. teacher: whose embeddings it is to give."""
        super().__init__()
        self.card = replace(teacher, name=f"ResNet-18 taught by {teacher.name}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            models = importlib.import_module("torchvision.models")
            self.layers = models.resnet18(weights=None, num_classes=dimension)

    def forward(self, images: Images) -> Embeddings:
        """images: (n, 3, 112, 112) in [0, 1]. Returns (n, dimension)."""
        return F.normalize(self.layers((images - 0.5) / 0.5))


@dataclass(frozen=True)
class Attack:
    """How pictures are moved while the classifier learns."""

    member: str
    """`fgsm`, `madry` or `trades`."""
    eps: float
    """Of a pixel, on the [0, 1] scale."""
    steps: int
    """Of PGD."""

    def trainer(self, estimator: Any) -> Any:
        """Of ART."""
        trainers = module("art.defences.trainer")
        attacks = module("art.attacks.evasion")
        if self.member == "fgsm":
            attack = attacks.FastGradientMethod(estimator, eps=self.eps, batch_size=BATCH)
            return trainers.AdversarialTrainer(estimator, attack, ratio=0.5)
        pgd = {"eps": self.eps, "eps_step": STEP * self.eps, "max_iter": self.steps}
        if self.member == "madry":
            return trainers.AdversarialTrainerMadryPGD(estimator, batch_size=BATCH, **pgd)
        attack = attacks.ProjectedGradientDescent(
            estimator, num_random_init=1, batch_size=BATCH, verbose=False, **pgd
        )
        return trainers.AdversarialTrainerTRADESPyTorch(estimator, attack, BETA)


@dataclass(frozen=True)
class Robust:
    """A `Fit`: each step is one batch that ART's trainer is given, kept after every pass."""

    start: Embedding
    attack: Attack
    passes: int
    pictures: int
    """Of a pass, at most."""
    seed: int
    work: Work

    @property
    def digest(self) -> str:
        """As `Fit.digest`; with the version of ART."""
        version = importlib.metadata.version("adversarial-robustness-toolbox")
        recipe = (self.attack, self.passes, self.pictures, self.seed)
        return fingerprint(type(self), version, *recipe)

    def __call__(self, classifier: Classifier, pictures: Pictures, classes: Tensor, /) -> None:
        """As `Fit`; one identity alone leaves nothing to learn. Raises: StorageError."""
        if len(classifier.prototypes) < 2:
            return
        optimiser = torch.optim.Adam(classifier.parameters(), lr=RATE)
        parts, label = {"classifier": Part(classifier)}, self._label
        rows = Epochs(len(pictures), BATCH, self.seed, most=self.pictures)
        last = self.passes * rows.per_epoch
        name = fingerprint(
            *(self.digest, self.start.network, str(device_of(classifier)), arithmetic()),
            *(pictures.digests, classes),
        )
        keep = CacheKeep(self.work.cache, name, frozen=self.work.trying is not None)

        def restore(record: Record) -> int:
            if (step := fill(record, parts)) < last:
                proceed(record, optimiser)
            return step

        start = keep.resume(restore)
        if start < last:
            fit = self._fit(classifier, optimiser, pictures, classes)
            for step in self.work.steps(label, start, last):
                fit(rows.batch(step)[0], step)
                if (step + 1) % rows.per_epoch == 0:
                    done = step + 1
                    if done == last:
                        settle(classifier, pictures, self.seed)
                    keep.save(snapshot(done, parts, optimiser if done < last else None))
                    self.work.say(label, done // rows.per_epoch, self.passes)
        found = start // rows.per_epoch
        self.work.count(label, "found", found)
        self.work.count(label, "made", self.passes - found)

    @property
    def _label(self) -> str:
        return f"adversarial training on the gallery ({self.attack.member})"

    def _fit(
        self,
        classifier: Classifier,
        optimiser: torch.optim.Optimizer,
        pictures: Pictures,
        classes: Tensor,
    ) -> Callable[[Tensor, int], None]:
        """A function of row numbers and a step, which trains the classifier on these rows."""
        faces = Rows(lambda row: pictures.items[row].face(ARCFACE), len(pictures))
        estimators = module("art.estimators.classification.pytorch")
        device: Literal["gpu", "cpu"] = "gpu" if device_of(classifier).type == "cuda" else "cpu"
        estimator = estimators.PyTorchClassifier(
            model=classifier,
            loss=nn.CrossEntropyLoss(),
            optimizer=optimiser,
            input_shape=(3, FACE_SIZE, FACE_SIZE),
            nb_classes=len(classifier.prototypes),
            clip_values=(0.0, 1.0),
            device_type=device,
        )
        estimator.loss_gradient = of_pictures_alone(classifier, estimator.loss_gradient)
        trainer = self.attack.trainer(estimator)
        wanted = np.eye(len(classifier.prototypes), dtype=np.float32)[classes.numpy()]

        def fit(rows: Tensor, step: int) -> None:
            shown = faces[rows].float().div(255).numpy()
            seed = (self.seed * 10_007 + step) % 2**32
            with contained(seed), _quiet():
                torch.manual_seed(seed)
                trainer.fit(shown, wanted[rows.numpy()], batch_size=len(rows), nb_epochs=1)

        return fit


def of_pictures_alone(network: nn.Module, gradient: Callable[..., Any]) -> Callable[..., Any]:
    """The same gradient, without those of the weights, for which an attack has no use: a third of
    the time of ART's attacks on a network that learns."""

    def found(*given: Any, **named: Any) -> Any:
        learning = [weight for weight in network.parameters() if weight.requires_grad]
        for weight in learning:
            weight.requires_grad_(False)
        try:
            return gradient(*given, **named)
        finally:
            for weight in learning:
                weight.requires_grad_(True)

    return found


def settle(classifier: Classifier, pictures: Pictures, seed: int) -> None:
    """Takes the batch-norm statistics anew from the gallery: the moving averages of a short
    training are of weights that are gone. Ours."""
    norms = [m for m in classifier.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # then they are means over all batches
    order = torch.randperm(len(pictures), generator=Generator().manual_seed(seed))
    classifier.train()
    with torch.no_grad():
        for rows in order[:SETTLED].split(BATCH):
            classifier(pictures.faces(rows=rows.tolist()).to(device_of(classifier)))
    classifier.eval()
    for norm in norms:
        norm.momentum = MOMENTUM


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Inside, ART's trainers show no bars of progress, and PGD does not count how often it
    succeeds: that is for ART's log alone, and costs two more passes through the network."""
    plain: dict[str, Callable[..., Any]] = {
        "trange": lambda count, **_: range(count),
        "tqdm": lambda items, **_: items,
        "compute_success": lambda *_, **__: 0.0,
    }
    modules = [importlib.import_module(f"art.{name}") for name in _NOISY]
    before = [(m, name, getattr(m, name)) for m in modules for name in plain if hasattr(m, name)]
    try:
        for module, name, _ in before:
            setattr(module, name, plain[name])
        yield
    finally:
        for module, name, found in before:
            setattr(module, name, found)


_NOISY = (
    "defences.trainer.adversarial_trainer",
    "defences.trainer.adversarial_trainer_trades_pytorch",
    "attacks.evasion.projected_gradient_descent.projected_gradient_descent_pytorch",
)
