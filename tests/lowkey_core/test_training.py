"""How the shipped networks were made: what is learned from, what is kept out, what is resumed."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load as parse_tensors
from scipy.special import log_softmax
from torch import Generator, Tensor, nn

from lowkey_core import embedders
from lowkey_core.cache import Cache, Work
from lowkey_core.checks import CheckpointError, UnknownNameError
from lowkey_core.datasets import Dataset, Photo
from lowkey_core.drawing import IDENTITY, NUISANCE, SIDE
from lowkey_core.embedders import mobilefacenet, zoo
from lowkey_core.embedders.mobilefacenet import MobileFaceNet
from lowkey_core.training import casting, lessons, portraits, recipes, students
from lowkey_core.training.checkpoints import Checkpoints, falling
from lowkey_core.training.faces import ROOM, TrainingFaces, kept_out
from lowkey_core.training.lessons import NOBODY, Lessons, augmented
from lowkey_core.types import FACE_SIZE, Images
from tests.conftest import TinyNetwork


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


class Student(nn.Module):
    """Learns at once, and has the running means that a checkpoint must keep, too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 7, 7), nn.BatchNorm2d(4), nn.Linear(4, 8)
        for parameter in self.parameters():
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=seeded())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.norm(self.conv(x)).mean((2, 3)))
        return out


def known(count: int = 12, people: int = 4, seed: int = 0) -> Lessons:
    """Everybody in turn, and the last is a mixture."""
    rng = seeded(seed)
    pixels = torch.randint(0, 256, (count, 3, FACE_SIZE, FACE_SIZE), generator=rng)
    identities = torch.arange(count) % people
    identities[-1] = NOBODY
    targets = F.normalize(torch.randn(count, 8, generator=rng))
    return Lessons(pixels.to(torch.uint8), targets, identities)


# Checkpoints


def learner(seed: int) -> tuple[nn.Linear, torch.optim.Optimizer, Tensor]:
    """One that has made a step."""
    layer = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(layer.parameters())
    loss: Tensor = layer(torch.rand(4, 3, generator=seeded(seed))).square().sum()
    loss.backward()
    optimiser.step()
    return layer, optimiser, torch.full((2,), float(seed))


def test_a_checkpoint_gives_back_what_was_saved(tmp_path: Path) -> None:
    layer, optimiser, names = learner(1)
    kept = Checkpoints(tmp_path / "new" / "x.ckpt", "course")
    kept.save(7, {"layer": layer, "optimiser": optimiser}, {"names": names})
    other, its, theirs = learner(2)
    assert kept.resume({"layer": other, "optimiser": its}, {"names": theirs}) == 7
    assert all(map(torch.equal, layer.parameters(), other.parameters()))
    assert torch.equal(theirs, names)
    moments, again = (o.state_dict()["state"][0]["exp_avg"] for o in (optimiser, its))
    assert torch.equal(moments, again)


def test_without_a_checkpoint_it_starts_at_the_beginning(tmp_path: Path) -> None:
    layer, _, names = learner(1)
    before = layer.weight.clone()
    for path in (None, tmp_path / "nothing.ckpt"):
        assert Checkpoints(path).resume({"layer": layer}, {"names": names}) == 0
    Checkpoints(None).save(3, {"layer": layer}, {"names": names})
    assert torch.equal(layer.weight, before)
    assert not [*tmp_path.iterdir()]


