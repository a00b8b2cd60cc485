"""What there is to choose from, a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.plan import COSTS
from lowkey_core.errors import unknown_name


def names(what: str) -> Iterator[str]:
    """Raises: UnknownNameError."""
    if what not in KINDS:
        raise unknown_name("list", what, KINDS)
    return KINDS[what]()


def _plugins(package: str) -> Callable[[], Iterator[str]]:
    def listed() -> Iterator[str]:
        from lowkey_core import plugins

        yield from plugins.available(package)

    return listed


def _transforms() -> Iterator[str]:
    from lowkey_core.transforms import USAGE

    yield from USAGE
    yield "a chain, as resize:0.5+jpeg:75"


def _recognisers() -> Iterator[str]:
    from audit.models import listed_recognisers

    yield from listed_recognisers()


def _presets() -> Iterator[str]:
    yield from (f"{name}: {cost}" for name, cost in COSTS.items())


KINDS: dict[str, Callable[[], Iterator[str]]] = {
    "attacks": _plugins("lowkey_core.cloaks"),
    "adversaries": _plugins("adversaries"),
    "recognisers": _recognisers,
    "datasets": _plugins("lowkey_core.datasets"),
    "transforms": _transforms,
    "presets": _presets,
    "reports": _plugins("reports"),
}
