"""What students learn from: augmented faces, what a teacher says of each, and who it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from lowkey_core.training.faces import TrainingFaces
from lowkey_core.types import FACE_SIZE, Embedder, Images
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

NOBODY = -1
"""The label of a mixture of two people."""
_CHUNK = 512


@dataclass(frozen=True)
class DistillationSet:
    """Faces as a student gets them, ready made: teachers are slow, and several students share."""

    images: Tensor
    """(n, 3, 112, 112) uint8, aligned."""
    targets: Tensor
    """(n, d) float32, unit norm: the teacher's embedding of that very picture."""
    identities: Tensor
    """(n,) int64; NOBODY for a mixture."""

    @property
    def people(self) -> int:
        """How many there are."""
        return int(self.identities.max()) + 1

    def centred(self, mean: Tensor) -> DistillationSet:
        """With targets less `mean`, (d,), at unit norm again: all of dlib's embeddings lie in one
        corner of their space, and a student would learn the way there first."""
        return replace(self, targets=F.normalize(self.targets - mean))

    def join(self, more: DistillationSet) -> DistillationSet:
        """Both, and nobody of one is anybody of the other."""
        theirs = torch.where(more.identities == NOBODY, NOBODY, more.identities + self.people)
        return DistillationSet(
            torch.cat([self.images, more.images]),
            torch.cat([self.targets, more.targets]),
            torch.cat([self.identities, theirs]),
        )

    def batch(self, step: int, size: int) -> tuple[Images, Tensor, Tensor]:
        """Images in [-1, 1], targets and identities for a step: every sample once per pass,
        but for the last few that fill no batch. size: at most the number of samples."""
        passes, turn = divmod(step, len(self.images) // size)
        order = torch.randperm(len(self.images), generator=Generator().manual_seed(passes))
        rows = order[turn * size : (turn + 1) * size]
        images = self.images[rows].float().div_(127.5).sub_(1)
        images = images.contiguous(memory_format=torch.channels_last)
        return images, self.targets[rows], self.identities[rows]


def prepare(faces: TrainingFaces, teacher: Embedder, variants: int, work: Work) -> DistillationSet:
    """`variants` augmented pictures of each face, in chunks that are kept when finished."""
    passes = [
        torch.randperm(len(faces), generator=Generator().manual_seed(v)) for v in range(variants)
    ]
    order = torch.cat(passes)
    chunks = order.split(_CHUNK)
    keys = [fingerprint("samples", teacher, i, rows, faces.digest) for i, rows in enumerate(chunks)]

    def make(i: int) -> Record:
        rng = Generator().manual_seed(i)
        images, identities = augmented(faces.images[chunks[i]], faces.identities[chunks[i]], rng)
        pixels = images.mul(255).round().to(torch.uint8)
        with torch.no_grad():
            targets = torch.cat([teacher(p.float() / 255) for p in pixels.split(64)])
        return {"images": pixels, "targets": targets, "identities": identities}

    records = work.through("preparing samples", keys, make)
    images, targets, identities = (
        torch.cat([r[name] for r in records]) for name in ("images", "targets", "identities")
    )
    return DistillationSet(images, targets, identities)


def augmented(faces: Tensor, identities: Tensor, rng: Generator) -> tuple[Images, Tensor]:
    """Faces, disturbed; a quarter of them mixed in pairs.

    faces: (n, 3, s, s) uint8, with room around the template. identities: (n,) int64.
    Returns (n, 3, 112, 112) float32 in [0, 1], and who they are.
    """
    images, count = disturbed(faces.float() / 255, rng), len(faces)
    mixed = torch.randperm(count, generator=rng)[: count // 4]
    others = torch.randperm(count, generator=rng)[: count // 4]
    share = 0.3 + 0.4 * torch.rand(len(mixed), 1, 1, 1, generator=rng)
    images[mixed] = share * images[mixed] + (1 - share) * images[others]
    identities = identities.clone()
    identities[mixed] = NOBODY
    return images, identities


def disturbed(images: Images, rng: Generator) -> Images:
    """Faces as a detector, a camera and a web site leave them: moved, some seen in a mirror, lit,
    some blurred or noisy. Gradients pass.

    images: (n, 3, s, s) in [0, 1], with room around the template; a corner that is moved in from
    outside continues the edge. Returns (n, 3, 112, 112).
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
    """Turned by up to 5 degrees, 6% larger or smaller, 4 pixels off: as detectors err."""
    side = images.shape[-1]
    angle, scale = draw(-0.08, 0.08).flatten(), draw(0.94, 1.06).flatten()
    x, y = (2 / side * draw(-4, 4).flatten() for _ in range(2))
    cosine, sine = (scale * FACE_SIZE / side * f(angle) for f in (torch.cos, torch.sin))
    rows = [torch.stack([cosine, -sine, x], 1), torch.stack([sine, cosine, y], 1)]
    shape = [len(images), 3, FACE_SIZE, FACE_SIZE]
    grid = F.affine_grid(torch.stack(rows, 1), shape, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False, padding_mode="border")
