"""Purification: each filter is the published one, and whoever purifies does so to both arms."""

from __future__ import annotations

import inspect
import io
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from skimage.restoration import denoise_nl_means
from torch import Generator, Tensor

from adversaries import ADVERSARIES, Prepared, ThreatModel
from adversaries.parts import purifiers, restoring
from adversaries.parts.filters import NonLocalMeans, Squeeze
from adversaries.parts.restoring import RedNet, Restoring
from adversaries.parts.training import Recipe
from adversaries.purification import MEMBERS, Purification, Purifying, build
from audit.caveats.figures import learning
from audit.records import AdversaryRecord
from lowkey_core import transforms
from lowkey_core.content import quantise
from lowkey_core.errors import OptionError, UnknownNameError
from lowkey_core.faces.pictures import CropPicture, crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Candidates, Gallery, Pictures, Pixels
from lowkey_core.weights import Card, unverified_card
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

UNLEARNED = [member for member in MEMBERS if member != "learned"]
EXAMPLES = {
    "squeeze": purifiers.method("squeeze", {}, Work(), torch.device("cpu"), 1),
    "jpeg": purifiers.method("jpeg", {}, Work(), torch.device("cpu"), 1),
    "resize": purifiers.method("resize", {}, Work(), torch.device("cpu"), 1),
    "nlmeans": purifiers.method("nlmeans", {}, Work(), torch.device("cpu"), 1),
}


def rng() -> Generator:
    return Generator().manual_seed(3)


def face(height: int = 112, width: int = 112) -> Pixels:
    return np.array(data.astronaut()[50 : 50 + height, 160 : 160 + width])


def forbidden(pictures: Pictures, rng: Generator) -> Pictures:
    raise AssertionError("whoever knows of no cloak runs no tool")


def striped(pictures: Pictures, rng: Generator) -> Pictures:
    """A cloak that anyone can see, and a network can take off: every fourth row darker."""
    stripes = torch.ones(112, 1)
    stripes[::4] = 0.7
    made = quantise(pictures.faces() * stripes)
    return crops(made, pictures.identities, pictures.names)


def unchanged(pictures: Pictures, rng: Generator) -> Pictures:
    return pictures


def threat(**changes: object) -> ThreatModel:
    given: dict[str, object] = {
        "recognition": Embedding(TinyNetwork(1), MATCHERS.load("nn"), "nn", Work()),
        "background": people(6, 2, seed=9),
        "tool": striped,
    }
    return ThreatModel(**{**given, **changes})  # type: ignore[arg-type]


def loaded(name: str) -> Purification:
    made = ADVERSARIES.load(name, granted={"work": Work()}, defaults={"epochs": 1})
    assert isinstance(made, Purification)
    return made


def prepared(name: str, **changes: object) -> Prepared:
    return loaded(name).prepare(threat(**changes), rng())


# The filters are the published ones.


@pytest.mark.parametrize("bits", range(1, 8))
def test_squeezing_takes_each_grey_level_to_the_nearest_of_two_to_the_bits(bits: int) -> None:
    levels = [Fraction(255 * i, 2**bits - 1) for i in range(2**bits)]
    nearest = [round(min(levels, key=lambda level: abs(level - v))) for v in range(256)]
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    squeezed = Squeeze(bits, median=1, sigma=0)(ramp)
    assert squeezed[..., 0].flatten().tolist() == nearest
    assert len({*nearest}) == 2**bits


