"""Every file gives a face or a reason, and no picture takes part twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from audit.photographs import align, once
from lowkey_core.content import digests_of
from lowkey_core.faces.pictures import crops
from lowkey_core.photos import decoding
from lowkey_core.photos.photo import Photo
from lowkey_core.types import Pictures
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.conftest import people
from tests.lowkey_core.photos.picture_files import FILES, saved


def named(prefix: str, pictures: Pictures, identity: int) -> Pictures:
    """The same pictures as somebody else's, under other names."""
    names = tuple(f"{prefix}{i}" for i in range(len(pictures)))
    return crops(pictures.faces(), torch.full((len(pictures),), identity), names)


def test_each_file_that_gives_no_face_is_counted_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "empty": b"",
        "text": b"not a picture",
        "cut": FILES["jpeg"][:200],
        "plain": FILES["png"],
        "large": FILES["jpeg"] + bytes(5000),
        "raw": b"FUJIFILMCCD-RAW",
        "sliver": saved(Image.new("RGB", (1, 3300)), "PNG"),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.setattr(decoding, "MAX_BYTES", 5000)
    photos = [Photo("Ann", name, tmp_path / name) for name in [*contents, "fifo", "loop", "absent"]]
    work = Work(Cache(tmp_path / "cache"))
    for _ in range(2):  # computed, then remembered
        aligned = align(photos, work)
        assert aligned.found == {}
        assert aligned.no_face == ("plain", "sliver")
        assert aligned.unreadable == {
            "empty": "not a picture",
            "text": "not a picture",
            "cut": "damaged",
            "large": "too large",
            "raw": "unsupported",
            "fifo": "unreadable",
            "loop": "unreadable",
            "absent": "unreadable",
        }


def shows(*parts: Pictures) -> dict[str, str]:
    """By name, what each picture shows."""
    return {
        name: digest
        for part in parts
        for name, digest in zip(part.names, digests_of(part.faces()), strict=True)
    }


def test_different_pictures_all_take_part() -> None:
    parts = [named(f"{seed}/", people(3, 2, seed), 0) for seed in range(4)]
    kept, left_out = once(shows(*parts), *parts)
    assert [len(part) for part in kept] == [6, 6, 6]
    assert left_out == ()


def test_a_probe_is_neither_enrolled_nor_learned_from() -> None:
    probes = people(2, 3)
    copies = [named(p, probes.select([i]), 9) for i, p in enumerate(("g", "b", "l"))]
    parts = [named(f"part{seed}-", people(2, 2, seed), seed) for seed in (1, 2, 3)]
    joined = [copy.join(part) for copy, part in zip(copies, parts, strict=True)]
    kept, left_out = once(shows(probes, *joined), probes, *joined)
    assert left_out == ("g0", "b0", "l0")
    assert kept == parts


def test_a_picture_takes_part_where_it_is_first() -> None:
    shared, probes = people(1, 1, seed=5), people(1, 2)
    parts = [named(prefix, shared, i) for i, prefix in enumerate(("g", "b", "l"))]
    kept, left_out = once(shows(probes, *parts), probes, *parts)
    assert [part.names for part in kept] == [("g0",), (), ()]
    assert left_out == ("b0", "l0")
    assert kept[1].faces().shape == (0, 3, 112, 112)


def test_a_probe_is_never_left_out() -> None:
    twice, gallery = named("p", people(1, 1).select([0, 0]), 0), people(1, 2, seed=1)
    (kept,), left_out = once(shows(twice, gallery), twice, gallery)
    assert (len(kept), left_out) == (2, ())
