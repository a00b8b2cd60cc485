"""Answers of services are hostile until they are checked.

Scores may be above their greatest value by what rounding adds.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lowkey_core.errors import ServiceError

Model = TypeVar("Model", bound=BaseModel)


def understood(model: type[Model], answer: Any, name: str) -> Model:
    """An answer as it should be. name: of the recogniser, for messages. Raises: ServiceError."""
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise none(name, f"{where}: {first['msg']}") from error


def none(name: str, why: str) -> ServiceError:
    """The error for an answer that cannot be read."""
    return ServiceError(
        f"{name} gave an answer that is none: {why}",
        expected="what the vendor's documents say",
        remedy="see what is at the endpoint",
    )