@pytest.mark.parametrize("side", [3, 5])
def test_the_median_is_that_of_each_colours_window(side: int) -> None:
    pixels, half = face(20, 24), side // 2
    around = np.pad(pixels, ((half, half), (half, half), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(around, (side, side), axis=(0, 1))
    expected = np.median(windows, axis=(-2, -1))
    assert np.array_equal(Squeeze(bits=8, median=side, sigma=0)(pixels), expected)


def test_squeezing_does_all_three_one_after_the_other() -> None:
    step, pixels = face(), face()
    for alone in (Squeeze(4, 1, 0), Squeeze(8, 3, 0), transforms.load("blur:1.2")):
        step = alone(step)
    assert np.array_equal(Squeeze(4, 3, 1.2)(pixels), step)
    assert not np.array_equal(step, pixels)


def test_jpeg_is_pillows() -> None:
    pictures = people(2, 1)
    prepared = purifiers.method("jpeg", {"quality": 37}, Work(), torch.device("cpu"), 1)
    for before, after in zip(
        pictures.items, prepared.ready(threat(), rng()).purify(pictures).items, strict=True
    ):
        file = io.BytesIO()
        Image.fromarray(before.pixels()).save(file, "JPEG", quality=37, subsampling="4:2:0")
        assert np.array_equal(after.pixels(), np.array(Image.open(file).convert("RGB")))


def test_resizing_is_that_of_platforms() -> None:
    pictures = people(1, 1)
    made = purifiers.method("resize", {"share": 0.3}, Work(), torch.device("cpu"), 1)
    (after,) = made.ready(threat(), rng()).purify(pictures).items
    assert np.array_equal(after.pixels(), transforms.load("resize:0.3")(face_of(pictures)))


def face_of(pictures: Pictures) -> Pixels:
    return pictures.items[0].pixels()


def by_hand(pixels: Pixels, row: int, column: int, strength: float) -> list[float]:
    """Non-local means of one pixel (Buades et al.): the window's pixels, weighted by how alike the
    patches around them are. In a patch the middle counts most (a Gaussian of half a pixel)."""
    x, total, weights = pixels.astype(float), np.zeros(3), 0.0
    near = np.exp(-2 * np.array([[2, 1, 2], [1, 0, 1], [2, 1, 2]]))[..., None]
    patch = x[row - 1 : row + 2, column - 1 : column + 2]
    for i in range(row - 5, row + 6):
        for j in range(column - 5, column + 6):
            other = x[i - 1 : i + 2, j - 1 : j + 2]
            apart = (near * (patch - other) ** 2).sum() / (3 * near.sum()) / strength**2
            weight = np.exp(-apart) if apart <= 5 else 0.0
            total, weights = total + weight * x[i, j], weights + weight
    return list(total / weights)


@pytest.mark.parametrize("strength", [4.0, 10.0, 40.0])
def test_non_local_means_weighs_patches_by_how_alike_they_are(strength: float) -> None:
    pixels = face(48, 48)
    made = NonLocalMeans(strength)(pixels)
    for row, column in ((24, 24), (15, 30), (30, 12)):
        expected = by_hand(pixels, row, column, strength)
        assert made[row, column].tolist() == pytest.approx(expected, abs=0.6)


@pytest.mark.parametrize(("threads", "height"), [(1, 48), (2, 49), (3, 20), (5, 3)])
def test_non_local_means_of_bands_are_those_of_the_whole_photo(threads: int, height: int) -> None:
    pixels, before = face(height, 30), torch.get_num_threads()
    expected = denoise_nl_means(
        pixels.astype(np.float32),
        patch_size=3,
        patch_distance=5,
        h=10.0,
        fast_mode=False,
        channel_axis=-1,
        preserve_range=True,
    )
    try:
        torch.set_num_threads(threads)
        made = NonLocalMeans(10)(pixels)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(made, expected.round().astype(np.uint8))


def test_non_local_means_takes_off_noise_and_leaves_what_is_plain() -> None:
    plain = np.full((40, 40, 3), 90, np.uint8)
    assert np.array_equal(NonLocalMeans(10)(plain), plain)
    noise = torch.randn(plain.shape, generator=rng()).mul(8).round().numpy()
    noisy = (plain + noise).clip(0, 255).astype(np.uint8)
    left = np.abs(NonLocalMeans(10)(noisy).astype(float) - plain).mean()
    assert left < 0.5 * np.abs(noisy.astype(float) - plain).mean()


@pytest.mark.parametrize("member", UNLEARNED)
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (5, 3), (61, 48)])
def test_photos_keep_their_size_however_small(member: str, size: tuple[int, int]) -> None:
    method, pixels = EXAMPLES[member], face(*size)
    assert isinstance(method, purifiers.OnPhotos)
    before = pixels.copy()
    made = method.transform(pixels)
    assert (made.shape, made.dtype) == (before.shape, np.uint8)
    assert np.array_equal(pixels, before)


# What is purified, and by whom.


@dataclass
class Noting:
    """A recognition that notes which pictures it is given."""

    card: Card = field(default_factory=lambda: unverified_card("noting"))
    matcher: str = "its own"
    enrolled: list[Pictures] = field(default_factory=list)
    searched: list[Pictures] = field(default_factory=list)

    def enrol(self, gallery: Pictures, /) -> Gallery:
        self.enrolled.append(gallery)
        return self

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        self.searched.append(probes)
        return Candidates(torch.zeros(len(probes), 1), torch.zeros(len(probes), 1).long())

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        self.searched.append(probes)
        return torch.zeros(len(probes))


@pytest.mark.parametrize("member", UNLEARNED)
@pytest.mark.parametrize("on", ["gallery", "both"])
def test_the_gallery_is_purified_and_probes_if_so_chosen(member: str, on: str) -> None:
    noting, gallery, probes = Noting(), people(2, 2), people(2, 2, seed=4)
    system = prepared(f"purification:{member}:on={on}", recognition=noting)(gallery)
    system.gallery.search(probes, 1)
    system.gallery.likeness(probes, probes.identities)
    pure = EXAMPLES[member].ready(threat(), rng()).purify
    assert [p.digests for p in noting.enrolled] == [pure(gallery).digests]
    assert noting.enrolled[0].names == gallery.names
    assert not {*noting.enrolled[0].digests} & {*gallery.digests}
    expected = pure(probes) if on == "both" else probes
    assert [p.digests for p in noting.searched] == [expected.digests] * 2


