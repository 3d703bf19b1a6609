"""Writes environment values as a `.env` file that the usual readers give back exactly."""

import re
from collections.abc import Mapping

from lot.core.environment import NAME
from lot.core.errors import InvalidInputError

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_BARE = re.compile(r"[^\s'\"`#][^\n\r#]*(?<!\s)")


def dotenv_text(environment: Mapping[str, str]) -> str:
    """Return the file's content, a line per value in the given order (more where a value has line breaks).

    Raises:
        InvalidInputError: a name cannot stand in such a file, or a value holds a NUL.
    """
    for name, value in environment.items():
        if not NAME.fullmatch(name) or "\0" in value:
            raise InvalidInputError(f"{name!r} cannot be written to .env: use letters, digits and _, and text values")
    return "".join(f"{name}={_quoted(value)}\n" for name, value in environment.items())


def _quoted(value: str) -> str:
    r"""Return a value in the form that node's dotenv, python-dotenv and shells read alike, where there is one.

    Single quotes are literal to all three, but python-dotenv reads `\\` and `\'` inside as escapes; inside double
    quotes node's dotenv takes back nothing but `\n` and `\r`. So a value with both kinds of quotes stays bare if it
    can, and is escaped as for a shell if not.
    """
    if _PLAIN.fullmatch(value):
        return value
    if not re.search(r"'|\\\\|\\\Z|\r", value):
        return f"'{value}'"
    if not re.search(r'["\\$`\r]', value):
        return f'"{value}"'
    if _BARE.fullmatch(value):
        return value
    return '"' + re.sub(r'([\\"])', r"\\\1", value).replace("\r", "\\r") + '"'
