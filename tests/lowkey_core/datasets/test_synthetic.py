"""SynthFaces: pictures are generated when they are read, once, the same for every seed."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Generator

from audit import choices, presets
from audit.protocol import split
from lowkey_core import datasets, weights
from lowkey_core.datasets import synthetic
from lowkey_core.datasets.synthetic import GENERATOR, Renderer
from lowkey_core.errors import MissingWeightsError, TamperedWeightsError
from lowkey_core.faces.alignment import TEMPLATE
from lowkey_core.faces.detection import detect
from lowkey_core.networks.face_generator import MARGIN, SIDE
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.images import to_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Images
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work


@pytest.fixture(autouse=True)
def generated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures were generated, each time some were, by renderers that remember nothing."""
    synthetic.renderer.cache_clear()
    counts: list[int] = []
    plain = Renderer.generated

    def counting(self: Renderer, count: int, rng: Generator) -> Images:
        counts.append(count)
        return plain(self, count, rng)

    monkeypatch.setattr(Renderer, "generated", counting)
    return counts


def photo(work: Work | None = None, who: str = "nobody_007", i: int = 1, seed: int = 0) -> Photo:
    """The i-th picture of person `who`."""
    return synthetic.build(work, seed).by_identity[who][i]


def planted(folder: Path, content: bytes, patch: pytest.MonkeyPatch) -> None:
    """`content` in place of the generator's file."""
    patch.setattr(weights, "EMBEDDED", folder)
    (folder / GENERATOR.file).write_bytes(content)


def test_has_people_with_many_pictures_and_strangers() -> None:
    dataset = datasets.load("synthetic", Work())
    pictures = Counter(len(photos) for photos in dataset.by_identity.values())
    assert pictures == {14: 160, 1: 600}
    assert len({photo.name for photo in dataset.photos}) == len(dataset.photos) == 160 * 14 + 600
    assert dataset.name == "synthetic"
    assert dataset.cards == (GENERATOR,)
    assert dataset.notes, "a report must say that these are no real people"


def test_an_audit_of_every_size_finds_enough_people() -> None:
    for preset in presets.PRESETS:
        asked = choices.make(preset, given={"dataset": "synthetic"})
        parts = split(synthetic.build(), asked, [], None)
        assert len({p.identity for p in parts.probes}) == asked.people.protected


def test_nothing_is_generated_before_a_picture_is_read(
    generated: list[int], tmp_path: Path
) -> None:
    shown: list[tuple[str, int, int]] = []
    work = Work(Cache(tmp_path / "cache"), lambda *said: shown.append(said))
    dataset = synthetic.build(work)
    assert dataset.by_identity["nobody_001"][0].name == "nobody_001_01.png"
    assert not generated
    assert not (tmp_path / "cache").exists()
    dataset.photos[0].read()
    assert generated == [14], "all of a person, when the first is read"
    assert not shown, "the reader shows progress of its own"


def test_a_person_is_generated_once(generated: list[int], tmp_path: Path) -> None:
    people = synthetic.build(Work(Cache(tmp_path))).by_identity["nobody_002"]
    contents = [photo.read() for photo in people]
    assert len(set(contents)) == 14
    assert generated == [14]
    synthetic.renderer.cache_clear()
    others = synthetic.build(Work(Cache(tmp_path))).by_identity["nobody_002"]
    assert [photo.read() for photo in others] == contents
    assert generated == [14], "the second data set found them in the cache"


def test_each_seed_gives_its_own_people() -> None:
    assert photo().read() == photo().read()
    assert photo(seed=1).read() == photo(seed=1).read()
    assert photo(seed=1).read() != photo().read()
    assert photo(seed=1) != photo(), "photos of two seeds are different"
    assert photo(who="stranger_001", i=0).read() != photo(who="stranger_002", i=0).read()


def test_pictures_are_pngs_of_a_face_with_a_margin() -> None:
    content = photo().read()
    assert content.startswith(b"\x89PNG")
    image = Image.open(io.BytesIO(content))
    assert (image.mode, image.size) == ("RGB", (128, 128))


def test_a_damaged_picture_is_generated_again(generated: list[int], tmp_path: Path) -> None:
    content = photo(Work(Cache(tmp_path)), "stranger_005", 0).read()
    (kept,) = tmp_path.rglob("*.safetensors")
    damaged = bytearray(kept.read_bytes())
    damaged[-1] ^= 1
    kept.write_bytes(damaged)
    synthetic.renderer.cache_clear()
    assert photo(Work(Cache(tmp_path)), "stranger_005", 0).read() == content
    assert generated == [1, 1]
    assert kept.read_bytes() != damaged, "it was written again"


def test_a_face_is_found_in_a_picture() -> None:
    assert len(detect(decode_pixels(photo().read()))) == 1


def test_a_portrait_has_its_face_at_the_template() -> None:
    """To some pixels: recognisers expect it there, and so does training."""
    portraits = Renderer(Work(), 0).generated(4, Generator().manual_seed(0))
    assert portraits.shape == (4, 3, SIDE, SIDE)
    for portrait in portraits.split(1):
        (frame,) = detect(to_pixels(portrait))
        off = frame.landmarks.mean(0) - (torch.as_tensor(TEMPLATE).float().mean(0) + MARGIN)
        assert off.abs().max() < 8


def test_a_generator_of_another_digest_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(weights.locate(GENERATOR).read_bytes())
    content[len(content) // 2] ^= 1
    planted(tmp_path, bytes(content), monkeypatch)
    with pytest.raises(TamperedWeightsError, match="SHA-256"):
        synthetic.build()
    planted(tmp_path, bytes(content) + b"more", monkeypatch)
    synthetic.renderer.cache_clear()
    with pytest.raises(TamperedWeightsError, match="more than"):
        synthetic.build()


def test_without_the_generators_file_it_says_to_install_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    with pytest.raises(MissingWeightsError, match="install lowkey-audit again"):
        datasets.load("synthetic")


def test_its_card_says_where_it_comes_from() -> None:
    assert GENERATOR.embedded
    assert GENERATOR.pinned
    assert all(name in GENERATOR.trained_on for name in GENERATOR.data)
    assert {"mobilefacenet-ms1m-foamliu", "dlib-resnet-v1"} <= GENERATOR.lineage
    assert not any("casia" in run for run in GENERATOR.lineage)
    assert GENERATOR.size == weights.locate(GENERATOR).stat().st_size <= 6e6
