"""Reads single fields of Claude's lines, which come from inside a sandbox: what is not as expected becomes nothing."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lot.core.events import MAX_TEXT_CHARS
from lot.core.ids import MessageId

MAX_PATH_CHARS = 4_096
_MAX_NAME_CHARS = 200
_MAX_CUT_CHARS = 20_000
_MESSAGE_ID = re.compile(r"[0-9a-fA-F-]{36}")


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list, or an empty one."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def plain(value: Any) -> str:
    """Return a text, or an empty one."""
    return value if isinstance(value, str) else ""


def text(value: Any) -> str:
    """Return a text that is short enough to be stored."""
    return plain(value)[:MAX_TEXT_CHARS]


def name(value: Any) -> str | None:
    """Return a short text, such as an id."""
    return plain(value)[:_MAX_NAME_CHARS] or None


def path(value: Any) -> str | None:
    """Return a file's path."""
    return plain(value)[:MAX_PATH_CHARS] or None


def number(value: Any) -> float | None:
    """Return a number that fits everywhere."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e15 and math.isfinite(value) else None


def whole(value: Any) -> int | None:
    """Return a whole number."""
    found = number(value)
    return None if found is None else int(found)


def total(values: Mapping[str, Any], *keys: str) -> int | None:
    """Return the sum of those numbers that are there."""
    found = [one for key in keys if (one := whole(values.get(key))) is not None]
    return sum(found) if found else None


def message_ids(values: Iterable[Any]) -> tuple[MessageId, ...]:
    """Return those values that have the shape of a message's id."""
    return tuple(MessageId(value) for value in values if isinstance(value, str) and _MESSAGE_ID.fullmatch(value))


def bounded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool's input, its longest texts cut when it is too large to keep."""
    if json_size(given) <= MAX_TEXT_CHARS:
        return dict(given)
    cut = {key: value[:_MAX_CUT_CHARS] if isinstance(value, str) else value for key, value in given.items()}
    if json_size(cut) <= MAX_TEXT_CHARS:
        return {**cut, "_truncated": True}
    return {"_truncated": True}


def json_size(value: Any) -> int:
    """Return how many characters a value has as JSON; more than is kept when it is nested too deep."""
    try:
        return len(json.dumps(value))
    except RecursionError:
        return MAX_TEXT_CHARS + 1