@pytest.mark.parametrize("member", UNLEARNED)
def test_whoever_learns_nothing_knows_of_no_cloak(member: str) -> None:
    """Neither the tool is run nor the background looked at."""
    adversary = loaded(f"purification:{member}")
    assert not adversary.about.uses_tool
    ignorant = threat(tool=forbidden, background=None)
    made = adversary.prepare(ignorant, rng())
    assert made.learned == {}
    system = made(people(2, 2))
    assert len(system.gallery.search(people(2, 1), 1).scores) == 2
    assert not system.flagged.any()
    assert system.suspicion is None


def test_each_says_what_it_did() -> None:
    said = {
        "purification": "after purification by squeezing (5 bits, median 3)",
        "purification:squeeze:bits=8:median=1:sigma=1.5": "by squeezing (Gaussian 1.5)",
        "purification:jpeg:quality=30": "after purification by JPEG 30",
        "purification:jpeg:on=gallery": "after purification of its gallery by JPEG 50",
        "purification:resize:share=0.25": "by resizing to 0.25",
        "purification:nlmeans:strength=4": "by non-local means 4",
        "purification:learned": "after purification by a learned network",
    }
    assert all(loaded(name).about.phrase.endswith(phrase) for name, phrase in said.items())
    assert [member for member in MEMBERS if loaded(f"purification:{member}").about.uses_tool] == [
        "learned"
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("jpeg:bits=3", "purification by jpeg has no option 'bits'.*one of: quality"),
        ("learned:quality=3", "no option 'quality'.*one of: batch, channels"),
        ("squeeze:bits=8:median=1", "leaves pictures as they are.*bits below 8"),
        ("resize:share=1", "less than 1"),
        ("jpeg:quality=0", "greater than or equal to 1"),
        ("jpeg:epochs=3", "no epochs, as it learns nothing"),
        ("jpeg:on=probes", "'gallery' or 'both'"),
    ],
)
def test_options_that_would_do_nothing_are_refused(name: str, error: str) -> None:
    with pytest.raises(OptionError, match=error):
        loaded(f"purification:{name}")


def test_purifiers_are_found_by_name() -> None:
    with pytest.raises(UnknownNameError, match=r"no purifier is called 'jpg'.*did you mean 'jpeg'"):
        purifiers.method("jpg", {}, Work(), torch.device("cpu"), 1)


def test_the_options_are_those_of_the_document() -> None:
    page = (Path(__file__).parents[2] / "docs" / "adversaries.md").read_text()
    section = page.partition("## Purification")[2].partition("\n## ")[0]
    table = section.partition("| option |")[2].partition("\n\n")[0]
    said = {
        name: (default, of)
        for name, default, of in re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", table, re.M)
    }
    granted = {"member", "work", "device", "stated"}
    assert {*said} == {*inspect.signature(build).parameters} - granted
    for member, options in purifiers.DEFAULTS.items():
        assert f"| `purification:{member}` |" in section
        for name, default in options.items():
            assert said[name] == (str(default), f"`{member}`")


# What is learned.


def restored(channels: int = 8, passes: int = 60, **changes: object) -> Prepared:
    """Learns with few channels for as long as it takes: seconds."""
    by = purifiers.Learned(
        Recipe(passes, batch=6, rate=3e-3), channels, Work(), torch.device("cpu")
    )
    return Purification(by, "both").prepare(threat(**changes), rng())


def away(one: Pictures, other: Pictures) -> float:
    """Mean difference of faces, in grey levels."""
    return 255 * (one.faces() - other.faces()).abs().mean().item()


def test_a_learned_network_takes_cloaks_off_people_it_never_saw() -> None:
    made = restored()
    assert isinstance(made, Purifying)
    clean = people(5, 2, seed=31)
    cloaked = striped(clean, rng())
    assert away(made.purify(cloaked), clean) < 0.5 * away(cloaked, clean)
    assert away(made.purify(clean), clean) < 0.25 * away(cloaked, clean)
    assert made.purify(cloaked).names == cloaked.names
    assert torch.equal(made.purify(cloaked).identities, clean.identities)


def test_it_says_that_it_saw_no_cloak_where_the_tool_changed_nothing() -> None:
    made = restored(passes=1, tool=unchanged)
    assert made.learned["cloaked_seen"] == 0
    record = AdversaryRecord(
        name="purification:learned",
        question="?",
        phrase="",
        baseline=False,
        learned={"lowkey": {**made.learned, "purified": 1.0}},
        impossible={},
    )
    (caveat,) = learning([record])
    assert (caveat.code, caveat.blocking) == ("no-cloaks-seen", True)


