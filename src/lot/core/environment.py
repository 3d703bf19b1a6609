"""A project's environment: names and values, how a pasted `.env` is read, and what is refused.

How it is kept is the store's affair; how a sandbox gets it, `runner/dotenv.py`.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dotenv.parser import Binding, parse_stream

from lot.core.errors import InvalidInputError, TooLargeError

MAX_VARIABLES = 1_000
MAX_NAME_CHARS = 200
MAX_VALUE_BYTES = 64 << 10
"""Of one value; Linux gives a process none above 128 KiB."""
MAX_TOTAL_BYTES = 128 << 10
"""Of all names and values together: the guest is told of them in one message of 1 MiB, in JSON, which may write six
bytes for one; and it knows its processes by a variable within the first 256 KiB of their environment."""
MAX_TEXT_CHARS = 4 << 20
"""Of a pasted `.env`, comments and blank lines included."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
RESERVED = frozenset({"LOT_PROCESS"})
"""Names that the guest gives a meaning of its own to in every process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One value, and since when it is this one; None: it was set before that was noted."""

    value: str = field(repr=False)
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything that a project sets."""

    version: int
    """Grows with every change, from 1 on."""
    variables: Mapping[str, Variable]

    @property
    def values(self) -> dict[str, str]:
        """The values alone, by name."""
        return {name: variable.value for name, variable in self.variables.items()}


def parse_dotenv(text: str, source: str = "the text") -> dict[str, str]:
    """Return what a `.env` file sets; of a name that is set twice, the later value counts.

    Comments, blank lines, `export`, quotes, values of several lines, a byte order mark and any line ends are
    understood; `$NAME` in a value is left as it is.

    Args:
        text: Its content.
        source: What a person knows it by.

    Raises:
        InvalidInputError: a line is not `NAME=value`. Its number is named, its content is not: it may be a secret.
    """
    content = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in content:
        raise InvalidInputError(f"{source} holds a NUL, so it is no .env file. Next step: paste it as text")
    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(content)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise _bad_line(source, binding, "not of the form NAME=value")
        if binding.key is None or binding.value is None:
            continue
        if not NAME.fullmatch(binding.key):
            raise _bad_line(source, binding, "a name has letters, digits and _, and does not begin with a digit")
        values[binding.key] = binding.value
    return values


def check_environment(values: Mapping[str, str]) -> None:
    """Refuse what no sandbox could be given; a message names names, never values.

    Raises:
        InvalidInputError: a name cannot be used, or a value is no text. TooLargeError: they are too many or too long.
    """
    if len(values) > MAX_VARIABLES:
        raise TooLargeError(f"{len(values):,} variables are more than {MAX_VARIABLES:,}. Next step: set fewer")
    total = 0
    for name, value in values.items():
        _check_name(name)
        size = _size_of(name, value)
        if size > MAX_VALUE_BYTES:
            raise TooLargeError(
                f"the value of {name} has {size:,} bytes, more than {MAX_VALUE_BYTES:,}. Next step: put it into a file"
            )
        total += len(name) + size
    if total > MAX_TOTAL_BYTES:
        raise TooLargeError(
            f"all variables together have {total:,} bytes, more than {MAX_TOTAL_BYTES:,}. Next step: set fewer"
        )


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME_CHARS or not NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name[:MAX_NAME_CHARS]!r} is no name of a variable: use letters, digits and _ (at most "
            f"{MAX_NAME_CHARS}), not beginning with a digit"
        )
    if name in RESERVED:
        raise InvalidInputError(f"{name} is set by Lot itself. Next step: choose another name")


def _size_of(name: str, value: str) -> int:
    if "\0" in value:
        raise InvalidInputError(f"the value of {name} holds a NUL, which no environment can")
    try:
        return len(value.encode())
    except UnicodeEncodeError:
        # `from None`: the library's message shows a piece of the value.
        raise InvalidInputError(f"the value of {name} is no text (a lone surrogate)") from None


def _bad_line(source: str, binding: Binding, what: str) -> InvalidInputError:
    # The parser counts from the blank lines before a binding.
    original = binding.original.string
    blank = original[: len(original) - len(original.lstrip())]
    return InvalidInputError(
        f"{source}, line {binding.original.line + blank.count(chr(10))}: {what}. Next step: mend that line"
    )
