"""A secret as its owner gives it to a command: from a file, the environment or standard input, never an argument."""

import os
import sys
from pathlib import Path

import typer

from lot.core.errors import InvalidInputError


def given_secret(what: str, file: Path | None, option: str, variable: str) -> str:
    """Return a secret.

    Args:
        what: What a person is asked for.
        option: The one that names the file.

    Raises:
        InvalidInputError: there is none.
    """
    if file is not None:
        secret = read_secret(file)
    elif not (secret := os.environ.get(variable, "")):
        secret = typer.prompt(what, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    if not secret.strip():
        raise InvalidInputError(f"there is no {what.lower()}. Next step: {option}, {variable} or standard input")
    return secret.strip()


def read_secret(file: Path) -> str:
    """Return what a file holds.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file} cannot be read: {error}") from error
