"""The options of a plugin: the parameters of its `build` that users may set."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_type_hints

from lowkey_core.errors import OptionError
from lowkey_core.spec import Plain, Spec

if TYPE_CHECKING:
    from lowkey_core.plugins import Plugin


def options_of(
    spec: Spec, plugin: Plugin, granted: Mapping[str, Any], defaults: Mapping[str, Plain]
) -> dict[str, Any]:
    """Values for the parameters of `build` that users may set, within their limits."""
    kinds = inspect.Parameter
    reserved = {*granted, "member", "of", "stated"}
    named = {k: p for k, p in plugin.parameters.items() if k not in reserved}
    takes_all = any(p.kind is kinds.VAR_KEYWORD for p in named.values())
    named = {
        k: p for k, p in named.items() if p.kind not in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL)
    }
    options = {k: v for k, v in defaults.items() if k in named} | dict(spec.options)
    if spec.value and not plugin.asks_for("member"):
        first = next(iter(named), None)
        if first is None or first in spec.options:
            raise OptionError(
                f"{str(spec)!r} carries the value {spec.value!r}",
                expected=f"{spec.name!r} alone" if first is None else f"{first} once",
                remedy="leave out the value",
            )
        options[first] = spec.value
    if unknown := [k for k in options if k not in named and not (takes_all and k not in reserved)]:
        raise OptionError(
            f"{spec.name} has no option {unknown[0]!r}",
            expected=f"one of: {', '.join(named) or 'none at all'}",
            remedy="see the docstring of its build()",
        )
    required = [k for k, p in named.items() if p.default is kinds.empty]
    if needed := [k for k in required if k not in options]:
        raise OptionError(
            f"{spec.name} was not told its {needed[0]!r}",
            expected=f"options for: {', '.join(required)}",
            remedy=f"write {spec.name}:{needed[0]}=VALUE, or give it a default in build()",
        )
    return {k: _checked(spec, plugin, k, v) for k, v in options.items()}


def _checked(spec: Spec, plugin: Plugin, option: str, value: Plain) -> Any:
    """The value as the annotation of `build` has it. Raises: OptionError."""
    from pydantic import TypeAdapter, ValidationError

    try:
        annotation = get_type_hints(plugin.build, include_extras=True).get(option, Any)
    except Exception:  # a name that exists for type checkers only: nothing is declared then
        return value
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError as error:
        raise OptionError(
            f"{option} of {str(spec)!r} is {value!r}",
            expected=error.errors()[0]["msg"].removeprefix("Input should be ").lower(),
            remedy=f"correct it, as in {spec.name}:{option}=VALUE",
        ) from None
