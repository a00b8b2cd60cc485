"""Cloaks. Each file exports `build(...) -> Cloak`, and may ask for `surrogates` by name.

A cloak keeps shape, range and its input; what counts is what is left of it in an 8-bit file. Its
`about` says when it was released and what the report must note; without one, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Generator

from lowkey_core.plugins import Kind
from lowkey_core.spec import parse
from lowkey_core.types import Cloak, CloakAbout, Faces, Images, Network
from lowkey_core.work.work import Work

CLOAKS: Kind[Cloak] = Kind("cloak", "lowkey_core.cloaks")


def load(name: str, surrogates: Callable[[], Sequence[Network]], work: Work | None = None) -> Cloak:
    """The cloak that a spec names, with an `about`.

    surrogates: called if the cloak asks for them, so that no network is loaded in vain.
    Raises: UnknownNameError, OptionError, PluginError, and what loading a network raises.
    """
    spec = parse(name)
    plugin = CLOAKS.find(spec)
    given: dict[str, Any] = {"work": work or Work()}
    about = CloakAbout()
    if plugin.asks_for("surrogates"):
        given["surrogates"] = tuple(surrogates())
        about = replace(about, against=given["surrogates"])
    if spec.of is not None:
        given["of"] = load(str(spec.of), surrogates, work)
    cloak = CLOAKS.load(spec, granted=given)
    if not isinstance(getattr(cloak, "about", None), CloakAbout):
        return Described(cloak, about)
    return cloak


@dataclass(frozen=True)
class Described:
    """A cloak of somebody's that says nothing of itself."""

    cloak: Cloak
    about: CloakAbout

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As the cloak's own."""
        return self.cloak(faces, rng)
