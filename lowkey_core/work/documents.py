"""Documents that anybody may have written: plans, cards, notes and reports.

What is read is bounded in bytes, depth and digits, so that the time it takes is bounded too. JSON's
depth and digits are bounded by its parser.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lowkey_core.errors import AuditError
from lowkey_core.work.files import open_regular

LARGEST = 2**25
"""Bytes of a JSON document. A report of `standard` has about a hundredth of it."""
WRITTEN = 2**14
"""Bytes of a TOML document, which is written by hand. Python's parser takes 0.8 s for a key of as
many dots as fit, and 13 s for one of 60,000 bytes."""
DEEPEST = 16
"""Levels of tables and lists in a TOML document."""
GREATEST = 2**63
"""Integers in a TOML document are below it: TOML promises no more."""
_TOLD = 100
"""Errors up to which the first is told: a list of millions takes longer than reading it."""

Model = TypeVar("Model", bound=BaseModel)


def content(path: Path, largest: int = LARGEST) -> bytes:
    """What is in a regular file of at most `largest` bytes. Raises: OSError; ValueError if it has
    more."""
    with open_regular(path) as file:
        # What is asked for is set aside in memory at once, so no more than there is.
        found = file.read(min(largest, os.fstat(file.fileno()).st_size) + 1)
    if len(found) > largest:
        raise ValueError(f"more than {largest:,} bytes")
    return found


def parsed(found: bytes, model: type[Model]) -> Model:
    """The record in a JSON document. Raises: ValueError, which says in a line what is wrong."""
    try:
        return model.model_validate_json(found)
    except AuditError as error:  # of a value that is looked into, such as a spec
        raise ValueError(error.got) from error
    except ValidationError as error:
        raise ValueError(complaint(error)) from error


def complaint(error: ValidationError) -> str:
    """What is wrong first, and where."""
    if error.error_count() > _TOLD:
        return f"{error.error_count():,} values are not what they should be"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def toml(path: Path) -> dict[str, Any]:
    """A TOML document. Raises: OSError; ValueError, which says in a line what is wrong."""
    try:
        written = tomllib.loads(content(path, WRITTEN).decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    level: list[Any] = [written]
    for _ in range(DEEPEST):
        level = [value for each in level for value in _inside(each)]
        if any(isinstance(v, int) and not -GREATEST <= v < GREATEST for v in level):
            raise ValueError("a number of too many digits")
    if level:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    return written


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []
