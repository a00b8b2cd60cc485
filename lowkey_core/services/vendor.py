"""What a vendor's dialect must be able to say; and a photo as a file that it accepts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal, Protocol

from lowkey_core.photos.decoding import encode_pixels
from lowkey_core.services.endpoints import Endpoint
from lowkey_core.types import Pixels

log = logging.getLogger(__name__)

Candidate = Literal["faces", "people"]
"""What a search names: the photos of one person may be several faces."""
NO_FACE = "no face"
"""Said of a photo in which the service finds none."""
QUALITY = 95
"""Of the JPEG that is sent where a PNG would be larger than the service takes."""


@dataclass(frozen=True)
class Added:
    """What became of a photo that was to be indexed."""

    said: str
    """"" if it was; else why not."""
    handle: str
    """Under which searches name the person; "" if they never will."""


@dataclass(frozen=True)
class Found:
    """What a search returned."""

    said: str
    """"" if it was a search; else why not."""
    matches: tuple[tuple[str, float], ...] = ()
    """Handles and scores, higher for more alike. One handle may stand here several times."""


class Vendor(Protocol):
    """A service in its own dialect. Every method raises ServiceError where it refuses, and asks
    again where it is busy."""

    name: str
    """As on the command line: `rekognition`."""
    endpoint: Endpoint
    rate: float
    """Calls a second, at most."""
    largest: int
    """Bytes of a photo."""
    most: int
    """Candidates of a search."""
    most_of: Candidate
    """What those are."""
    per_search: int
    """Calls that a search takes."""

    @property
    def about(self) -> str:
        """What answers depend on beside the photos: the vendor's model, a region. No secret."""
        ...

    @property
    def spec(self) -> str:
        """The recogniser's name and options that lead here again. No secret."""
        ...

    @property
    def account(self) -> str:
        """Tells whose account is asked from any other's: an id, or a key. It is written nowhere.
        Raises: ServiceError if there are no keys."""
        ...

    def calls(self, photos: int, people: int) -> int:
        """To make a collection of so many, and to delete it."""
        ...

    def check(self) -> None:
        """Raises: ServiceError if there are no keys. Asks nobody but where keys are given out."""
        ...

    def create(self, collection: str, /) -> None:
        """A new, empty one; no matter if it is there already."""
        ...

    def add(self, collection: str, person: int, handle: str, photo: bytes, /) -> Added:
        """Indexes the main face of a photo. handle: the person's, if another photo gave one."""
        ...

    def finish(self, collection: str, /) -> None:
        """Called when everything is added; at least one face was."""
        ...

    def search(self, collection: str, photo: bytes, /) -> Found:
        """Those most like the main face of a photo, best first: as many as `most`, so that one
        answer holds for every rank."""
        ...

    def delete(self, collection: str, /) -> None:
        """With all that is in it; no matter if it is not there."""
        ...


def file_of(pixels: Pixels, vendor: Vendor) -> bytes | None:
    """A photo as it is sent: PNG, or else JPEG, if that is small enough. None: neither is."""
    whole = encode_pixels(pixels, "PNG")
    if len(whole) <= vendor.largest:
        return whole
    smaller = encode_pixels(pixels, "JPEG", quality=QUALITY, subsampling=0)
    fits = len(smaller) <= vendor.largest
    log.info(
        "%s takes %d bytes: a photo of %d as PNG is %s",
        *(vendor.name, vendor.largest, len(whole)),
        f"sent as JPEG {QUALITY}" if fits else "not sent",
    )
    return smaller if fits else None


TOO_LARGE = "too large"
"""Said of a photo that no file is small enough for."""