def test_a_network_that_changes_nothing_blocks_its_own_figure() -> None:
    """As it did on real faces, where activations of slope 0 died."""
    assert restored().learned["purified"] == 1.0
    idle = restored(passes=0).learned
    assert (idle["purified"], idle["cloaked_seen"]) == (0.0, 1.0)
    record = AdversaryRecord(
        name="purification:learned",
        question="?",
        phrase="",
        baseline=False,
        learned={"lowkey": dict(idle)},
        impossible={},
    )
    (caveat,) = learning([record])
    assert (caveat.code, caveat.blocking) == ("nothing-purified", True)
    assert "0.0% of the pictures with lowkey" in caveat.text


def test_no_activation_dies_for_good() -> None:
    """Every layer has a gradient, whatever the biases of the last decoding layer."""
    network = RedNet(4, rng())
    network.last.weight.data.normal_(generator=rng())
    network.decode[-1].bias.data.fill_(-100.0)
    network(people(1, 1).faces()).mean().backward()
    gradients = [p.grad for p in network.parameters() if p.ndim > 1]
    assert all(g is not None and g.abs().max() > 0 for g in gradients)


def test_it_learns_what_its_recogniser_sees_if_that_has_gradients() -> None:
    """Of a service it knows pixels only: the same start, another network."""
    one, other, again = (
        restored(passes=1, **changes) for changes in ({}, {"recognition": Noting()}, {})
    )
    assert isinstance(one, Purifying)
    assert isinstance(other, Purifying)
    assert isinstance(again, Purifying)
    shown = people(1, 1, seed=5)
    assert one.purify(shown).digests == again.purify(shown).digests
    weights = [made.purify.network.last.weight for made in (one, other, again)]  # type: ignore[attr-defined]
    assert torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], weights[1])


def test_what_it_learned_serves_both_arms_with_the_same_weights() -> None:
    made = restored(passes=1)
    assert isinstance(made, Purifying)
    assert isinstance(made.purify, Restoring)
    before = {k: v.clone() for k, v in made.purify.network.state_dict().items()}
    for gallery in (people(3, 2), striped(people(3, 2), rng())):
        made(gallery).gallery.search(people(3, 1), 1)
        after = made.purify.network.state_dict()
        assert all(torch.equal(after[k], v) for k, v in before.items())


def test_a_picture_without_a_face_stays_as_it_is() -> None:
    black = CropPicture(torch.zeros(3, 112, 112, dtype=torch.uint8), 7, "nobody", found=False)
    pictures = people(1, 1).join(Pictures((black,)))
    made = Restoring(brightening(), Work())(pictures)
    assert made.items[1] is black
    assert made.items[0] is not pictures.items[0]
    assert Restoring(brightening(), Work())(Pictures((black,))).items == (black,)


def brightening() -> RedNet:
    """A network that adds 10 grey levels to every face."""
    network = RedNet(4, rng()).requires_grad_(False)
    network.last.bias += 10 / 255
    return network


def test_the_change_is_carried_into_the_picture() -> None:
    (before,) = people(1, 1).items
    (after,) = Restoring(brightening(), Work())(Pictures((before,))).items
    expected = (before.face().int() + 10).clamp(0, 255)
    assert (after.face().int() - expected).abs().max() <= 1


def test_the_network_changes_nothing_before_it_learns() -> None:
    images = people(2, 1).faces()
    network = RedNet(16, rng())
    assert torch.equal(network(images), images)
    assert not network.changes(images).any()
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 10
    assert {m.kernel_size for m in convolutions} == {(3, 3)}


def test_it_is_shown_cloaks_amplified_and_some_faces_clean_or_noisy() -> None:
    clean = torch.full((400, 3, 8, 8), 0.5)
    cloaked = clean.clone()
    cloaked[:, 0] += 0.1
    change = restoring.shown(clean, cloaked, rng()) - clean
    still = (change == 0).flatten(1).all(1)
    amplified = (change[:, 1] == 0).flatten(1).all(1) & ~still
    by = change[amplified][:, 0] / 0.1
    assert (by - by.amin((1, 2), keepdim=True) < 1e-5).all(), "each by one factor"
    assert 1 <= by.min() < 1.1 < 2.9 < by.max() <= 3
    assert still.float().mean() == pytest.approx(restoring.CLEAN, abs=0.08)
    noisy = ~still & ~amplified
    assert noisy.float().mean() == pytest.approx(restoring.NOISY, abs=0.08)
    assert change[noisy].std() < restoring.NOISE
