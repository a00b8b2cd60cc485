"""From data sets to weight files: what `synthetic train` and `zoo train NAME` do.

Training takes an hour or two on two cores, keeps what it has, and goes on from there when it is
started again in the same folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save as pack
from torch import Tensor

from lowkey_core import datasets, recognisers
from lowkey_core.datasets.synthetic import GENERATOR
from lowkey_core.errors import unknown_name
from lowkey_core.networks.face_generator import MARGIN
from lowkey_core.networks.flip import FlipAveraged
from lowkey_core.recognisers import mobilefacenet, zoo
from lowkey_core.training import distillation, generator
from lowkey_core.training import zoo as students
from lowkey_core.training.checkpoints import Checkpoints
from lowkey_core.training.faces import ROOM, TrainingFaces, drawn_faces, training_faces
from lowkey_core.training.people import codes, fit_prior
from lowkey_core.types import Embedder, Embeddings, Images
from lowkey_core.work.files import write_atomically
from lowkey_core.work.work import Work

RECIPES = {
    "ir-arcface": (
        "mobilefacenet:ms1m",
        students.TrainConfig(2000, margin="arcface", low_precision=True),
    ),
    "resnet-cosface": (
        "mobilefacenet:ms1m",
        students.TrainConfig(2000, margin="cosface", low_precision=True),
    ),
    "mobile": ("dlib", students.TrainConfig(2000)),
    "vit": ("dlib", students.TrainConfig(6000, rate=1e-3, decay=0.05)),
}
"""Each member's teacher and config."""
_REAL, _DRAWN = 5, 2
"""DistillationSet from each face of LFW, and of SynthFaces."""


def train(name: str, folder: Path, work: Work) -> Path:
    """Writes the network's weight file into `folder`, and returns where.

    name: `synthfaces`, or a member of the zoo as `zoo:mobile`. Raises: UnknownNameError,
    MissingWeightsError or DatasetError where a teacher or LFW are absent, CheckpointError,
    StorageError.
    """
    if name == "synthfaces":
        return _painter(folder, work)
    member = name.removeprefix("zoo:")
    if member not in RECIPES:
        raise unknown_name("member of the zoo", name, [f"zoo:{m}" for m in RECIPES])
    return _member(member, folder, work)


def _member(member: str, folder: Path, work: Work) -> Path:
    name, config = RECIPES[member]
    teacher = recognisers.load(name)  # first: whether it is here is better known at once
    real = distillation.prepare(training_faces(datasets.load("lfw"), work), teacher, _REAL, work)
    drawn = distillation.prepare(drawn_faces(work), teacher, _DRAWN, work)
    # On real faces' mean: it is on those that the student must agree with its teacher.
    known = real.join(drawn).centred(real.targets.mean(0))
    what = f"zoo:{member} {config}, {len(known.images)} samples, drawn by {GENERATOR.sha256[:8]}"
    del real, drawn
    torch.manual_seed(0)
    network = zoo.network(member)
    kept = Checkpoints(folder / f"zoo-{member}.ckpt", what)
    students.train(network, known, config, kept, work.show)
    return _written(folder / zoo.CARDS[member].file, network.state_dict())


def _painter(folder: Path, work: Work) -> Path:
    ms1m, dlib = mobilefacenet.build("ms1m"), recognisers.load("dlib")
    faces, config = training_faces(datasets.load("lfw"), work), generator.TrainConfig()
    known = [_known(critic, faces, work) for critic in (ms1m, dlib)]
    edge = ROOM - MARGIN
    portrait_set = generator.PortraitSet(
        portraits=faces.images[:, :, edge:-edge, edge:-edge],
        codes=codes(known[0]),
        people=faces.identities,
        critics=(
            generator.IdentityCritic(ms1m, known[0]),
            generator.IdentityCritic(dlib, known[1], weight=4.0),
        ),
    )
    kept = Checkpoints(folder / "synthfaces.ckpt", f"synthfaces {config}, {faces.digest[:8]}")
    torch.manual_seed(0)
    features = generator.inner_layers(ms1m)
    painter, seen = generator.train(portrait_set, features, config, kept, work.show)
    parts = {"painter": painter, "cast": fit_prior(portrait_set.codes, portrait_set.people, seen)}
    state = {f"{n}.{k}": v for n, part in parts.items() for k, v in part.state_dict().items()}
    return _written(folder / GENERATOR.file, state)


def _known(critic: Embedder, faces: TrainingFaces, work: Work) -> Embeddings:
    """What a recogniser says of the training faces."""

    def rows(portraits: Images) -> Embeddings:
        return FlipAveraged(critic)(portraits[:, :, ROOM:-ROOM, ROOM:-ROOM].float() / 255)

    digests = [f"{faces.digest} {i}" for i in range(len(faces))]
    return work.per_face("looking at the training faces", rows, faces.images, digests)


def _written(path: Path, state: Mapping[str, Tensor]) -> Path:
    """Half precision: the files travel with the project."""
    halves = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in state.items()}
    write_atomically(path, pack(halves))
    return path
