"""Reads the arguments of a call out of a message's head, so that a malformed one is refused in one way."""

from __future__ import annotations

import os
import re
from typing import Any

from lot.guest import wire
from lot.guest.refusal import Refused

MAX_SECONDS = 7 * 86_400.0


class Arguments:
    """The head of a request."""

    def __init__(self, head: dict[str, Any]) -> None:
        self._head = head

    def text(self, key: str) -> str:
        """Return a string that can be passed to the system."""
        value = self._head.get(key)
        if not isinstance(value, str) or not _is_argument(value):
            raise Refused("invalid", f"{key!r} must be text")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a string, or None."""
        return None if self._head.get(key) is None else self.text(key)

    def integer(self, key: str, lowest: int, highest: int) -> int:
        """Return an integer of a range."""
        value = self._head.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise Refused("invalid", f"{key!r} must be an integer from {lowest} to {highest}, not {value!r:.40}")
        return value

    def seconds(self, key: str) -> float:
        """Return a duration."""
        value = self._head.get(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= MAX_SECONDS:
            raise Refused("invalid", f"{key!r} must be a number of seconds, not {value!r:.40}")
        return float(value)

    def name(self) -> str:
        """Return the name of a durable process."""
        name = self.text("name")
        if not re.fullmatch(wire.NAME_PATTERN, name):
            raise Refused("invalid", f"a process name matches {wire.NAME_PATTERN}, unlike {name!r:.60}")
        return name

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Return one of a few texts."""
        value = self.text(key)
        if value not in choices:
            raise Refused("invalid", f"{key!r} must be one of {choices}, not {value!r:.40}")
        return value

    def path(self) -> str:
        """Return an absolute path of the sandbox that names a file."""
        path = self.text("path")
        if not path.startswith("/") or path.endswith("/"):
            raise Refused("invalid", f"{path!r:.200} is not the absolute path of a file")
        return path

    def program(self) -> dict[str, Any]:
        """Return what `run` and `start` have in common."""
        argv = self._head.get("argv")
        if not isinstance(argv, list) or not argv or not all(_is_argument(item) for item in argv):
            raise Refused("invalid", "'argv' must be a list of texts")
        environment = self._head.get("environment")
        if not isinstance(environment, dict) or not all(map(_is_argument, environment.values())):
            raise Refused("invalid", "'environment' must be an object of texts")
        if not all(key and "=" not in key and _is_argument(key) for key in environment):
            raise Refused("invalid", "'environment' has a name that no variable can have")
        cwd = self.optional_text("cwd")
        return {"argv": argv, "environment": environment, "cwd": cwd, "user": self.text("user")}

    def terminal(self) -> tuple[int, int] | None:
        """Return rows and columns, or None when the program is to have pipes."""
        if self._head.get("rows") is None:
            return None
        return self.size()

    def size(self) -> tuple[int, int]:
        """Return rows and columns of a terminal."""
        return self.integer("rows", 1, 10_000), self.integer("columns", 1, 10_000)


def _is_argument(value: object) -> bool:
    """Return whether the system can be given this."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True
