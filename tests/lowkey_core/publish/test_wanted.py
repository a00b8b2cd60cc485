"""Whose faces are cloaked: of photos with several people, those of one, if that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from lowkey_core import datasets, recognisers
from lowkey_core.errors import OptionError
from lowkey_core.faces import detection
from lowkey_core.faces.found import find
from lowkey_core.faces.frames import Frame
from lowkey_core.photos.decoding import Pixels, decode_pixels, encode_pixels
from lowkey_core.photos.photo import Photo
from lowkey_core.publish import wanted
from lowkey_core.publish.cut_out import CutOut, cut_out
from lowkey_core.publish.protect import Protector
from lowkey_core.publish.published import Published
from lowkey_core.publish.settings import Settings
from lowkey_core.publish.wanted import Mine, clustered, largest, recurring
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, frame_at, people
from tests.lowkey_core.publish.copying import Brighter

LEFT, RIGHT = (torch.tensor([[1.0, 0, -x], [0, 1, 0]]) for x in (0, 112))


def pairs_of(faces: Sequence[tuple[Tensor, Tensor]], folder: Path) -> list[Photo]:
    """Photos, each with two faces side by side: (3, 112, 112) in [0, 1]."""
    photos = []
    for number, both in enumerate(faces):
        pixels = torch.cat(both, 2).permute(1, 2, 0).mul(255).round().to(torch.uint8).numpy()
        file = folder / f"{number}.png"
        file.write_bytes(encode_pixels(np.ascontiguousarray(pixels), "PNG"))
        photos.append(Photo("", file.name, file))
    return photos


def two(photos: Sequence[Pixels]) -> list[list[Frame]]:
    return [[frame_at(warp, p.shape[:2]) for warp in (LEFT, RIGHT)] for p in photos]


def seen(choose: Mine, photos: Sequence[Photo]) -> list[CutOut]:
    work = Work()
    found = find(photos, work)
    return [choose(cut_out(p, f)) for p, f in zip(photos, found, strict=True)]


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Four of one person, then one each of three others."""
    monkeypatch.setattr(detection, "detect_all", two)
    monkeypatch.setattr(wanted, "ALIKE", 0.8)
    monkeypatch.setattr(wanted, "THEIRS", 0.8)
    made = people(4, 4).faces()
    return [*made[:4], made[4], made[8], made[12]]


def test_the_face_in_most_photos_is_wanted_wherever_it_is(
    faces: list[Tensor], tmp_path: Path, tiny: TinyNetwork
) -> None:
    a, b, c, _, *others = faces
    photos = pairs_of([(a, others[0]), (others[1], b), (c, others[2]), tuple(others[:2])], tmp_path)
    first, second, third, nobody = seen(recurring(photos, tiny, Work()), photos)
    assert [len(own.faces) for own in (first, second, third, nobody)] == [1, 1, 1, 0]
    assert [own.left_out for own in (first, second, third, nobody)] == [1, 1, 1, 2]
    for own, face in ((first, a), (second, b), (third, c)):
        assert (own.faces[0] - face).abs().max() < 1 / 255


def test_without_one_face_that_recurs_most_nothing_is_guessed(
    faces: list[Tensor], tmp_path: Path, tiny: TinyNetwork
) -> None:
    a, b, _, _, *others = faces
    with pytest.raises(OptionError, match=r"no face recurs among 2 faces \(photos: 1\)"):
        recurring(pairs_of([(a, others[0])], tmp_path), tiny, Work())
    with pytest.raises(OptionError, match="two faces recur in 2 photos each among 4 faces"):
        recurring(pairs_of([(a, others[0]), (b, others[0])], tmp_path), tiny, Work())
    with pytest.raises(OptionError, match="no face recurs among 0 faces"):
        recurring([], tiny, Work())


def test_others_are_left_as_they_are_and_photos_of_others_not_copied(
    faces: list[Tensor], tmp_path: Path, tiny: TinyNetwork
) -> None:
    a, b, c, _, *others = faces
    photos = pairs_of([(a, others[0]), (b, others[1]), (c, others[2]), tuple(others[:2])], tmp_path)
    mine, out = recurring(photos, tiny, Work()), tmp_path / "out"
    cloak, rng = Published(Brighter(), Work(), name="it"), Generator().manual_seed(0)
    protector = Protector(out, cloak, Settings("mine"), Work(), rng, mine)
    out.mkdir()
    outcomes = list(protector.protect([(photo, photo.name) for photo in photos]))
    assert [o.status for o in outcomes] == ["protected"] * 3 + ["no face"]
    assert outcomes[3].detail == "not copied: 2 faces of others"
    before, after = (decode_pixels((f / "0.png").read_bytes()) for f in (tmp_path, out))
    change = (after.astype(int) - before).max(axis=(0, 2))
    assert change[8:104].min() > 0, "hers"
    assert change[120:].max() == 0, "of who stands beside"


def test_the_largest_face_is_the_one_least_magnified() -> None:
    warps = torch.stack([LEFT, 0.5 * LEFT, 2 * LEFT])
    frames = tuple(frame_at(warp, (400, 400)) for warp in warps)
    own = CutOut(torch.zeros(3, 3, 112, 112), warps, "", frames)
    assert torch.equal(largest(own).warps, warps[1:2])
    assert largest(own).frames == frames[1:2]
    assert largest(own).left_out == 2


def test_one_face_is_a_group() -> None:
    assert clustered(torch.ones(1, 4), 0.9) == [0]
    assert clustered(torch.zeros(0, 4), 0.9) == []


@pytest.mark.faces
def test_real_people_beside_others_are_told_apart(tmp_path: Path) -> None:
    """Six photos of somebody beside others, by turns left and right, and one of two strangers."""
    lfw = datasets.load("lfw").by_identity
    many = [own for own in lfw.values() if len(own) >= 10]
    single = [own[0] for own in lfw.values() if len(own) == 1]
    for number in (0, 40, 80):
        hers, others = many[number][:6], single[7 * number : 7 * number + 8]
        photos = []
        for i, (one, other) in enumerate(zip([*hers, others[7]], others, strict=False)):
            both = [decode_pixels(p.read()) for p in ((one, other) if i % 2 else (other, one))]
            file = tmp_path / f"{number}-{i}.png"
            file.write_bytes(encode_pixels(np.hstack(both), "PNG"))
            photos.append(Photo("", file.name, file))
        work = Work(Cache(tmp_path / "cache"))
        own = seen(recurring(photos, recognisers.network(wanted.RECOGNISER), work), photos)
        assert [len(each.faces) for each in own] == [1] * 6 + [0]
        for i, each in enumerate(own[:6]):
            warp = each.warps[0]
            x = torch.linalg.solve(warp[:, :2], 56 - warp[:, 2])[0].item()
            assert (x > 250) == (i % 2 == 0), "the side that she is on"