def damaged(content: bytes, how: str) -> bytes:
    match how:
        case "empty":
            return b""
        case "cut":
            return content[: len(content) // 2]
        case "text":
            return b"no checkpoint"
        case _:
            return content


@pytest.mark.parametrize(
    ("how", "what", "outputs"),
    [
        ("empty", "course", 2),
        ("cut", "course", 2),
        ("text", "course", 2),
        ("whole", "another course", 2),
        ("whole", "course", 5),
    ],
    ids=["empty", "cut", "text", "another course", "another network"],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    how: str, what: str, outputs: int, tmp_path: Path
) -> None:
    path = tmp_path / "x.ckpt"
    Checkpoints(path, "course").save(1, {"layer": nn.Linear(3, 2)}, {})
    path.write_bytes(damaged(path.read_bytes(), how))
    with pytest.raises(CheckpointError, match=r"x\.ckpt .*remove it to start again"):
        Checkpoints(path, what).resume({"layer": nn.Linear(3, outputs)}, {})


def test_a_checkpoint_is_data_and_no_program(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(tmp_path / "ran"), "w")

    torch.save({"what": "", "step": 1, "parts": {}, "tensors": {}, "x": Bomb()}, tmp_path / "x")
    with pytest.raises(CheckpointError):
        Checkpoints(tmp_path / "x").resume({}, {})
    assert not (tmp_path / "ran").exists()


def test_the_rate_falls_along_half_a_cosine() -> None:
    shares = [falling(i / 10) for i in range(11)]
    assert shares[0] == pytest.approx(1)
    assert shares[5] == pytest.approx(0.51)
    assert shares[-1] == pytest.approx(0.02)
    assert shares == sorted(shares, reverse=True)


# Students


class StopHereError(Exception):
    """Stands for a kill at this moment."""


COURSE = students.Course(steps=102, batch=4, margin="arcface")
"""As checkpoints are written every 100 steps."""


def taught(path: Path | None, stop_after: int | None = None) -> dict[str, Tensor]:
    """What the student knows at the end of the course."""

    def show(label: str, done: int, total: int) -> None:
        if done == stop_after:
            raise StopHereError

    torch.manual_seed(5)
    student, kept = Student(), Checkpoints(path, str(COURSE))
    return students.train(student, known(), COURSE, kept, show).state_dict()


@pytest.mark.parametrize("stop_after", [3, 101])
def test_an_interrupted_student_ends_the_same(stop_after: int, tmp_path: Path) -> None:
    whole, path = taught(None), tmp_path / "x.ckpt"
    with pytest.raises(StopHereError):
        taught(path, stop_after)
    assert path.is_file() == (stop_after > 100)
    resumed = taught(path)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert int(whole["norm.num_batches_tracked"]) == COURSE.steps


def test_a_finished_course_is_not_taken_again(tmp_path: Path) -> None:
    done = taught(tmp_path / "x.ckpt")
    again = taught(tmp_path / "x.ckpt", stop_after=1)
    assert all(torch.equal(done[name], again[name]) for name in done)


def test_a_student_comes_to_agree_with_its_teacher() -> None:
    student, lesson = Student(), known()
    images = lesson.images.float() / 127.5 - 1

    def agreement() -> float:
        with torch.no_grad():
            return (F.normalize(student.eval()(images)) * lesson.targets).sum(1).mean().item()

    before = agreement()
    students.train(student, lesson, replace(COURSE, margin="", rate=2e-2), Checkpoints(None))
    assert agreement() > before + 0.1
    assert not student.training


def by_hand(embeddings: Tensor, names: Tensor, people: Tensor, margin: str) -> float:
    """ArcFace's equation 3 and CosFace's equation 4, person by person."""
    unit = names.double().numpy()
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    losses = []
    for row, who in zip(embeddings.double().numpy(), people.tolist(), strict=True):
        if who == NOBODY:
            continue
        cosines = unit @ row
        right = cosines[who]
        cosines[who] = math.cos(math.acos(right) + 0.3) if margin == "arcface" else right - 0.25
        losses.append(-log_softmax(32 * cosines)[who])
    return float(np.mean(losses))


@pytest.mark.parametrize("margin", ["arcface", "cosface"])
def test_a_margin_loss_is_that_of_its_paper(margin: str) -> None:
    embeddings = F.normalize(torch.randn(6, 8, generator=seeded(1)))
    names = 3 * torch.randn(5, 8, generator=seeded(2))
    people = torch.tensor([0, 4, NOBODY, 2, 2, NOBODY])
    loss = students.margin_loss(embeddings, names, people, margin)
    assert loss.item() == pytest.approx(by_hand(embeddings, names, people, margin), rel=1e-4)
    somebody = students.margin_loss(embeddings[people >= 0], names, people[people >= 0], margin)
    assert loss.item() == pytest.approx(somebody.item())


@pytest.mark.parametrize("margin", ["arcface", "cosface"])
def test_a_margin_loss_has_slopes_where_somebody_is_met_exactly(margin: str) -> None:
    names = torch.eye(3).requires_grad_()
    loss = students.margin_loss(torch.eye(3), names, torch.arange(3), margin)
    loss.backward()
    assert names.grad is not None
    assert names.grad.isfinite().all()


def test_where_nobody_has_a_name_there_is_no_margin_loss() -> None:
    embeddings, names = torch.eye(3), torch.eye(3)
    assert students.margin_loss(embeddings, names, torch.arange(3), "").item() == 0
    nobody = torch.full((3,), NOBODY)
    assert students.margin_loss(embeddings, names, nobody, "arcface").item() == 0


# Lessons


def test_every_lesson_is_shown_once_per_pass() -> None:
    lesson, size = known(12), 4
    lesson = replace(lesson, identities=torch.arange(12))
    seen = [lesson.batch(step, size)[2] for step in range(9)]
    passes = [torch.cat(seen[i : i + 3]).tolist() for i in (0, 3, 6)]
    assert [sorted(order) for order in passes] == [[*range(12)]] * 3
    assert passes[0] != passes[1] != passes[2], "each in an order of its own"


@pytest.mark.parametrize("size", [5, 11])
def test_no_lesson_is_shown_twice_in_a_batch_and_none_is_missed_for_ever(size: int) -> None:
    lesson = replace(known(12), identities=torch.arange(12))
    counts: Counter[int] = Counter()
    for step in range(30):
        shown = lesson.batch(step, size)[2].tolist()
        assert len(set(shown)) == size
        counts.update(shown)
    assert set(counts) == {*range(12)}


def test_a_batch_is_what_its_step_says() -> None:
    lesson = known()
    torch.manual_seed(1)
    images, targets, people = lesson.batch(7, 4)
    torch.manual_seed(2)
    assert all(map(torch.equal, lesson.batch(7, 4), (images, targets, people)))
    assert not torch.equal(lesson.batch(8, 4)[0], images)
    assert images.shape == (4, 3, FACE_SIZE, FACE_SIZE)
    rows = [(lesson.targets == target).all(1).nonzero().item() for target in targets]
    assert torch.equal(lesson.identities[rows], people)
    assert torch.allclose(images, lesson.images[rows].float() / 127.5 - 1, atol=1e-6)


def test_centred_targets_leave_their_corner() -> None:
    lesson = known()
    cornered = replace(lesson, targets=F.normalize(lesson.targets + 3))
    centred = cornered.centred(cornered.targets.mean(0))
    assert torch.allclose(centred.targets.norm(dim=1), torch.ones(12))
    assert cornered.targets.mean(0).norm() > 0.9
    assert centred.targets.mean(0).norm() < 0.3


def roomy(count: int, people: int = 4) -> TrainingFaces:
    side = FACE_SIZE + 2 * ROOM
    pixels = torch.randint(0, 256, (count, 3, side, side), generator=seeded())
    return TrainingFaces(pixels.to(torch.uint8), torch.arange(count) % people)


def test_a_quarter_of_augmented_faces_is_nobodys() -> None:
    faces = roomy(16)
    before = faces.identities.clone()
    images, people = augmented(faces.images, faces.identities, seeded())
    assert images.shape == (16, 3, FACE_SIZE, FACE_SIZE)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert (people == NOBODY).sum() == 4
    named = people >= 0
    assert torch.equal(people[named], before[named])
    assert torch.equal(faces.identities, before)
    again, _ = augmented(faces.images, faces.identities, seeded())
    assert torch.equal(again, images)
    assert not torch.equal(augmented(faces.images, before, seeded(1))[0], images)


def test_an_augmented_face_is_still_the_face_at_the_template() -> None:
    """A white disc amid black stays where it was, to the few pixels that detectors err by."""
    side = FACE_SIZE + 2 * ROOM
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    disc = ((x - side / 2) ** 2 + (y - side / 2) ** 2 < 30**2).to(torch.uint8) * 255
    faces = disc.expand(12, 3, side, side)
    images, people = augmented(faces, torch.arange(12), seeded())
    for image in images[people >= 0]:
        lit = (image.mean(0) > image.mean()).nonzero().float()
        assert (lit.mean(0) - FACE_SIZE / 2).abs().max() < 7
        assert math.sqrt(len(lit) / math.pi) == pytest.approx(30, rel=0.12)


def test_lessons_are_prepared_once_and_hold_what_the_teacher_says(tmp_path: Path) -> None:
    teacher, faces = TinyNetwork(), roomy(10)
    made = lessons.prepare(faces, teacher, 2, Work(Cache(tmp_path)))
    assert len(made.images) == 2 * len(faces)
    with torch.no_grad():
        said = teacher(made.images.float() / 255)
    assert torch.allclose(said, made.targets, atol=1e-5)
    counts = Counter(made.identities[made.identities >= 0].tolist())
    assert all(counts[who] <= 2 * n for who, n in Counter(faces.identities.tolist()).items())
    work = Work(Cache(tmp_path))
    again = lessons.prepare(faces, teacher, 2, work)
    assert torch.equal(again.images, made.images)
    assert work._tally["preparing lessons", "made"] == 0


# Who learns from whom


def crowd(many: int, some: int, single: int, root: str = "a") -> Dataset:
    """So many people with ten pictures, with two, and with one."""
    sizes = {"m": (many, 10), "s": (some, 2), "o": (single, 1)}
    photos = [
        Photo(f"{kind}{who}", f"{kind}{who}_{i}", Path(root))
        for kind, (people, pictures) in sizes.items()
        for who in range(people)
        for i in range(pictures)
    ]
    return Dataset("crowd", tuple(photos))


def test_sixty_people_and_a_thousand_strangers_are_kept_out() -> None:
    out = kept_out(crowd(70, 5, 1100))
    assert Counter(who[0] for who in out) == {"m": 60, "o": 1000}
    assert kept_out(crowd(3, 5, 7)) == {*(f"m{i}" for i in range(3)), *(f"o{i}" for i in range(7))}
    assert kept_out(crowd(0, 5, 0)) == frozenset()


def test_who_is_kept_out_depends_on_names_alone() -> None:
    dataset = crowd(70, 5, 1100)
    moved = crowd(70, 5, 1100, root="b")
    backwards = Dataset("other", moved.photos[::-1])
    assert kept_out(backwards) == kept_out(dataset)
    fewer = Dataset("fewer", tuple(p for p in dataset.photos if p.identity[0] != "s"))
    assert kept_out(fewer) == kept_out(dataset)


def test_there_is_a_recipe_for_every_member() -> None:
    assert set(recipes.RECIPES) == set(zoo.MEMBERS)


def test_no_teacher_is_casia_and_the_unseen_had_another_one() -> None:
    teachers = {member: teacher for member, (teacher, _) in recipes.RECIPES.items()}
    assert teachers == {
        "ir-arcface": "mobilefacenet:ms1m",
        "resnet-cosface": "mobilefacenet:ms1m",
        "mobile": "dlib",
    }


@pytest.mark.parametrize("member", zoo.MEMBERS)
def test_a_card_names_the_teacher_of_its_recipe(member: str) -> None:
    (teacher, course), card = recipes.RECIPES[member], zoo.CARDS[member]
    assert f"taught by {teacher}" in card.trained_on
    assert embedders.cards()[teacher].lineage < card.lineage
    assert course.margin == member.partition("-")[2]


@pytest.mark.parametrize("name", ["zoo:mobil", "mobil", "zoo:"])
def test_an_unknown_name_is_said_so(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="zoo:mobile"):
        recipes.train(name, tmp_path, Work())
    assert not [*tmp_path.iterdir()]


def test_an_unknown_name_is_met_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'zoo:mobile'"):
        recipes.train("zoo:mobil", tmp_path, Work())


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    network = Student()
    network(torch.rand(4, 3, FACE_SIZE, FACE_SIZE))
    path = recipes._written(tmp_path / "new" / "x.safetensors", network.state_dict())
    state = parse_tensors(path.read_bytes())
    assert set(state) == set(network.state_dict())
    assert state["fc.weight"].dtype == torch.float16
    assert torch.allclose(state["fc.weight"].float(), network.fc.weight, atol=1e-3)
    assert state["norm.num_batches_tracked"] == 1


# The painter's


def test_a_factor_gives_its_covariance() -> None:
    root = torch.randn(6, 4, generator=seeded())
    covariance = root @ root.T  # of rank 4
    factor = casting.gaussian_factor(covariance)
    assert torch.allclose(factor @ factor.T, covariance, atol=1e-4)
    below = casting.gaussian_factor(torch.diag(torch.tensor([4.0, -1.0])))
    assert torch.allclose(below @ below.T, torch.diag(torch.tensor([4.0, 0.0])), atol=1e-6)


def test_codes_are_centred_and_of_about_unit_variance() -> None:
    embeddings = F.normalize(torch.randn(500, IDENTITY, generator=seeded()))
    made = casting.codes(embeddings)
    assert made.mean(0).abs().max() < 1e-4
    assert made.var().item() == pytest.approx(1, abs=0.05)


def test_the_cast_has_the_spread_of_the_training_faces() -> None:
    """Known Gaussians, 3000 people of up to five pictures: their covariances come out again."""
    rng = seeded()
    between = torch.linspace(0.2, 2, IDENTITY)
    within = torch.linspace(1, 0.1, IDENTITY)
    mean = torch.randn(IDENTITY, generator=rng)
    people = torch.arange(3000).repeat_interleave(torch.arange(3000) % 5 + 1)
    persons = mean + between.sqrt() * torch.randn(3000, IDENTITY, generator=rng)
    off = within.sqrt() * torch.randn(len(people), IDENTITY, generator=rng)
    seen_mean = 0.5 + torch.randn(len(people), NUISANCE, generator=rng)
    log_variance = torch.full((len(people), NUISANCE), math.log(0.25))
    made = casting.cast(persons[people] + off, people, (seen_mean, log_variance))

    def covariance(factor: Tensor) -> Tensor:
        return factor @ factor.T

    for factor, variances in (
        (made.people_factor / casting._BETWEEN, between),
        (made.pictures_factor / casting._WITHIN, within),
        (made.nuisance_factor / casting._SEEN, torch.full((NUISANCE,), 1.25)),
    ):
        error = covariance(factor) - variances.diag()
        assert error.norm() / variances.norm() < 0.35
        assert (error.diag() / variances).abs().mean() < 0.1
    assert torch.allclose(made.people_mean, mean, atol=0.15)
    assert torch.allclose(made.nuisance_mean, torch.full((NUISANCE,), 0.5), atol=0.1)


def album(judge: TinyNetwork) -> portraits.Album:
    rng = seeded()
    pixels = torch.randint(0, 256, (6, 3, SIDE, SIDE), generator=rng).to(torch.uint8)
    known = F.normalize(torch.randn(6, 32, generator=rng))
    return portraits.Album(
        pixels,
        torch.randn(6, IDENTITY, generator=rng),
        torch.arange(6) % 3,
        (portraits.Judge(judge, known), portraits.Judge(judge, known, weight=2)),
    )


def test_a_painter_learns_by_steps_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step of copying, a step under the judges' eyes."""
    judge, losses = TinyNetwork(), []
    known, loss = album(judge), portraits._loss

    def features(faces: Images) -> tuple[list[Tensor], Tensor]:
        return [F.avg_pool2d(faces, 8)], judge(faces)

    def noted(*given: Any) -> Tensor:
        losses.append(loss(*given))
        return losses[-1]

    monkeypatch.setattr(portraits, "_loss", noted)
    course = portraits.Course(sketching=1, steps=2)
    kept = Checkpoints(tmp_path / "x.ckpt", str(course))
    painter, (means, spreads) = portraits.train(known, features, course, kept)
    assert len(losses) == 2
    assert all(found.isfinite() for found in losses)
    assert means.shape == spreads.shape == (6, NUISANCE)
    again, (same, _) = portraits.train(known, features, course, kept)
    assert len(losses) == 2, "nothing was left to learn"
    assert all(map(torch.equal, painter.state_dict().values(), again.state_dict().values()))
    assert torch.equal(means, same)


def test_an_encoder_says_how_a_portrait_is_seen() -> None:
    with torch.no_grad():
        mean, spread = portraits.Encoder()(torch.rand(2, 3, SIDE, SIDE))
    assert mean.shape == spread.shape == (2, NUISANCE)
    assert spread.min() >= -8
    assert spread.max() <= 4


@torch.no_grad()
def test_inner_layers_end_in_what_the_network_says() -> None:
    network = MobileFaceNet(mobilefacenet.CARDS["ms1m"], prelu=False).eval()
    faces = torch.rand(2, 3, FACE_SIZE, FACE_SIZE)
    layers, embeddings = portraits.inner_layers(network)(faces)
    assert torch.allclose(embeddings, network(faces), atol=1e-5)
    assert len(layers) == 2
