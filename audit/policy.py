"""What a gate demands: a TOML file of conditions. See docs/gates.md. Never imports torch.

[[gate]]
name = "survives JPEG 75"
judge = "protection"
adversary = "oblivious"
transform = "jpeg:75"
at_least = 0.7
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from lowkey_core.errors import GateError
from lowkey_core.work import documents

Judged = Literal["protection", "control", "tpr", "fpr", "dssim", "dssim_max"]
"""What a condition is about: see `WHAT`."""
WHAT: dict[str, str] = {
    "protection": "protection",
    "control": "identification in the clean gallery",
    "tpr": "share of cloaked pictures that a detector flags",
    "fpr": "share of clean pictures that a detector flags",
    "dssim": "mean DSSIM",
    "dssim_max": "largest DSSIM",
}
VISIBLE = ("dssim", "dssim_max")
"""Of a cloak rather than of a cell."""
SELECTORS = ("cloak", "adversary", "recogniser", "matcher", "transform", "scenario")
_LONGEST = 500
"""Lines of a file in which that of a key is looked for."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _told(patterns: tuple[str, ...]) -> tuple[str, ...]:
    if not all(patterns):
        raise ValueError("a name is empty")
    return patterns


Patterns = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=100),
    AfterValidator(_told),
]
"""A name or several; `*` in one stands for anything."""
Limit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Condition(BaseModel):
    """One demand on every cell that it selects: it passes if all of them do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    judge: Judged = "protection"
    cloak: Patterns | None = None
    """Without one: every audited cloak."""
    adversary: Patterns | None = None
    recogniser: Patterns | None = None
    matcher: Patterns | None = None
    """Without one: each recogniser's first."""
    transform: Patterns | None = None
    scenario: Patterns | None = None
    """Without one: the plan's first."""
    newer: bool | None = None
    """Recognisers that are known to be newer than the cloak, or those that are not."""
    held_out: bool | None = None
    """Recognisers that are known to share nothing with a surrogate, or known to share something."""
    at_least: Limit | None = None
    at_most: Limit | None = None
    no_worse_by: Limit | None = None
    """Than the baseline run, by more than this."""

    @model_validator(mode="after")
    def _one_demand(self) -> Self:
        limits = [self.at_least, self.at_most, self.no_worse_by]
        if sum(limit is not None for limit in limits) != 1:
            raise ValueError("give one of at_least, at_most, no_worse_by")
        if self.at_least == 0 or self.at_most == 1 or self.no_worse_by in (0, 1):
            raise ValueError("no report could fail, or none could pass")
        if self.no_worse_by is not None and self.judge not in ("protection", "tpr", *VISIBLE):
            raise ValueError(f"no_worse_by: less of {self.judge} is neither better nor worse")
        chosen = (*SELECTORS[1:], "newer", "held_out")
        idle = [n for n in chosen if getattr(self, n) is not None and self.judge in VISIBLE]
        if idle:
            raise ValueError(f"{self.judge} is of a cloak: {idle[0]} has no effect")
        return self

    @property
    def demand(self) -> str:
        """`protection at least 0.7`."""
        if self.no_worse_by is not None:
            worse = "lower" if self.judge == "protection" else "higher"
            return f"{WHAT[self.judge]} not {worse} than the baseline's by more than {self.margin}"
        words = "at least" if self.at_least is not None else "at most"
        return f"{WHAT[self.judge]} {words} {self.margin}"

    @property
    def margin(self) -> float:
        """The number of the demand."""
        return next(n for n in (self.at_least, self.at_most, self.no_worse_by) if n is not None)


class Policy(BaseModel):
    """A gate: all of its conditions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _called_apart(self) -> Self:
        names = [condition.name for condition in self.gate]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two conditions are called {twice[0]!r}")
        return self

    @property
    def against_baseline(self) -> tuple[str, ...]:
        """The conditions that need a baseline run, by name."""
        return tuple(c.name for c in self.gate if c.no_worse_by is not None)


def read(file: Path) -> Policy:
    """The policy in a TOML file. Raises: GateError, which names the line and the key."""
    try:
        written = documents.toml(file)
    except (OSError, ValueError) as error:
        raise _unreadable(f"{file} cannot be read ({error})") from error
    try:
        return Policy.model_validate(written)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = tuple(first["loc"])
        text = documents.content(file, documents.WRITTEN).decode("utf-8")
        raise _unreadable(
            f"{file}, {_at(text, where)}: {_complaint(first['type'], where, first['msg'])}"
        ) from error


def _unreadable(got: str) -> GateError:
    return GateError(
        got,
        expected="TOML, with a [[gate]] for each condition",
        remedy="see docs/gates.md for every key",
    )


def _complaint(kind: str, where: Sequence[int | str], said: str) -> str:
    if kind != "extra_forbidden":
        return said.removeprefix("Value error, ")
    known = [*Condition.model_fields] if len(where) > 1 else [*Policy.model_fields]
    close = difflib.get_close_matches(str(where[-1]), known, n=1)
    return f"no key is called so; {f'did you mean {close[0]}?' if close else 'known: '}" + (
        "" if close else ", ".join(known)
    )


def _at(text: str, where: Sequence[int | str]) -> str:
    """`line 12, gate 2, at_leest`: where in the file a value stands."""
    number = f"gate {where[1] + 1}" if len(where) > 1 and isinstance(where[1], int) else ""
    key = next((str(w) for w in where[2:3]), "") or ("" if number else ".".join(map(str, where)))
    line = _line(text, where[:3])
    return ", ".join(p for p in (f"line {line}" if line else "", number, key) if p) or "as a whole"


def _line(text: str, where: Sequence[int | str]) -> int | None:
    """The line on which the longest part of a path begins that is in the document: the first after
    those that are a document without it."""
    lines = text.splitlines()
    if not where or len(lines) > _LONGEST:
        return None
    for length in range(len(where), 0, -1):
        before = 0
        for count in range(1, len(lines) + 1):
            try:
                found = tomllib.loads("\n".join(lines[:count]))
            except tomllib.TOMLDecodeError:
                continue  # in the midst of a value
            if _has(found, where[:length]):
                return before + 1
            before = count
    return None


def _has(document: Any, where: Sequence[int | str]) -> bool:
    for step in where:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def matches(pattern: str, name: str) -> bool:
    """Whether a name is the pattern, `*` standing for anything."""
    return bool(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL))
