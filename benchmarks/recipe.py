"""Does the zoo's recipe make what ships? `python -m benchmarks.recipe`

Runs `zoo train` for one member from its start, and recognises people kept out of all training with
the result and with the shipped network. Half an hour; an interrupted one goes on.
"""

from __future__ import annotations

import sys

from safetensors.torch import load_file

from benchmarks import record
from benchmarks.lfw import rank_one
from benchmarks.record import Measured
from lowkey_core.recognisers import zoo
from lowkey_core.work import runtime

TIMED = False
MEMBER = "resnet-cosface"


def measure() -> Measured:
    """Hits and probes of what was trained, and of what ships."""
    folder = record.FOLDER / "recipe"
    record.called("zoo", "train", f"zoo:{MEMBER}", "--out", str(folder))
    runtime.tune()
    card, bare = zoo.CARDS[MEMBER], zoo.network(MEMBER)
    bare.load_state_dict({k: v.float() for k, v in load_file(folder / card.file).items()})
    trained = zoo.Member(card, bare.eval().requires_grad_(False))
    return {
        "trained": list(rank_one(trained, untaught=True)),
        "shipped": list(rank_one(f"zoo:{MEMBER}", untaught=True)),
    }


def tables(measured: Measured) -> dict[str, str]:
    """`recipe`, a sentence."""
    (hits, of), (shipped, _) = measured["trained"], measured["shipped"]
    return {
        "recipe": f"What `zoo train zoo:{MEMBER}` makes as it stands, run whole, has rank-1 "
        f"{hits / of:.2f} ({hits} of {of}),\nwhere the shipped one has {shipped}."
    }


if __name__ == "__main__":
    record.alone("recipe", sys.modules[__name__])
