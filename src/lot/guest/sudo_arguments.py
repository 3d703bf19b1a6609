"""The command line of our `sudo`: what the caller wishes. Reads words alone, asks the system nothing."""

from __future__ import annotations

import re

_LETTERS = {
    "A": "askpass",
    "B": "bell",
    "b": "background",
    "D": "chdir",
    "E": "preserve-env",
    "H": "set-home",
    "h": "help",
    "i": "login",
    "K": "remove-timestamp",
    "k": "reset-timestamp",
    "l": "list",
    "n": "non-interactive",
    "p": "prompt",
    "S": "stdin",
    "s": "shell",
    "u": "user",
    "V": "version",
    "v": "validate",
}
_WITH_VALUE = ("chdir", "prompt", "user")
_INSTEAD = ("help", "list", "version", "remove-timestamp", "validate")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=", re.ASCII)

USAGE = "usage: sudo [-bEHiklnSsVv] [-D folder] [-u user] [--preserve-env[=list]] [VAR=value] [--] [command ...]"


class UsageError(Exception):
    """The command line asks for something that this program does not do."""


class Wish:
    """What a caller asked for."""

    def __init__(self) -> None:
        self.user = "root"
        self.folder: str | None = None
        self.is_login = self.is_shell = self.is_background = False
        self.sets_home = self.keeps_environment = False
        self.kept: list[str] = []
        """Variables that the caller wants kept, by name."""
        self.assignments: dict[str, str] = {}
        self.command: list[str] = []
        self.instead = ""
        """The option that takes the place of running a command, or "". There are no passwords, so most do nothing."""


def parse(words: list[str]) -> Wish:
    """Return what the words after `sudo` ask for.

    Raises:
        UsageError: an option is unknown or lacks its value, or there is nothing to run.
    """
    wish, rest = Wish(), list(words)
    while rest:
        word = rest[0]
        if word == "--":
            rest.pop(0)
            break
        if word.startswith("--"):
            _read_long(wish, rest)
        elif word.startswith("-") and len(word) > 1:
            _read_letters(wish, rest)
        elif _ASSIGNMENT.match(word):
            name, _, value = rest.pop(0).partition("=")
            wish.assignments[name] = value
        else:
            break
    wish.command = rest
    if wish.instead == "reset-timestamp" and (rest or wish.is_login or wish.is_shell):
        wish.instead = ""  # alone among them, it goes with a command
    if not (wish.command or wish.is_login or wish.is_shell or wish.instead):
        raise UsageError("no command is given")
    return wish


def _read_long(wish: Wish, rest: list[str]) -> None:
    name, equals, value = rest.pop(0)[2:].partition("=")
    if name not in _LETTERS.values() or (equals and name not in (*_WITH_VALUE, "preserve-env")):
        raise UsageError(f"the option --{name}{equals} is not known here")
    if name in _WITH_VALUE and not equals:
        value = _next_value(f"--{name}", rest)
    _apply(wish, name, value)


def _read_letters(wish: Wish, rest: list[str]) -> None:
    letters = rest.pop(0)[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        name = _LETTERS.get(letter)
        if name is None:
            raise UsageError(f"the option -{letter} is not known here")
        value = ""
        if name in _WITH_VALUE:
            value, letters = letters or _next_value(f"-{letter}", rest), ""
        _apply(wish, name, value)


def _next_value(option: str, rest: list[str]) -> str:
    if not rest:
        raise UsageError(f"the option {option} needs a value")
    return rest.pop(0)


def _apply(wish: Wish, name: str, value: str) -> None:
    if name == "user":
        wish.user = value
    elif name == "chdir":
        wish.folder = value
    elif name == "login":
        wish.is_login = True
    elif name == "shell":
        wish.is_shell = True
    elif name == "background":
        wish.is_background = True
    elif name == "set-home":
        wish.sets_home = True
    elif name == "preserve-env" and value:
        wish.kept += value.split(",")
    elif name == "preserve-env":
        wish.keeps_environment = True
    elif name in _INSTEAD or (name == "reset-timestamp" and not wish.instead):
        wish.instead = name
