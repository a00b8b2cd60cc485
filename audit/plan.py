"""What to audit: from flags, a preset, or a TOML file. Standard library and pydantic only."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from audit.statistics import clopper_pearson
from lowkey_core.errors import PlanError, unknown_name

BASE_TRANSFORMS = ("none", "jpeg:75", "jpeg:30")
"""Measured in every audit: how the answer reads under JPEG is part of the question."""


class AuditPlan(BaseModel):
    """Every choice an audit depends on; two runs of one plan give one report."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    attack: str = "lowkey"
    """The cloak: a name of `list attacks`, or a `.py` file."""
    attack_options: dict[str, int | float] = {}
    """Passed to the cloak's build()."""
    cloaked: str | None = None
    """Folder of cloaked copies, for the attack `folder`."""
    adversaries: tuple[str, ...] = ("adaptive",)
    """Names of `list adversaries` or `.py` files. `oblivious` always takes part."""
    flagged: Literal["drop", "keep"] = "drop"
    """What a detecting adversary does with pictures it judges cloaked."""
    dataset: str = "synthetic"
    """A name of `list datasets`, a folder with one sub-folder per identity, or a `.csv` table with
    the columns path and identity."""
    distractor_datasets: tuple[str, ...] = ()
    """Further ones of strangers: each picture counts as an identity of its own, and loose pictures
    in a folder count too."""
    surrogates: tuple[str, ...] = ("zoo:ir-arcface", "zoo:resnet-cosface")
    """The recognisers the cloak works against."""
    recognisers: tuple[str, ...] = ("dlib", "zoo:mobile", "zoo:vit")
    """The recognisers an adversary may have. `oblivious` tries each; the others start from the
    first."""
    matchers: tuple[Literal["nn", "linear"], ...] = ("nn",)
    transforms: tuple[str, ...] = BASE_TRANSFORMS
    """What platforms do to published pictures, everybody's. The base three always take part."""
    conditions: tuple[Literal["all", "one"], ...] = ("all", "one")
    """Everybody protected cloaks, or one at a time."""
    cloaked_share: float = Field(default=1.0, gt=0, le=1)
    """Share of a protected identity's gallery that is cloaked; the rest was published before."""
    ranks: tuple[int, ...] = (1, 5, 10, 50)

    protected: int = Field(default=24, ge=1)
    """Identities who cloak."""
    probes: int = Field(default=4, ge=1)
    """Clean pictures of each protected identity to identify."""
    gallery: int = Field(default=8, ge=1)
    """At most so many pictures of each identity are published."""
    background: int = Field(default=60, ge=1)
    """Identities of the adversary's own pictures."""
    background_pictures: int = Field(default=5, ge=1)
    """Pictures of each."""
    others: int = Field(default=34, ge=0)
    """Unprotected identities with several pictures in the gallery."""
    distractors: int = Field(default=600, ge=0)
    """Unprotected identities with one picture in the gallery, at most: those of
    `distractor_datasets` first, all of them together, then those of `dataset`."""
    epochs: int = Field(default=20, ge=0)
    """Training passes of adversaries that learn."""
    batch: int = Field(default=16, ge=1)
    """Pictures cloaked at once; part of the result, as sums of floats depend on it."""
    seed: int = Field(default=0, ge=0, lt=2**31)

    @field_validator("distractor_datasets", "surrogates")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    @field_validator("transforms")
    @classmethod
    def _with_base(cls, transforms: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*BASE_TRANSFORMS, *transforms)))

    @field_validator("adversaries")
    @classmethod
    def _with_oblivious(cls, adversaries: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("oblivious", *adversaries)))

    @field_validator("ranks")
    @classmethod
    def _with_first(cls, ranks: tuple[int, ...]) -> tuple[int, ...]:
        if any(rank < 1 for rank in ranks):
            raise ValueError("ranks start at 1")
        return tuple(sorted({1, *ranks}))

    @model_validator(mode="before")
    @classmethod
    def _copies_have_no_surrogates(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("attack") == "folder":
            return {"surrogates": (), **given}  # whoever made the copies had their own
        return given

    @field_validator("recognisers", "matchers", "conditions")
    @classmethod
    def _not_empty(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("at least one is needed")
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _with_copies(self) -> Self:
        if self.cloaked is not None and self.attack != "folder":
            raise ValueError("cloaked copies are for --attack folder")
        if self.cloaked is None and self.attack == "folder":
            raise ValueError("--attack folder, of `audit` only, needs its copies: --cloaked DIR")
        if bool(self.surrogates) == (self.attack == "folder"):
            raise ValueError("a cloak needs surrogates, and --attack folder knows none")
        return self

    @property
    def digest(self) -> str:
        """Eight hex digits: the name of the plan's run."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]


PRESETS: dict[str, dict[str, Any]] = {
    "offline": {
        "protected": 10,
        "gallery": 6,
        "background": 48,
        "others": 20,
        "distractors": 100,
        "epochs": 24,
        "conditions": ("all",),
    },
    "quick": {
        "protected": 6,
        "gallery": 6,
        "background": 24,
        "background_pictures": 4,
        "others": 20,
        "distractors": 100,
        "epochs": 12,
        "conditions": ("all",),
    },
    "standard": {},
    "thorough": {
        "protected": 40,
        "background": 60,
        "background_pictures": 8,
        "others": 18,
        "distractors": 1000,
        "epochs": 40,
        "matchers": ("nn", "linear"),
        "conditions": ("all",),  # one at a time would fit a classifier per person and cell
    },
}
"""What a preset changes; `standard` is the plan's own defaults."""

ON_REAL_FACES: dict[str, dict[str, Any]] = {
    "lfw": {
        "surrogates": ("dlib", "mobilefacenet:casia"),
        "recognisers": ("mobilefacenet:ms1m", "edgeface:xxs"),
    },
}
"""What a data set changes. The zoo learned from LFW: there it would meet pictures it knows."""

AGAINST_THE_ZOO = {"ssim_price": 16.0}
"""Options of `lowkey` on the default surrogates: they are small and easily moved, and at its usual
price of 10 the cloak would show more than it needs to (benchmarks/README.md)."""

COSTS = {
    "offline": "about 4 minutes on two cores",
    "quick": "about 4 minutes on two cores",
    "standard": "about 15 minutes on two cores",
    "thorough": "never timed; by its counts three times standard",
}
"""What a preset costs as it stands."""


def power(plan: AuditPlan) -> str:
    """What an audit of this size can tell, at worst: when a person's probes all fare alike."""
    low, high = clopper_pearson(plan.protected / 2, plan.protected)
    return (
        f"{plan.protected} people x {plan.probes} probes: "
        f"a rate of 0.5 is known to +-{(high - low) / 2:.2f} or better"
    )


def make(
    preset: str = "offline", file: Path | None = None, flags: Mapping[str, Any] | None = None
) -> AuditPlan:
    """The plan of a preset, overridden by what its data set changes, overridden by a TOML file,
    overridden by flags that are not None.

    Raises: PlanError, UnknownNameError.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    given = {k: v for k, v in (flags or {}).items() if v is not None}
    try:
        written = tomllib.loads(file.read_text("utf-8")) if file else {}
        asked = {**written, **given}
        usual = dict(ON_REAL_FACES.get(str(asked.get("dataset")), {}))
        if asked.get("attack") == "folder":
            usual.pop("surrogates", None)  # whoever made the copies had their own
        cloak = str(asked.get("attack", "lowkey")).partition(":")[0]
        if cloak == "lowkey" and "surrogates" not in {**usual, **asked}:
            asked["attack_options"] = {**AGAINST_THE_ZOO, **asked.get("attack_options", {})}
        return AuditPlan.model_validate({**PRESETS[preset], **usual, **asked})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlanError(
            f"the plan {file} cannot be read ({error})",
            expected="a TOML file",
            remedy="see docs/plan.md for an example",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        got = f"{where} is {first['input']!r}: " if where else ""
        raise PlanError(
            got + first["msg"].lower(),
            expected="a plan as audit/plan.py documents it",
            remedy=f"change {where.partition('.')[0] or 'it'} in the flags or the plan file",
        ) from error
