"""Training sets for distillation: augmented faces, the teacher's embeddings, and identities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.training.faces import TrainingFaces
from lowkey_core.types import FACE_SIZE, Images, Network
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

MIXTURE = -1
"""The label of a mixture of two people."""
_CHUNK = 512


@dataclass(frozen=True)
class DistillationSet:
    """Augmented faces with their targets, made in advance, as teachers are slow."""

    images: Tensor
    """(n, 3, 112, 112) uint8, aligned."""
    targets: Tensor
    """(n, d) float32, unit norm: the teacher's embedding of the same augmented picture."""
    identities: Tensor
    """(n,) int64; MIXTURE for a blend of two faces."""

    @property
    def people(self) -> int:
        """Number of identities."""
        return int(self.identities.max()) + 1

    def centred(self, mean: Tensor) -> DistillationSet:
        """With `mean`, (d,), subtracted from the targets, which are then normalised again. dlib's
        embeddings have a large common mean, which a student would otherwise learn first."""
        return replace(self, targets=F.normalize(self.targets - mean))

    def join(self, more: DistillationSet) -> DistillationSet:
        """Both sets together; no identity of one is an identity of the other."""
        theirs = torch.where(more.identities == MIXTURE, MIXTURE, more.identities + self.people)
        return DistillationSet(
            torch.cat([self.images, more.images]),
            torch.cat([self.targets, more.targets]),
            torch.cat([self.identities, theirs]),
        )

    def batch(self, step: int, size: int) -> tuple[Images, Tensor, Tensor]:
        """Images (size, 3, 112, 112) in [-1, 1], targets and identities of a step.

        Each pass over the set has its own order, and leaves out the last samples if they do not
        fill a batch. size: at most the number of samples.
        """
        epoch, number = divmod(step, len(self.images) // size)
        order = torch.randperm(len(self.images), generator=Generator().manual_seed(epoch))
        rows = order[number * size : (number + 1) * size]
        images = self.images[rows].float().div_(127.5).sub_(1)
        images = images.contiguous(memory_format=torch.channels_last)
        return images, self.targets[rows], self.identities[rows]


def prepare(faces: TrainingFaces, teacher: Network, variants: int, work: Work) -> DistillationSet:
    """`variants` augmented pictures of each face, with the teacher's embeddings.

    Finished chunks are kept in the cache. Raises: StorageError.
    """
    passes = [
        torch.randperm(len(faces), generator=Generator().manual_seed(v)) for v in range(variants)
    ]
    order = torch.cat(passes)
    chunks = order.split(_CHUNK)
    keys = [
        fingerprint(augment_and_mix, teacher, i, rows, faces.digest)
        for i, rows in enumerate(chunks)
    ]

    def make(i: int) -> Record:
        rng = Generator().manual_seed(i)
        rows = chunks[i]
        images, identities = augment_and_mix(faces.images[rows], faces.identities[rows], rng)
        pixels = images.mul(255).round().to(torch.uint8)
        with torch.no_grad():
            targets = torch.cat([teacher(p.float() / 255) for p in pixels.split(64)])
        return {"images": pixels, "targets": targets, "identities": identities}

    records = work.through("preparing samples", keys, make)
    images, targets, identities = (
        torch.cat([r[name] for r in records]) for name in ("images", "targets", "identities")
    )
    return DistillationSet(images, targets, identities)


def augment_and_mix(faces: Tensor, identities: Tensor, rng: Generator) -> tuple[Images, Tensor]:
    """Augmented faces, a quarter of them blended with another one.

    faces: (n, 3, s, s) uint8, with room around the template. identities: (n,) int64.
    Returns (n, 3, 112, 112) float32 in [0, 1], and the identities, MIXTURE for a blend.
    """
    images, count = augment(faces.float() / 255, rng), len(faces)
    mixed = torch.randperm(count, generator=rng)[: count // 4]
    others = torch.randperm(count, generator=rng)[: count // 4]
    share = 0.3 + 0.4 * torch.rand(len(mixed), 1, 1, 1, generator=rng)
    images[mixed] = share * images[mixed] + (1 - share) * images[others]
    identities = identities.clone()
    identities[mixed] = MIXTURE
    return images, identities


def augment(images: Images, rng: Generator) -> Images:
    """Random augmentation, differentiable: alignment error, mirroring, brightness, contrast,
    saturation, blur and noise.

    images: (n, 3, s, s) in [0, 1], with room around the template. Pixels from outside repeat the
    edge. Returns (n, 3, 112, 112) in [0, 1].
    """
    count = len(images)

    def draw(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(count, generator=rng)).view(-1, 1, 1, 1)

    def some(share: float) -> Tensor:
        return draw(0, 1) < share

    images = _moved(images, draw)
    images = torch.where(some(0.5), images.flip(-1), images)
    images = (images - 0.5) * draw(0.75, 1.25) + 0.5 + draw(-0.12, 0.12)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * draw(0.3, 1.3)
    halved = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2.0, mode="bilinear")
    images = torch.where(some(0.15), halved, images)
    images = images + torch.randn(images.shape, generator=rng) * some(0.3) * draw(0, 0.04)
    return images.clamp(0, 1)


def _moved(images: Images, draw: Callable[[float, float], Tensor]) -> Images:
    """Rotated by up to 5 degrees, scaled by up to 6%, moved by up to 4 pixels, as detectors err."""
    side = images.shape[-1]
    angle, scale = draw(-0.08, 0.08).flatten(), draw(0.94, 1.06).flatten()
    x, y = (2 / side * draw(-4, 4).flatten() for _ in range(2))
    cosine, sine = (scale * FACE_SIZE / side * f(angle) for f in (torch.cos, torch.sin))
    rows = [torch.stack([cosine, -sine, x], 1), torch.stack([sine, cosine, y], 1)]
    shape = [len(images), 3, FACE_SIZE, FACE_SIZE]
    grid = F.affine_grid(torch.stack(rows, 1), shape, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False, padding_mode="border")
