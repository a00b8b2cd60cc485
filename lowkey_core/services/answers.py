"""What services answered, as it is kept: paid for once, and named by content alone.

Names do not depend on versions of libraries or on our code, as other fingerprints do: what was
paid for is not forgotten when a package is updated.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field

from lowkey_core.work.records import Fits, Record

FORMAT = 1
"""Part of every name: raised when what is kept means something else."""
Said = Annotated[str, Field(max_length=200)]


class Kept(BaseModel):
    """A kept answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Named(Kept):
    """Of a photo."""

    pixels: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    """Names them."""


class Searched(Kept):
    """Of a search."""

    said: Said = ""
    """"" if it was a search; else why not."""
    found: tuple[tuple[int, Annotated[float, Field(allow_inf_nan=False)]], ...] = ()
    """Identities and scores, best first."""


class Filled(Kept):
    """Of a collection that was filled."""

    said: tuple[Said, ...]
    """Of each photo, "" if it was indexed; else why not."""


Model = TypeVar("Model", bound=Kept)


def name(*parts: object) -> str:
    """32 hex digits. parts: numbers, text and lists of them."""
    written = json.dumps([FORMAT, *parts], separators=(",", ":"))
    return hashlib.blake2b(written.encode(), digest_size=16).hexdigest()


def sealed(answer: Kept) -> Record:
    """As the cache keeps it. Not as bytes: those it takes for pixels."""
    written = answer.model_dump_json().encode()
    return {"json": torch.tensor(list(written), dtype=torch.int16)}


def opened(record: Record, model: type[Model]) -> Model:
    """Raises: ValueError if it is none."""
    if (written := record.get("json")) is None or written.dtype != torch.int16:
        raise ValueError("no answer")
    return model.model_validate_json(bytes(written.tolist()))


def fits(model: type[Kept]) -> Fits:
    """Whether a record is an answer of that kind."""

    def readable(record: Record) -> bool:
        try:
            opened(record, model)
        except ValueError:
            return False
        return True

    return readable
