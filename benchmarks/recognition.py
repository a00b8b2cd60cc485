"""Rank-1 on LFW of every recogniser, and what a view costs. `python -m benchmarks.recognition`"""

from __future__ import annotations

import time

import torch

from benchmarks.lfw import faces, rank_one
from lowkey_core import plugins, recognisers
from lowkey_core.work import runtime


def main() -> None:
    """Prints a Markdown table."""
    runtime.tune()
    print("| recogniser | rank-1 | hits | cost of a view, dlib = 1 |\n| --- | --- | --- | --- |")
    names = plugins.available("lowkey_core.recognisers")
    costs = {name: cost(name) for name in names}
    for name in names:
        hits, probes = rank_one(recognisers.load(name))
        relative = costs[name] / costs["dlib"]
        print(f"| {name} | {hits / probes:.4f} | {hits} of {probes} | {relative:.2f} |")


def cost(name: str) -> float:
    """Best of five: seconds for a forward pass of 64 faces."""
    embedder, images = recognisers.load(name), faces()[0].images[:64]
    seconds = []
    with torch.no_grad():
        for _ in range(5):
            start = time.perf_counter()
            embedder(images)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
