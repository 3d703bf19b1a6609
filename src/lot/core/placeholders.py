"""What a snapshot's dev server is given in place of a user's environment values: nobody's secrets are in its memory."""

import re
from collections.abc import Mapping

MIN_SECRET_CHARS = 6
"""A shorter value is no secret worth the name, and would be found everywhere."""

_PLAIN_VALUE = re.compile(
    r"\d{1,9}|\d{1,3}(\.\d{1,3}){1,3}(:\d{1,5})?|development|production|staging|testing", re.IGNORECASE
)
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def is_secret(value: str) -> bool:
    """Return whether a value must be in no image that sessions share; numbers, switches and stages need not be kept."""
    return len(value) >= MIN_SECRET_CHARS and _PLAIN_VALUE.fullmatch(value) is None


def placeholders(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment of the same names, in which nothing is secret; addresses stay addresses of their kind."""
    return {name: _placeholder(name, value) if is_secret(value) else value for name, value in environment.items()}


def _placeholder(name: str, value: str) -> str:
    word = f"placeholder-{name.lower()}"
    address = _ADDRESS.match(value)
    return word if address is None else f"{address[1]}://localhost:9/{word}"
