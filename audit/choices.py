"""From flags, a preset and a TOML file to a plan.

A data set's own defaults override the preset, a plan file overrides those, flags override all; a
list that a flag gives replaces the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from audit import presets
from audit.everything import expanded
from audit.plan import Adversaries, AuditPlan
from audit.presets import BY_DATASET, PRESETS, Nested
from lowkey_core import spec, weights
from lowkey_core.errors import PlanError, setting, unknown_name
from lowkey_core.spec import Spec
from lowkey_core.weights import Card
from lowkey_core.work import documents


@dataclass(frozen=True)
class Choice:
    """One field of the plan, as flags and Python's `audit()` name it."""

    name: str
    """As a Python name: `distractor_dataset`, given as `--distractor-dataset`."""
    part: str
    field: str
    help: str
    default: Any
    common: bool
    """Shown first; the others under "More"."""
    many: bool
    """Takes a list: repeated, or separated by commas."""
    text: bool
    """Text rather than numbers."""


def choices() -> Iterator[Choice]:
    """Every choice that a plan holds, by part."""
    for part, info in AuditPlan.model_fields.items():
        model = info.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for name, field in model.model_fields.items():
            extra: Any = field.json_schema_extra
            many = get_origin(field.annotation) is tuple
            yield Choice(
                extra["flag"] or name,
                part,
                name,
                field.description or "",
                field.default,
                extra["common"],
                many,
                field.annotation not in (int, tuple[int, ...]),
            )


def make(
    preset: str = "offline", file: Path | None = None, given: Mapping[str, Any] | None = None
) -> AuditPlan:
    """The plan of a preset, a file and flags.

    Where no recogniser is named, those of `presets.WHERE_PRESENT` whose files are there join.
    given: values by the names of `choices()`; None counts as not given. `cloaked` is short for the
    attack `folder:DIR`. Raises: PlanError, UnknownNameError, OptionError.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    written = _read(file) if file else {}
    asked, follows = expanded(_merged(written, _nested(given or {})))
    dataset = str(asked.get("people", {}).get("dataset"))
    usual = _merged(PRESETS[preset], BY_DATASET.get(dataset, {}))
    default = Adversaries.model_fields["recognisers"].default
    named = usual.get("adversaries", {}).get("recognisers", default)
    here = (
        card.name
        for card in presets.WHERE_PRESENT
        if readable(card) and weights.home(card).is_file()
    )
    present: Nested = {"adversaries": {"recognisers": (*named, *here)}}
    return validated(_merged(usual, present, follows, asked))


def readable(card: Card) -> bool:
    """Whether what reads its file is installed."""
    return not card.file.endswith(".onnx") or find_spec("onnx") is not None


def validated(nested: Mapping[str, Any]) -> AuditPlan:
    """The plan with these values. Raises: PlanError."""
    try:
        return AuditPlan.model_validate(nested)
    except ValidationError as error:
        first = error.errors()[0]
        loc = tuple(map(str, first["loc"]))
        names = {f"{c.part}.{c.field}": c.name for c in choices()}
        where, field = ".".join(loc), ".".join(loc[:2])
        got = f"{where} is {first['input']!r}: " if where else ""
        raise PlanError(
            got + first["msg"].lower(),
            expected="a plan as docs/plan.md documents it",
            remedy=f"change {setting(names[field]) if field in names else where or 'it'}",
        ) from error


def _nested(given: Mapping[str, Any]) -> Nested:
    """Flags in the plan's form."""
    given = {k: v for k, v in given.items() if v is not None}
    if (folder := given.pop("cloaked", None)) is not None:
        if given.get("attack") not in (None, "folder", ["folder"], ("folder",)):
            raise PlanError(
                f"{setting('cloaked')} was given with {setting('attack')} {given['attack']}",
                expected=f"{setting('attack', 'folder')} with a folder of cloaked copies",
                remedy="leave out one of the two, or write folder:DIR among several attacks",
            )
        given["attack"] = [str(Spec("folder", str(folder)))]
    known = {c.name: c for c in choices()}
    nested: Nested = {}
    for name, value in given.items():
        if name not in known:
            raise unknown_name("choice", name, known)
        choice = known[name]
        if choice.many and isinstance(value, str):
            value = spec.split(value)
        nested.setdefault(choice.part, {})[choice.field] = value
    return nested


def _merged(*plans: Mapping[str, Any]) -> Nested:
    """Later ones override earlier ones, field by field."""
    merged: Nested = {}
    for plan in plans:
        for part, values in plan.items():
            merged[part] = {**merged.get(part, {}), **values}
    return merged


def _read(file: Path) -> Nested:
    """A plan file. Raises: PlanError, also for the flat form of version 0.1."""
    try:
        written = documents.toml(file)
    except (OSError, ValueError) as error:
        raise PlanError(
            f"the plan {file} cannot be read ({error})",
            expected="a TOML file",
            remedy="see docs/plan.md for an example",
        ) from error
    for key, value in written.items():
        if key in AuditPlan.model_fields and isinstance(value, dict):
            continue
        new = _NOW.get(key) or {c.field: f"{c.field} = ... in [{c.part}]" for c in choices()}.get(
            key
        )
        raise PlanError(
            f"the plan {file} has {key!r} outside of any part",
            expected=f"parts, which are {', '.join(f'[{p}]' for p in AuditPlan.model_fields)}",
            remedy=f"write {new}" if new else "see docs/plan.md for an example",
        )
    return written


_NOW = {
    "attack": 'attacks = ["NAME"] in [publish]',
    "attack_options": 'attacks = ["NAME:KEY=VALUE"] in [publish]',
    "cloaked": 'attacks = ["folder:DIR"] in [publish]',
    "cloaked_share": 'scenarios = ["mixed:SHARE"] in [publish]',
    "conditions": "scenarios = ... in [publish]",
    "adversaries": "names = ... in [adversaries]",
}
"""Keys of the flat form that are called otherwise now."""
