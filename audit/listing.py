"""What there is to choose from, a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.plan import COSTS
from lowkey_core.checks import unknown_name


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
    from lowkey_core import embedders, plugins
    from lowkey_core.checks import MissingWeightsError, TamperedWeightsError

    for name in plugins.available("lowkey_core.embedders"):
        try:
            card = embedders.card_of(embedders.load(name))
            yield f"{name}  released {card.released:%Y-%m}, {card.licence}, verified"
        except MissingWeightsError as error:
            yield f"{name}  absent: {error.remedy}"
        except TamperedWeightsError as error:
            yield f"{name}  tampered: {error.remedy}"


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
