"""What there is to choose from, a line each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

from audit.presets import COSTS
from lowkey_core.errors import unknown_name


def names(kind: str) -> Iterator[str]:
    """Raises: UnknownNameError."""
    if kind not in KINDS:
        raise unknown_name("list", kind, KINDS)
    return KINDS[kind]()


def _plugins(module: str, kind: str) -> Callable[[], Iterator[str]]:
    def listed() -> Iterator[str]:
        yield from getattr(importlib.import_module(module), kind).available()

    return listed


def _transforms() -> Iterator[str]:
    yield from _plugins("lowkey_core.transforms", "TRANSFORMS")()
    yield "a chain, as resize:0.5+jpeg:75"
    yield "one at another size, as longest:1600@jpeg:70"
    yield "a ladder, as jpeg:10..95 or jpeg:10..95..5"


def _recognisers() -> Iterator[str]:
    from audit.models import listed_recognisers

    yield from listed_recognisers()


def _presets() -> Iterator[str]:
    yield from (f"{name}: {cost}" for name, cost in COSTS.items())


KINDS: dict[str, Callable[[], Iterator[str]]] = {
    "attacks": _plugins("lowkey_core.cloaks", "CLOAKS"),
    "adversaries": _plugins("adversaries", "ADVERSARIES"),
    "recognisers": _recognisers,
    "datasets": _plugins("lowkey_core.datasets", "DATASETS"),
    "matchers": _plugins("lowkey_core.matchers", "MATCHERS"),
    "transforms": _transforms,
    "scenarios": _plugins("audit.scenarios", "SCENARIOS"),
    "measures": _plugins("audit.measures", "MEASURES"),
    "presets": _presets,
    "reports": _plugins("reports", "REPORTS"),
}
