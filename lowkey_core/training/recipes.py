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

from lowkey_core import datasets, embedders
from lowkey_core.cache import Work
from lowkey_core.checks import unknown_name
from lowkey_core.datasets.synthetic import GENERATOR
from lowkey_core.drawing import MARGIN
from lowkey_core.embedders import FlipAveraged, mobilefacenet, zoo
from lowkey_core.files import write_atomically
from lowkey_core.training import lessons, portraits, students
from lowkey_core.training.casting import cast, codes
from lowkey_core.training.checkpoints import Checkpoints
from lowkey_core.training.faces import ROOM, TrainingFaces, drawn_faces, training_faces
from lowkey_core.types import Embedder, Embeddings, Images

RECIPES = {
    "ir-arcface": (
        "mobilefacenet:ms1m",
        students.Course(2000, margin="arcface", low_precision=True),
    ),
    "resnet-cosface": (
        "mobilefacenet:ms1m",
        students.Course(2000, margin="cosface", low_precision=True),
    ),
    "mobile": ("dlib", students.Course(2000)),
    "vit": ("dlib", students.Course(6000, rate=1e-3, decay=0.05)),
}
"""Each member's teacher and course."""
_REAL, _DRAWN = 5, 2
"""Lessons from each face of LFW, and of SynthFaces."""


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
    name, course = RECIPES[member]
    teacher = embedders.load(name)  # first: whether it is here is better known at once
    real = lessons.prepare(training_faces(datasets.load("lfw"), work), teacher, _REAL, work)
    drawn = lessons.prepare(drawn_faces(work), teacher, _DRAWN, work)
    # On real faces' mean: it is on those that the student must agree with its teacher.
    known = real.join(drawn).centred(real.targets.mean(0))
    what = f"zoo:{member} {course}, {len(known.images)} lessons, drawn by {GENERATOR.sha256[:8]}"
    del real, drawn
    torch.manual_seed(0)
    network = zoo.network(member)
    kept = Checkpoints(folder / f"zoo-{member}.ckpt", what)
    students.train(network, known, course, kept, work.show)
    return _written(folder / zoo.CARDS[member].file, network.state_dict())


def _painter(folder: Path, work: Work) -> Path:
    ms1m, dlib = mobilefacenet.build("ms1m"), embedders.load("dlib")
    faces, course = training_faces(datasets.load("lfw"), work), portraits.Course()
    known = [_known(judge, faces, work) for judge in (ms1m, dlib)]
    edge = ROOM - MARGIN
    album = portraits.Album(
        portraits=faces.images[:, :, edge:-edge, edge:-edge],
        codes=codes(known[0]),
        people=faces.identities,
        judges=(portraits.Judge(ms1m, known[0]), portraits.Judge(dlib, known[1], weight=4.0)),
    )
    kept = Checkpoints(folder / "synthfaces.ckpt", f"synthfaces {course}, {faces.digest[:8]}")
    torch.manual_seed(0)
    features = portraits.inner_layers(ms1m)
    painter, seen = portraits.train(album, features, course, kept, work.show)
    parts = {"painter": painter, "cast": cast(album.codes, album.people, seen)}
    state = {f"{n}.{k}": v for n, part in parts.items() for k, v in part.state_dict().items()}
    return _written(folder / GENERATOR.file, state)


def _known(judge: Embedder, faces: TrainingFaces, work: Work) -> Embeddings:
    """What a recogniser says of the training faces."""

    def rows(portraits: Images) -> Embeddings:
        return FlipAveraged(judge)(portraits[:, :, ROOM:-ROOM, ROOM:-ROOM].float() / 255)

    digests = [f"{faces.digest} {i}" for i in range(len(faces))]
    return work.per_face("looking at the training faces", rows, faces.images, digests)


def _written(path: Path, state: Mapping[str, Tensor]) -> Path:
    """Half precision: the files travel with the project."""
    halves = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in state.items()}
    write_atomically(path, pack(halves))
    return path
