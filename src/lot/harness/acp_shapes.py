"""A stranger's data as the shapes of the Agent Client Protocol's library."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Shape = TypeVar("Shape", bound=BaseModel)


def shaped(kind: type[Shape], value: Any) -> Shape | None:
    """Return a value in a shape, or None when it does not fit. Never raises."""
    try:
        return kind.model_validate(value)
    except (ValidationError, RecursionError):
        return None
