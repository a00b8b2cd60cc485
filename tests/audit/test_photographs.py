"""Every file gives a face or a reason, and no picture takes part twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from audit.photographs import align, once
from lowkey_core.photos import decoding
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import people
from tests.lowkey_core.photos.picture_files import FILES


def named(prefix: str, pictures: Pictures, identity: int) -> Pictures:
    """The same pictures as somebody else's, under other names."""
    names = tuple(f"{prefix}{i}" for i in range(len(pictures)))
    return Pictures(pictures.images, torch.full((len(pictures),), identity), names)


def test_each_file_that_gives_no_face_is_counted_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "empty": b"",
        "text": b"not a picture",
        "cut": FILES["jpeg"][:200],
        "plain": FILES["png"],
        "large": FILES["jpeg"] + bytes(5000),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(decoding, "MAX_BYTES", 5000)
    photos = [Photo("Ann", name, tmp_path / name) for name in [*contents, "fifo", "absent"]]
    work = Work(Cache(tmp_path / "cache"))
    for _ in range(2):  # computed, then remembered
        aligned = align(photos, work)
        assert aligned.faces == {}
        assert aligned.no_face == ("plain",)
        assert aligned.unreadable == {
            "empty": "not a picture",
            "text": "not a picture",
            "cut": "damaged",
            "large": "too large",
            "fifo": "unreadable",
            "absent": "unreadable",
        }


def test_different_pictures_all_take_part() -> None:
    parts = [people(3, 2, seed) for seed in range(4)]
    kept, left_out = once(*parts)
    assert [len(part) for part in kept] == [6, 6, 6]
    assert left_out == ()


def test_a_probe_is_neither_enrolled_nor_learned_from() -> None:
    probes = people(2, 3)
    copies = [named(p, probes.select([i]), 9) for i, p in enumerate(("g", "b", "l"))]
    parts = [people(2, 2, seed) for seed in (1, 2, 3)]
    joined = [
        Pictures(
            torch.cat([copy.images, part.images]),
            torch.cat([copy.identities, part.identities]),
            copy.names + part.names,
        )
        for copy, part in zip(copies, parts, strict=True)
    ]
    kept, left_out = once(probes, *joined)
    assert left_out == ("g0", "b0", "l0")
    for part, alone in zip(kept, parts, strict=True):
        assert part.names == alone.names
        assert torch.equal(part.images, alone.images)
        assert torch.equal(part.identities, alone.identities)


def test_a_picture_takes_part_where_it_is_first() -> None:
    shared = people(1, 1, seed=5)
    kept, left_out = once(
        people(1, 2), named("g", shared, 0), named("b", shared, 1), named("l", shared, 2)
    )
    assert [part.names for part in kept] == [("g0",), (), ()]
    assert left_out == ("b0", "l0")
    assert kept[1].images.shape == (0, 3, 112, 112)


def test_a_probe_is_never_left_out() -> None:
    twice = named("p", people(1, 1).select([0, 0]), 0)
    (gallery,), left_out = once(twice, people(1, 2, seed=1))
    assert (len(gallery), left_out) == (2, ())
