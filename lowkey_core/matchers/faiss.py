"""1-NN in large galleries, by FAISS (Douze et al. 2024, arXiv 2401.08281): the extra `faiss`.

FAISS proposes pictures, and `nn` decides among them: ranks, also of equals, are those of `nn`, and
scores to within single precision. The gallery's embeddings are in a file, which a search reads
once, block by block, and again only for probes whose list one person's pictures, or equal ones,
fill.

`faiss` and `faiss:flat` look at every picture, and find what `nn` finds. `faiss:ivf` (inverted
lists: `nprobe` of `lists` are looked at) and `faiss:hnsw` (a graph of `links` for each picture,
walked with a list of `ef` candidates) look at some of them, and keep them all in memory. They may
miss somebody, so a part of their searches is repeated exactly, and the report says how much of it
they find.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import torch
from annotated_types import Ge, Le
from torch import Tensor

from lowkey_core.errors import OptionError
from lowkey_core.matchers.nn import NearestNeighbour
from lowkey_core.recognition.candidates import nothing, stacked
from lowkey_core.recognition.indexes import Settings, built, package
from lowkey_core.recognition.vectors import Vectors, written
from lowkey_core.types import Candidates, Embeddings
from lowkey_core.work.work import Work

PROBES, NUMBERS = 8, 2**26
"""Probes that are decided together, and numbers of a block that is read at once: 256 MiB."""
_READ = 128
"""Probes whose proposals are read at once: 32 MiB of 512 numbers each, for 50 candidates."""
_SPARE = 4
"""Pictures that are proposed beyond those that are needed if everybody has as many."""
_WIDER = 4
"""By how much more are proposed where they were not enough."""
_ROUNDING = 1e-5
"""More than FAISS's cosines and `nn`'s differ by: each adds products in an order of its own."""
_PROPOSED = 2**22
"""Proposals at once where many are needed, over all probes."""
_CHECKED = 50
"""Probes of a search that are searched for exactly, too."""


_OPTIONS = {"flat": (), "ivf": ("nprobe", "lists", "seed"), "hnsw": ("links", "ef", "seed")}
MEMBERS = tuple(_OPTIONS)


def build(
    member: str,
    work: Work | None = None,
    nprobe: Annotated[int, Ge(1), Le(2**20)] | None = None,
    lists: Annotated[int, Ge(1), Le(2**20)] | None = None,
    links: Annotated[int, Ge(2), Le(512)] | None = None,
    ef: Annotated[int, Ge(1), Le(2**16)] | None = None,
    seed: Annotated[int, Ge(0), Le(2**31 - 1)] | None = None,
) -> Search:
    """member: one of MEMBERS. nprobe: of `ivf`, lists that are looked at; 16. lists: of `ivf`; 4
    times the square root of the number of pictures, and never so many that fewer than 39 pictures
    are left to learn each from. links: of `hnsw`, 32. ef: of `hnsw`, candidates while the graph is
    built and walked; 128. seed: of either, 0. work: where the gallery's file may be.

    Raises: OptionError for an option of another index, or without the package.
    """
    given = {"nprobe": nprobe, "lists": lists, "links": links, "ef": ef, "seed": seed}
    told = {name: value for name, value in given.items() if value is not None}
    if wrong := [name for name in told if name not in _OPTIONS[member]]:
        raise OptionError(
            f"faiss:{member} was told {wrong[0]}={told[wrong[0]]}",
            expected=f"of its options: {', '.join(_OPTIONS[member]) or 'none'}",
            remedy="leave it out, or name another index",
        )
    package()
    return Search(Settings(member, **told), work or Work())


@dataclass
class Search:
    """A `Fit`; an `Approximate` one, where its index is."""

    settings: Settings
    work: Work
    hits: int = 0
    searched: int = 0

    def __call__(self, gallery: Embeddings, identities: Tensor) -> Indexed:
        """As `Fit`."""
        vectors = written([gallery], self.work.cache.root)
        if self.settings.index == "flat":
            return Indexed(vectors, identities)
        return Approximate(vectors, identities, built(gallery, self.settings), self)


@dataclass(frozen=True)
class Indexed:
    """A gallery's embeddings in a file."""

    vectors: Vectors
    identities: Tensor
    """(g,) int64, whose each row is."""
    known: int = field(init=False)
    """Identities."""
    further: int = field(init=False)
    """Pictures of whoever has most, beyond the first."""

    def __post_init__(self) -> None:
        counts = self.identities.unique(return_counts=True)[1]
        object.__setattr__(self, "known", len(counts))
        object.__setattr__(self, "further", int(counts.max()) - 1 if len(counts) else 0)

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """As `Fitted.search`."""
        k = min(k, self.known)
        if not len(probes) or not k:
            return nothing(len(probes), k)
        return self._exact(probes.cpu(), k, k + self.further + _SPARE)

    def likeness(self, probes: Embeddings, claimed: Tensor, /) -> Tensor:
        """As `Fitted.likeness`."""
        own = torch.isin(self.identities, claimed).nonzero().flatten()
        nearest = NearestNeighbour(self.vectors.take(own), self.identities[own])
        return nearest.likeness(probes, claimed)

    def _exact(self, probes: Embeddings, k: int, width: int) -> Candidates:
        """width: pictures that are proposed, of each probe."""
        width = min(width, len(self.vectors))
        scores, rows = self._nearest(probes, width)
        enough = self._enough(scores, rows, k) | (width == len(self.vectors))
        answer, more = nothing(len(probes), k), _WIDER * width
        if enough.any():
            _put(answer, enough, self._decided(probes[enough], rows[enough], k, PROBES))
        if not enough.all():
            for some in (~enough).nonzero().flatten().split(max(1, _PROPOSED // more)):
                _put(answer, some, self._exact(probes[some], k, more))
        return answer

    def _nearest(self, probes: Embeddings, width: int) -> tuple[Tensor, Tensor]:
        """(p, width) cosines, best first, and places of the nearest pictures."""
        faiss, queries = package(), probes.contiguous().numpy()
        scores, rows = probes.new_zeros(len(probes), 0), torch.zeros(len(probes), 0).long()
        for start, block in self.vectors.blocks(max(1, NUMBERS // self.vectors.size)):
            near = faiss.knn(queries, block, min(width, len(block)), faiss.METRIC_INNER_PRODUCT)
            del block  # before the next one is mapped
            scores = torch.cat([scores, torch.from_numpy(near[0])], 1)
            rows = torch.cat([rows, start + torch.from_numpy(near[1])], 1)
            scores, order = scores.topk(min(width, scores.shape[1]))
            rows = rows.gather(1, order)
        return scores, rows

    def _enough(self, scores: Tensor, rows: Tensor, k: int) -> Tensor:
        """(p,) bool: k people are among what is proposed, and nobody who is not can be one of the
        k best."""
        people, order = self.identities[rows].sort(dim=1, stable=True)
        first = torch.ones_like(people, dtype=torch.bool)
        first[:, 1:] = people[:, 1:] != people[:, :-1]
        known = torch.zeros_like(first).scatter(1, order, first).cumsum(1)
        last = torch.searchsorted(known, torch.full((len(rows), 1), k)).flatten()
        there = last < rows.shape[1]
        bar = scores.gather(1, last.clamp(max=rows.shape[1] - 1).unsqueeze(1))[:, 0]
        return there & (scores[:, -1] < bar - _ROUNDING)

    def _decided(self, probes: Embeddings, rows: Tensor, k: int, together: int) -> Candidates:
        """What `nn` finds among the pictures that are proposed. rows: -1: none."""
        parts = zip(probes.split(_READ), rows.split(_READ), strict=True)
        return stacked((c for p, r in parts for c in self._each(p, r, k, together)), k)

    def _each(
        self, probes: Embeddings, rows: Tensor, k: int, together: int
    ) -> Iterator[Candidates]:
        """As `_decided`; what is proposed of all these probes is read at once."""
        wanted = rows[rows >= 0].unique()
        vectors, identities = self.vectors.take(wanted), self.identities[wanted]
        for some, r in zip(probes.split(together), rows.split(together), strict=True):
            own = torch.searchsorted(wanted, r[r >= 0].unique())
            yield NearestNeighbour(vectors[own], identities[own]).search(some, k)


def _put(answer: Candidates, rows: Tensor, found: Candidates) -> None:
    answer.scores[rows], answer.identities[rows] = found.scores, found.identities


@dataclass(frozen=True)
class Approximate(Indexed):
    """The same, and an index that proposes from some of the pictures."""

    index: Any
    counted: Search

    def search(self, probes: Embeddings, k: int, /) -> Candidates:
        """As `Fitted.search`; what is not found is -inf and -1. Each probe is decided by itself, so
        that what is found of it does not depend on others."""
        k, probes = min(k, self.known), probes.cpu()
        if not len(probes) or not k:
            return nothing(len(probes), k)
        package()
        width = min(k * (1 + self.further), len(self.vectors))  # of k people, whoever they are
        rows = torch.from_numpy(self.index.search(probes.contiguous().numpy(), width)[1])
        found = self._decided(probes, rows, k, 1)
        self._compare(probes, found, k)
        return found

    def _compare(self, probes: Embeddings, found: Candidates, k: int) -> None:
        """Searches for some of the probes exactly, evenly chosen."""
        some = torch.arange(0, len(probes), max(1, -(-len(probes) // _CHECKED)))
        exact = self._exact(probes[some], k, k + self.further + _SPARE).identities
        mine = found.identities[some]
        self.counted.hits += int((exact.unsqueeze(2) == mine.unsqueeze(1)).any(2).sum())
        self.counted.searched += exact.numel()
