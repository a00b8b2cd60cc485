"""Cloaks. Each file exports `build(...) -> Cloak`, and may ask for `surrogates` by name.

A cloak keeps shape, range and its input; what counts is what is left of it in an 8-bit file. Its
`about` says when it was released and what the report must note; without one, nothing is claimed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, runtime_checkable

from torch import Generator

from lowkey_core.cloaking.others import Others, nobody
from lowkey_core.plugins import Kind
from lowkey_core.spec import parse
from lowkey_core.types import Faces, Images, Network, Pictures
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Budget:
    """How much a cloak says that it changes at most; the report says how much it did change."""

    dssim: float | None = None
    """Threshold of DSSIM on the aligned face, which a cloak may weigh rather than keep."""
    linf: float | None = None
    """Bound of every pixel, on the [0, 1] scale."""


@dataclass(frozen=True)
class CloakAbout:
    """What a cloak says of itself."""

    released: datetime.date | None = None
    """When it became public: recognisers after it are newer. None: not stated."""
    notes: tuple[str, ...] = ()
    """What the report must say of it."""
    unit: Literal["picture", "identity"] = "picture"
    """`identity`: it must be given all pictures of a person at once."""
    against: tuple[Network, ...] | None = ()
    """The networks that it was optimised against; None: not known."""
    budget: Budget = Budget()
    aims: bool = False
    """Whether it makes people look like others, and so needs some."""


class Cloak(Protocol):
    """Changes pictures before they are published."""

    @property
    def about(self) -> CloakAbout:
        """What it says of itself."""
        ...

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """Same shape as `faces.images`, in [0, 1]; the input is left alone. `rng` seeds a
        generator per picture, so that a picture's cloak does not depend on its neighbours. A
        picture of NaN alone: the cloak failed there, and the picture is published as it is."""
        ...


@runtime_checkable
class PhotoCloak(Protocol):
    """A cloak that gives whole photos for whole photos, and is not asked for faces."""

    @property
    def about(self) -> CloakAbout:
        """What it says of itself."""
        ...

    def published(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """As many pictures; one that it does not cloak stays as it is."""
        ...


@runtime_checkable
class ThirdPartyCloak(PhotoCloak, Protocol):
    """One whose photos somebody else made: some it has, others not."""

    missing: tuple[str, ...]
    """Names of pictures without a copy."""
    unusable: tuple[str, ...]
    """Names of those whose copy cannot be read, or does not show their face."""
    unchanged: tuple[str, ...]
    """Names of those whose copy shows the very same face."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why there is no copy of a photo, by its name."""
        ...

    @property
    def strays(self) -> Mapping[str, str]:
        """Files that are the copy of no photo, and why."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """How copies were matched, and what the report must say of it."""
        ...

    def originals(self, photos: Iterable[Any], /) -> tuple[Any, ...]:
        """Those of a data set's photos that are not themselves copies. Called first."""
        ...

    def covers(self, name: str, /) -> bool:
        """Whether there is a copy of the photo of that name."""
        ...

    def read(self, pictures: Pictures, /) -> None:
        """Told once of all clean pictures."""
        ...


CLOAKS: Kind[Cloak | PhotoCloak] = Kind(
    "cloak", "lowkey_core.cloaks", promises=("__call__", "published")
)


def load(
    name: str,
    surrogates: Callable[[], Sequence[Network]],
    work: Work | None = None,
    others: Callable[[], Faces] | None = None,
) -> Cloak | PhotoCloak:
    """The cloak that a spec names, with an `about`.

    surrogates: called if the cloak asks for them, so that no network is loaded in vain. others:
    gives the people whom a targeted cloak may aim at, when it first needs them; None: nobody.
    Raises: UnknownNameError, OptionError, PluginError, and what loading a network raises.
    """
    spec = parse(name)
    plugin = CLOAKS.find(spec)
    given: dict[str, Any] = {"work": work or Work()}
    about = CloakAbout(against=None)  # nothing is known of it, so nothing is claimed
    if plugin.asks_for("surrogates"):
        given["surrogates"] = tuple(surrogates())
        about = replace(about, against=given["surrogates"])
    if plugin.asks_for("others"):
        given["others"] = Others(others or nobody)
    if spec.of is not None:
        given["of"] = load(str(spec.of), surrogates, work, others)
    cloak = CLOAKS.load(spec, granted=given)
    if not isinstance(getattr(cloak, "about", None), CloakAbout):
        photos = hasattr(cloak, "published")
        return DescribedPhotos(cloak, about) if photos else Described(cloak, about)  # type: ignore[arg-type]
    return cloak


@dataclass(frozen=True)
class Described:
    """A cloak of somebody's that says nothing of itself."""

    cloak: Cloak
    about: CloakAbout

    def __call__(self, faces: Faces, rng: Generator, /) -> Images:
        """As the cloak's own."""
        return self.cloak(faces, rng)


@dataclass(frozen=True)
class DescribedPhotos:
    """The same of one that gives whole photos."""

    cloak: PhotoCloak
    about: CloakAbout

    def published(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """As the cloak's own."""
        return self.cloak.published(pictures, rng)
