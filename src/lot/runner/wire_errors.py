"""Errors on their way from a runner to the control plane: to `{"code", "message"}` and back to the same class."""

from collections.abc import Iterator
from typing import Any

from lot.core import errors
from lot.core.errors import LotError


def error_body(error: LotError) -> dict[str, Any]:
    """Return an error as a JSON object; `facts` are its attributes, left out when there are none."""
    body: dict[str, Any] = {"code": error.code, "message": str(error)}
    if facts := vars(error):
        body["facts"] = facts
    return body


def error_from(body: object) -> LotError:
    """Return the error that a body tells of; one of a code nobody knows is a plain `LotError`."""
    if not isinstance(body, dict):
        return LotError(f"the runner's error cannot be read: {str(body)[:200]}")
    known = _CLASSES.get(str(body.get("code")), LotError)
    error = known.__new__(known)
    # Not through the class's own constructor: its arguments are facts, the message is made already.
    Exception.__init__(error, str(body.get("message", "")))
    facts = body.get("facts")
    if isinstance(facts, dict):
        vars(error).update(facts)
    return error


def _concrete() -> Iterator[type[LotError]]:
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, LotError):
            yield value


_CLASSES = {known.code: known for known in _concrete()}
