"""From data sets to weight files: the recipes of `synthetic train` and `zoo train NAME`.

Training takes an hour or two on two cores. It saves checkpoints, and resumes at the last one when
it is started again in the same folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save as pack
from torch import Tensor

from lowkey_core import datasets, recognisers
from lowkey_core.datasets.synthetic import GENERATOR, GENERATOR_KEY, PRIOR_KEY
from lowkey_core.errors import unknown_name
from lowkey_core.networks.face_generator import MARGIN
from lowkey_core.networks.flip import AtArcFace, FlipAveraged
from lowkey_core.recognisers import mobilefacenet, zoo
from lowkey_core.training import distillation, generator
from lowkey_core.training import zoo as students
from lowkey_core.training.faces import ROOM, TrainingFaces, generated_faces, training_faces
from lowkey_core.training.prior import codes, fit_prior
from lowkey_core.types import Embeddings, Images, Network
from lowkey_core.work.files import write_atomically
from lowkey_core.work.learning import FileKeep
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
"""The teacher and the settings of each member."""
_REAL, _GENERATED = 5, 2
"""Augmented samples per face of LFW, and of SynthFaces."""


def train(name: str, folder: Path, work: Work) -> Path:
    """Train a network and write its weight file into `folder`. Returns the file's path.

    name: `synthfaces`, or a member of the zoo as `zoo:mobile`. Raises: UnknownNameError,
    MissingWeightsError (no teacher), DatasetError (no LFW), CheckpointError, StorageError.
    """
    if name == "synthfaces":
        return _generator(folder, work)
    member = name.removeprefix("zoo:")
    if member not in RECIPES:
        raise unknown_name("member of the zoo", name, [f"zoo:{m}" for m in RECIPES])
    return _member(member, folder, work)


def _member(member: str, folder: Path, work: Work) -> Path:
    name, config = RECIPES[member]
    teacher = AtArcFace(
        recognisers.network(name)
    )  # first: a missing teacher must be reported at once
    real = distillation.prepare(training_faces(datasets.load("lfw"), work), teacher, _REAL, work)
    generated = distillation.prepare(generated_faces(work), teacher, _GENERATED, work)
    # The mean is that of real faces: on those the student must agree with its teacher.
    samples = real.join(generated).centred(real.targets.mean(0))
    run = f"zoo:{member} {config}, {len(samples.images)} samples, {GENERATOR.sha256[:8]}"
    del real, generated
    torch.manual_seed(0)
    network = zoo.network(member)
    keep = FileKeep(folder / f"zoo-{member}.ckpt", run)
    students.train(network, samples, config, keep, work.show)
    return _written(folder / zoo.CARDS[member].file, network.state_dict())


def _generator(folder: Path, work: Work) -> Path:
    ms1m, dlib = mobilefacenet.build("ms1m"), AtArcFace(recognisers.network("dlib"))
    faces, config = training_faces(datasets.load("lfw"), work), generator.TrainConfig()
    embeddings = [_embeddings(critic, faces, work) for critic in (ms1m, dlib)]
    edge = ROOM - MARGIN
    portrait_set = generator.PortraitSet(
        portraits=faces.images[:, :, edge:-edge, edge:-edge],
        codes=codes(embeddings[0]),
        people=faces.identities,
        critics=(
            generator.IdentityCritic(ms1m, embeddings[0]),
            generator.IdentityCritic(dlib, embeddings[1], weight=4.0),
        ),
    )
    keep = FileKeep(folder / "synthfaces.ckpt", f"synthfaces {config}, {faces.digest[:8]}")
    torch.manual_seed(0)
    features = generator.inner_layers(ms1m)
    network, nuisance = generator.train(portrait_set, features, config, keep, work.show)
    prior = fit_prior(portrait_set.codes, portrait_set.people, nuisance)
    parts = {GENERATOR_KEY: network, PRIOR_KEY: prior}
    state = {f"{n}.{k}": v for n, part in parts.items() for k, v in part.state_dict().items()}
    return _written(folder / GENERATOR.file, state)


def _embeddings(critic: Network, faces: TrainingFaces, work: Work) -> Embeddings:
    """(n, d): a recogniser's embeddings of the training faces."""

    def rows(portraits: Images) -> Embeddings:
        return FlipAveraged(critic)(portraits[:, :, ROOM:-ROOM, ROOM:-ROOM].float() / 255)

    digests = [f"{faces.digest} {i}" for i in range(len(faces))]
    label = "embedding the training faces"
    return work.per_item(label, rows, digests, lambda chosen: faces.images[chosen])


def _written(path: Path, state: Mapping[str, Tensor]) -> Path:
    """Write a weight file in half precision, as the files ship with the project."""
    halves = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in state.items()}
    write_atomically(path, pack(halves))
    return path
