"""What to audit: every choice that a report depends on, in five parts.

A plan comes from a preset, a TOML file and flags (`audit/choices.py`). Nothing here imports torch.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from pydantic import field_validator

from audit.fields import Chains, Ladders, Names, Part, Specs, choice, few, once

BASE_TRANSFORMS = ("none", "jpeg:75", "jpeg:30")
"""Measured in every audit: how the answer reads under JPEG is part of the question."""
BASELINE = "oblivious"
"""The adversary that takes part in every audit: what it finds is what every other adds to."""


MOST_PEOPLE = 100_000
"""Protected: more would make reports longer, and figures no sharper."""
MOST_SPLITS = 1000
"""Of the people."""


class People(Part):
    """Whose pictures, and who plays which part."""

    dataset: str = choice(
        "synthetic",
        "See `list datasets`, a folder with a sub-folder per person, or a table.csv.",
        common=True,
    )
    world: str = choice(
        "",
        "Likewise: of everybody but the protected; without one, all are from the one data set.",
    )
    distractor_datasets: Names = choice(
        (),
        "Likewise, or a folder of loose pictures: each is one more stranger.",
        flag="distractor_dataset",
    )
    protected: int = choice(24, "Identities who cloak.", common=True, ge=1, le=MOST_PEOPLE)
    probes: int = choice(4, "Clean pictures of each to identify.", ge=1)
    gallery: int = choice(8, "Published pictures of each identity, at most.", ge=1)
    background: int = choice(60, "Identities the adversary learns from.", ge=1)
    background_pictures: int = choice(5, "Pictures of each of those.", ge=1)
    others: int = choice(34, "Unprotected identities with several pictures.", ge=0)
    distractors: int = choice(
        600, "Unprotected identities with one picture: distractor data sets' first.", ge=0
    )
    calibration: int = choice(
        0, "Identities in nobody's training and no gallery, for measures with a threshold.", ge=0
    )
    others_probes: int = choice(
        0, "Clean pictures of each of the others to identify, for measures of accuracy.", ge=0
    )
    seed: int = choice(0, "Of every random choice.", ge=0, lt=2**31)
    seeds: int = choice(
        1,
        "Splits of the people, each with its own seed from `seed` on, pooled by identity.",
        ge=1,
        le=MOST_SPLITS,
    )


class Publish(Part):
    """What people do before they publish, and what platforms do after."""

    attacks: Specs = choice(
        ("lowkey",),
        "The cloak: see `list attacks`, or a .py file; options as lowkey:steps=50.",
        flag="attack",
        common=True,
        min_length=1,
    )
    surrogates: Specs = choice(
        ("zoo:ir-arcface", "zoo:resnet-cosface"),
        "Recognisers the cloak works against: see `list recognisers`, or a .pt or .py file.",
        flag="surrogate",
        common=True,
    )
    scenarios: Ladders = choice(
        ("all", "one"),
        "Who cloaks: see `list scenarios`, as all, one (at a time), mixed:0.5 (half of each), a "
        "ladder as mixed:0..1..0.25, or `every` one.",
        flag="scenario",
        min_length=1,
    )
    transforms: Chains = choice(
        BASE_TRANSFORMS,
        "Besides none, jpeg:75 and jpeg:30: see `list transforms`; a chain as resize:0.5+jpeg:75, "
        "a ladder as jpeg:10..95.",
        flag="transform",
        common=True,
    )
    detect: Literal["again", "as found"] = choice(
        "again",
        "Whether the detector looks again at protected people's published photos, or faces are "
        "taken where they were.",
    )
    batch: int = choice(
        16, "Pictures cloaked at once; part of the result, as sums of floats depend on it.", ge=1
    )

    @field_validator("transforms")
    @classmethod
    def _with_base(cls, transforms: tuple[str, ...]) -> tuple[str, ...]:
        return few(once((*BASE_TRANSFORMS, *transforms)), "transforms")


class Adversaries(Part):
    """Who builds recognition from what was published, and with what."""

    names: Specs = choice(
        ("adaptive",),
        "See `list adversaries`, or a .py file; `all` of them. `oblivious` always takes part.",
        flag="adversary",
        common=True,
    )
    recognisers: Specs = choice(
        ("dlib", "zoo:mobile", "zoo:vit"),
        "What an adversary may start from, also .pt, .onnx or .py files; the first is retrained.",
        flag="recogniser",
        common=True,
        min_length=1,
    )
    matchers: Specs = choice(("nn",), "See `list matchers`.", flag="matcher", min_length=1)
    against: Specs = choice(
        (), "Cloaks that adversaries who run the tool learn about; without one, every cloak."
    )
    epochs: int = choice(12, "Training passes of adversaries that learn.", ge=0)
    detector: Literal["mtcnn", "dlib", "opencv"] = choice(
        "mtcnn", "With which they find and align faces in everybody's photos."
    )
    flagged: Literal["drop", "purify", "keep"] = choice(
        "drop", "What a detector does with what it flags."
    )
    each: bool = choice(
        False, "Adversaries that start from the first recogniser start from each, in turn."
    )
    everywhere: bool = choice(
        False, "Adversaries that train on every gallery do so in every scenario and transform."
    )

    @field_validator("names")
    @classmethod
    def _with_oblivious(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return once((BASELINE, *names))


class Measure(Part):
    """What is counted."""

    measures: Specs = choice(
        ("rank-k", "detection"), "See `list measures`; `all` of them.", flag="measure", min_length=1
    )
    ranks: tuple[int, ...] = choice((1, 5, 10, 50), "Ranks of identification.", max_length=1000)

    @field_validator("ranks")
    @classmethod
    def _with_first(cls, ranks: tuple[int, ...]) -> tuple[int, ...]:
        if not all(1 <= rank < 2**31 for rank in ranks):
            raise ValueError("ranks start at 1, and end below 2**31")
        return tuple(sorted({1, *ranks}))

    @field_validator("measures")
    @classmethod
    def _with_ranks(cls, measures: tuple[str, ...]) -> tuple[str, ...]:
        return once(("rank-k", *measures))


class Run(Part):
    """How it is computed."""

    device: Literal["auto", "cpu", "cuda", "mps"] = choice(
        "auto", "Where networks run: cpu, cuda or mps; auto takes the fastest that is there."
    )


class AuditPlan(Part):
    """Every choice; two runs of one plan on one machine give one report, timings aside."""

    people: People = People()
    publish: Publish = Publish()
    adversaries: Adversaries = Adversaries()
    measure: Measure = Measure()
    run: Run = Run()

    @property
    def splits(self) -> tuple[AuditPlan, ...]:
        """A plan for each split of the people."""
        first = self.people.seed
        changes = ({"seed": first + i, "seeds": 1} for i in range(self.people.seeds))
        return tuple(
            self.model_copy(update={"people": self.people.model_copy(update=change)})
            for change in changes
        )

    @property
    def digest(self) -> str:
        """Eight hex digits: part of the name of the plan's run."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]
