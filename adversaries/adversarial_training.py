"""Adversarial training through ART (Adversarial Robustness Toolbox 1.20.1): a ResNet-18 that tells
who of the gallery it is, trained on perturbed copies of what was scraped. It knows of no cloak:
its attacks on itself stand in for one.

- `adversarial-training:fgsm`: half of each batch moved by the fast gradient sign method, epsilon
  0.01 (Goodfellow et al., ICLR 2015, arXiv 1412.6572).
- `adversarial-training:madry`: all of it by projected gradient descent, epsilon 8/255, steps of
  2/255 (Madry et al., ICLR 2018, arXiv 1706.06083, for CIFAR-10; 7 steps there).
- `adversarial-training:trades`: cross-entropy on clean pictures, and 6 times the divergence between
  answers to clean and to moved ones, by the same attack (Zhang et al., ICML 2019, arXiv
  1901.08573; beta = 6 is theirs).

Adam with a rate of 1e-3. Ours: torchvision's ResNet-18 starts without ImageNet weights, and is
first taught on the background to give the recogniser's embeddings; the logits are cosines times 16,
and the vector of a class starts at the mean embedding of its pictures; an epoch is 512 pictures at
most, and PGD takes 3 steps, so that a gallery takes minutes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from torch import Generator, Tensor

from adversaries import AdversaryAbout, Prepared, ThreatModel
from adversaries.parts.classifier import OnGallery
from adversaries.parts.robust import Attack, Robust, Student
from adversaries.parts.training import Recipe, Rows, train
from lowkey_core.errors import NotPossibleError, OptionError, setting
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import ARCFACE
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.runtime import device_of
from lowkey_core.work.work import Work

MEMBERS = ("fgsm", "madry", "trades")
MOST_PASSES = 10


def build(
    member: str,
    work: Work,
    device: torch.device | None = None,
    epochs: int = 12,
    passes: Annotated[int, Ge(0)] | None = None,
    pictures: Annotated[int, Ge(1)] = 512,
    eps: Annotated[float, Gt(0), Le(1)] | None = None,
    steps: Annotated[int, Ge(1)] | None = None,
) -> AdversarialTraining:
    """member: one of MEMBERS. epochs: passes over the background, in which the network is taught
    the recogniser's embeddings. passes: epochs of training on the gallery; half as many, and at
    most 10. pictures: of each, at most, drawn anew. eps: how far the attack moves a pixel, on the
    [0, 1] scale; 0.01 for `fgsm`, else 8/255. steps: of PGD; 3."""
    single = member == "fgsm"
    if single and steps is not None:
        raise OptionError(
            f"adversarial-training:fgsm was told steps={steps}",
            expected="that of madry and trades alone: the attack of fgsm is one step",
            remedy="leave it out, or name one of those",
        )
    attack = Attack(member, eps or (0.01 if single else 8 / 255), steps or 3)
    # ART knows no other accelerator.
    device = device if device is not None and device.type == "cuda" else torch.device("cpu")
    passes = min(epochs // 2, MOST_PASSES) if passes is None else passes
    return AdversarialTraining(work, device, Recipe(epochs), attack, passes, pictures)


class AdversarialTraining:
    """Takes faces of 112x112 pixels."""

    about = AdversaryAbout(
        "Does it survive adversarial training?",
        "replaced by a classifier trained on perturbed pictures",
        uses_tool=False,
        trains_per_gallery=True,
    )

    def __init__(
        self,
        work: Work,
        device: torch.device,
        recipe: Recipe,
        attack: Attack,
        passes: int,
        pictures: int,
    ) -> None:
        self.work, self.device, self.recipe = work, device, recipe
        self.attack, self.passes, self.pictures = attack, passes, pictures

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """Teaches the network. Raises: NotPossibleError if the recogniser gives no embeddings."""
        teacher = threat.recognition
        if not isinstance(teacher, Embedding):
            raise NotPossibleError(
                f"{teacher.card.name} gives no embeddings to learn from",
                expected="a recogniser that does, black box or not",
                remedy=f"name one first with {setting('recogniser')}",
            )
        background, seed = threat.background, rng.initial_seed()
        home = teacher.embed(background)
        student = Student(home.shape[1], seed, teacher.card).to(self.device)
        faces = Rows(lambda row: background.items[row].face(ARCFACE), len(background))

        def loss(rows: Tensor, rng: Generator) -> Tensor:
            device = device_of(student)
            shown = faces[rows].float().div(255)
            flip = torch.rand(len(rows), generator=rng) < 0.5
            shown = torch.where(flip.view(-1, 1, 1, 1), shown.flip(-1), shown).to(device)
            cosines: Tensor = (student(shown) * home[rows].to(device)).sum(1)
            return 1 - cosines.mean()

        student.train()
        train(
            student,
            loss,
            len(background),
            self.recipe,
            key=fingerprint(type(self), teacher.averaged, background.digests, str(self.device)),
            seed=seed,
            work=self.work,
            label=f"teaching a ResNet-18 what {teacher.card.name} knows",
        )
        student.eval().requires_grad_(False)
        start = replace(teacher, network=student)
        fit = Robust(start, self.attack, self.passes, self.pictures, seed, self.work)
        learned = {"pictures": float(len(background)), "identities": float(len(background.people))}
        return OnGallery(start, fit, self.work, learned=learned)
