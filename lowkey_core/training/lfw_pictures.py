"""The pictures of LFW that the zoo learned from, known again wherever they turn up.

The file holds the first bytes of the digest of each. It is made again by
`python -m lowkey_core.training.lfw_pictures FILE`, of the tars in CLOAK_ASSETS (deep-funneled): the
same pictures encoded otherwise are not known.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save

from lowkey_core import datasets
from lowkey_core.photos.photo import digest_of
from lowkey_core.training.faces import kept_out
from lowkey_core.weights import Card
from lowkey_core.weights.checkpoints import state_of
from lowkey_core.work.files import write_atomically

DIGITS = 10
"""Hex digits of each digest: among a million other files, one passes for one of these with a
probability of a hundredth."""
CARD = Card(
    name="lfw-pictures",
    file="lfw-pictures.safetensors",
    sha256="67426b4f2df14e63b41e70313d7bb7d6a25ab12ff3b6b7ad552cf57739a00561",
    source="made by this project: `python -m lowkey_core.training.lfw_pictures`",
    licence="Apache-2.0",
    released=datetime.date(2026, 11, 25),
    trained_on="nothing: digests of pictures of LFW",
    embedded=True,
    size=45_255,
)


@cache
def digests() -> frozenset[str]:
    """The first DIGITS of every picture's. Raises: MissingWeightsError, TamperedWeightsError."""
    rows = state_of(CARD)["digests"].numpy()
    return frozenset(row.tobytes().hex() for row in rows)


def known(contents: Iterable[str]) -> int:
    """How many of these files, by the digests of their content, the zoo learned from."""
    return sum(content[:DIGITS] in digests() for content in contents)


def main(path: Path) -> None:
    """Writes the file."""
    lfw = datasets.load("lfw")
    out = kept_out(lfw)
    seen = {digest_of(p.read())[:DIGITS] for p in lfw.photos if p.identity not in out}
    rows = torch.tensor([list(bytes.fromhex(digest)) for digest in sorted(seen)])
    write_atomically(path, save({"digests": rows.to(torch.uint8)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
