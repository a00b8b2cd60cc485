"""What a plan is made of: names in canonical form, and fields that carry the help of their flag.

Nothing here imports torch.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from audit import ladders
from lowkey_core import spec

MOST_NAMES = 100
"""Of one kind: every cell of a report is looked up among them."""


def once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Each of them once, in their order."""
    return tuple(dict.fromkeys(names))


def _canonical(names: tuple[str, ...]) -> tuple[str, ...]:
    return once(tuple(spec.canonical(name) for name in names))


def _chains(names: tuple[str, ...]) -> tuple[str, ...]:
    return once(tuple(rung for name in names for rung in ladders.rungs(name)))


def _ladders(names: tuple[str, ...]) -> tuple[str, ...]:
    every = once(tuple(rung for name in names for rung in ladders.each(name)))
    return few(every, "scenarios")


def few(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    """The names, if there are not too many of `what`. Raises: ValueError."""
    if len(names) > MOST_NAMES:
        raise ValueError(f"ranges make {len(names)} {what} of it, at most {MOST_NAMES}")
    return names


Specs = Annotated[tuple[str, ...], AfterValidator(_canonical)]
"""Names with their options, as `lowkey_core/spec.py` has them, in canonical form, each once."""
Chains = Annotated[tuple[str, ...], AfterValidator(_chains)]
"""The same, each perhaps a chain: `resize:0.5+jpeg:75`. Ranges, as `jpeg:10..95`, are given one for
each of their values."""
Ladders = Annotated[tuple[str, ...], AfterValidator(_ladders)]
"""Specs, with ranges, as `mixed:0..1..0.25`, given one for each of their values."""
Names = Annotated[tuple[str, ...], AfterValidator(once)]


class Part(BaseModel):
    """A part of a plan. Each field carries the help of its flag."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def choice(
    default: Any, help_text: str, *, flag: str = "", common: bool = False, **limits: Any
) -> Any:
    """A field. flag: its name on the command line, if not the field's. common: shown first.

    A number is below 2**31, and a list has at most MOST_NAMES names, where no limit is given.
    """
    if type(default) is int and not {"lt", "le"} & limits.keys():
        limits["lt"] = 2**31
    if isinstance(default, tuple):
        limits.setdefault("max_length", MOST_NAMES)
    return Field(
        default, description=help_text, json_schema_extra={"flag": flag, "common": common}, **limits
    )
