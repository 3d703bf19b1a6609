"""What detection proposes: complete and frozen, so that it can be stored, shown, and given to a set-up agent."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

MAX_SENTENCE = 500


def _sound(text: str) -> str:
    """Return text that any program, file and database takes: no lone half of a character, no NUL."""
    return text.encode(errors="replace").decode().replace("\0", "")


def _short(text: str) -> str:
    """Return a sentence that a repository cannot make endless."""
    sound = _sound(text)
    return sound if len(sound) <= MAX_SENTENCE else sound[: MAX_SENTENCE - 1] + "…"


Script = Annotated[str, BeforeValidator(_sound)]
Sentence = Annotated[str, BeforeValidator(_short)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProposedProcess(_Value):
    """A process beside the dev server: a Procfile's worker, or the server behind a frontend."""

    name: str
    command: Script
    """A shell script that starts in the workspace's root and stays in the foreground."""
    port: int | None = None


class ProposedService(_Value):
    """A database or the like that runs inside the sandbox. Its installation is part of the set-up command."""

    name: str
    packages: tuple[str, ...]
    """Debian packages."""
    start: str
    """Starts it and returns; does nothing while it runs."""
    prepare: str | None = None
    """Run once after the first start; may be repeated."""
    environment: dict[str, str]
    """What the app is told of it. A variable that the user sets wins."""


class SetupProposal(_Value):
    """How a repository is set up and started, with the reasons. Commands are shell scripts run in the workspace."""

    setup_command: Script | None = None
    """Run once, before the snapshot is taken; holds the services' installation. None: there is nothing to do."""
    dev_command: Script | None = None
    """Starts the services, then the dev server in the foreground. None: it could not be told."""
    port: int | None = None
    """Where the dev server listens; None: it could not be told."""
    folder: str = ""
    """Where the app is that the dev server serves, relative to the root."""
    processes: tuple[ProposedProcess, ...] = ()
    """What the dev command does not start."""
    services: tuple[ProposedService, ...] = ()
    environment_keys: tuple[str, ...] = ()
    """Names of the variables that the repository's examples list, those that services give among them."""
    watched_files: tuple[str, ...] = ()
    """Files that make a snapshot stale when they change; see `core.drift`."""
    reasons: tuple[Sentence, ...] = ()
    """What was seen and concluded, a sentence each."""
    notes: tuple[Sentence, ...] = ()
    """What could not be told, or what the user should know; a sentence each."""
