"""What the ecosystems' files find: one app each, before the merge makes commands of them."""

from dataclasses import dataclass, field
from enum import IntEnum


class Rank(IntEnum):
    """How likely an app is the one that a user wants to look at; the least first."""

    FRONTEND = 0
    """A dev server made for a browser."""
    SERVER = 1
    SCRIPT = 2
    """Something is started, but it is not known what."""
    PARTS = 3
    """Nothing is started: a library, or tools."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a set-up, run in a folder."""

    command: str
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """One app of a repository."""

    name: str
    """What people call its kind, such as Vite or Django."""
    folder: str
    rank: Rank
    tools: tuple[str, ...] = ()
    """Commands that bring programs for the whole sandbox, before anything is installed with them."""
    install: tuple[Step, ...] = ()
    prepare: tuple[Step, ...] = ()
    """What needs both the dependencies and the services, such as migrations."""
    dev: str | None = None
    """A command in `folder`."""
    port: int | None = None
    path: str | None = None
    """A folder of programs, relative to `folder`, that a Procfile's commands expect to be in PATH."""
    packages: frozenset[str] = field(default_factory=frozenset)
    """Debian packages."""
    dependencies: frozenset[str] = field(default_factory=frozenset)
    serves_pages: bool = False
    """Whether a frontend in the same folder is just its assets."""
    starts_all: bool = False
    """Whether its dev command starts the repository's other apps, too."""
    why_installed: tuple[str, ...] = ()
    why_started: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def place(folder: str) -> str:
    """Return a folder in words."""
    return folder or "the root"
