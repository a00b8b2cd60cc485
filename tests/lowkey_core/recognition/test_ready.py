"""Embeddings that are ready: whose they are is known, and a file that is wrong is named."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F
from torch import Generator

from lowkey_core.errors import DatasetError
from lowkey_core.recognition import ready
from tests.conftest import TinyNetwork

CARD = TinyNetwork(2).card
VECTORS = F.normalize(torch.randn(30, 8, generator=Generator().manual_seed(0)))
ROWS: npt.NDArray[np.float32] = VECTORS.numpy()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    ready.write(tmp_path / "crowd.npy", VECTORS, CARD)
    found = ready.read(tmp_path / "crowd.npy")
    assert torch.equal(found.vectors, VECTORS)
    assert found.maker.made(CARD)
    assert not found.maker.made(TinyNetwork(1).card)
    assert not ready.Maker(recogniser=CARD.name, sha256="0" * 64).made(CARD), "other weights"


def npy(rows: object, **how: object) -> bytes:
    file = io.BytesIO()
    np.save(file, rows, **how)  # type: ignore[call-overload]
    return file.getvalue()


def off(row: int, value: float) -> npt.NDArray[np.float32]:
    rows = ROWS.copy()
    rows[row, 3] = value
    return rows


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "cannot be used"),
        (b"no array", "cannot be used"),
        (npy(ROWS)[:-1], "cannot be used"),
        (npy(ROWS.astype(np.float64)), r"it holds float64 of shape \(30, 8\)"),
        (npy(ROWS[0]), r"it holds float32 of shape \(8,\)"),
        (npy(ROWS[:0]), "cannot be used"),
        (npy(np.asfortranarray(ROWS)), "it holds float32"),
        (npy(np.ones((2, 5000), np.float32)), "it holds float32 of shape"),
        (npy(off(7, 0.0)), "row 7 is not of length 1"),
        (npy(off(29, np.nan)), "row 29 is not of length 1"),
        (npy(off(0, np.inf)), "row 0 is not of length 1"),
        (npy(np.array([{}], object), allow_pickle=True), "cannot be used"),
        (npy(ROWS).replace(b"(30, 8)", b"(3" + b"0" * 4 + b"8)"), "cannot be used"),
        (b"PK\x03\x04 a zip file of arrays", "cannot be used"),
        (npy(ROWS).replace(b"(30, 8), }", b"(-5, 8), }"), "cannot be used"),
        (npy(ROWS).replace(b"(30, 8), }     ", b"(2**70, 8), }  "), "cannot be used"),
        (npy(ROWS).replace(b"'<f4'", b"(    "), "cannot be used"),
    ],
)
def test_a_file_that_is_no_such_array_is_named(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    ready.write(tmp_path / "crowd.npy", VECTORS, CARD)
    (tmp_path / "crowd.npy").write_bytes(content)
    with pytest.raises(DatasetError, match=complaint):
        ready.read(tmp_path / "crowd.npy")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        json.dumps({"recogniser": "tiny2"}),
        json.dumps({"recogniser": "tiny2", "sha256": "abc"}),
        json.dumps({"recogniser": "", "sha256": ""}),
        json.dumps({"recogniser": "tiny2", "sha256": "", "more": 1}),
    ],
)
def test_the_file_beside_must_say_who_made_them(tmp_path: Path, text: str) -> None:
    ready.write(tmp_path / "crowd.npy", VECTORS, CARD)
    (tmp_path / "crowd.json").write_text(text)
    with pytest.raises(DatasetError, match=r"crowd\.json cannot be used"):
        ready.read(tmp_path / "crowd.npy")


def test_what_is_not_there_and_what_would_wait_for_ever_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"crowd\.json cannot be used"):
        ready.read(tmp_path / "crowd.npy")
    ready.write(tmp_path / "crowd.npy", VECTORS, CARD)
    (tmp_path / "crowd.npy").unlink()
    os.mkfifo(tmp_path / "crowd.npy")
    with pytest.raises(DatasetError, match="Not a regular file"):
        ready.read(tmp_path / "crowd.npy")
