"""FAISS, and its indexes that look at some pictures of a gallery only."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import torch

from lowkey_core.errors import OptionError, setting
from lowkey_core.recognition.vectors import Rows
from lowkey_core.types import Embeddings

_TRAINED_ON = 39
"""Pictures for each list: with fewer, FAISS warns that its lists are badly placed."""


@dataclass(frozen=True)
class Settings:
    """Of an index that looks at some pictures only."""

    index: str
    """flat, ivf or hnsw."""
    nprobe: int = 16
    lists: int = 0
    """0: 4 times the square root of the number of pictures (FAISS's guidelines)."""
    links: int = 32
    ef: int = 128
    seed: int = 0


def package() -> Any:
    """FAISS, with as many threads as torch. Raises: OptionError without it."""
    try:
        faiss = importlib.import_module("faiss")
    except ImportError:
        raise OptionError(
            f"{setting('matcher', 'faiss')} was asked for, and faiss is not installed",
            expected="the package faiss-cpu",
            remedy="pip install 'lowkey-audit[faiss]'",
        ) from None
    faiss.omp_set_num_threads(torch.get_num_threads())
    return faiss


def built(gallery: Embeddings, settings: Settings) -> Any:
    """The index of a gallery: two of the same gallery and settings are the same."""
    faiss, rows = package(), gallery.cpu().contiguous().numpy()
    return (_ivf if settings.index == "ivf" else _hnsw)(faiss, rows, settings)


def _ivf(faiss: Any, rows: Rows, settings: Settings) -> Any:
    count, size = rows.shape
    lists = settings.lists or round(4 * count**0.5)
    lists = max(1, min(lists, count // _TRAINED_ON))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.nprobe = settings.seed, settings.nprobe
    index.cp.min_points_per_centroid = 1  # in a tiny gallery: no warning on stderr
    index.train(rows)
    index.add(rows)
    return index


def _hnsw(faiss: Any, rows: Rows, settings: Settings) -> Any:
    index = faiss.IndexHNSWFlat(rows.shape[1], settings.links, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.rng = faiss.RandomGenerator(settings.seed)
    index.hnsw.efConstruction = index.hnsw.efSearch = settings.ef
    faiss.omp_set_num_threads(1)  # several threads link pictures in an order of their own
    index.add(rows)
    return index
