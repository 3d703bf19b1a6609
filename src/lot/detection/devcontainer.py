"""devcontainer.json: how the repository's own people set it up. JSON with comments."""

import shlex
from dataclasses import dataclass

from lot.detection.repository import Survey, mapping, strings

_COMMANDS = ("onCreateCommand", "updateContentCommand", "postCreateCommand")


@dataclass(frozen=True, slots=True)
class Devcontainer:
    """What a devcontainer.json says."""

    path: str
    commands: tuple[str, ...]
    """Run once in a new container, in order."""
    ports: tuple[int, ...]
    image: str | None
    """None: it is built, or described by a compose file."""


def read_devcontainer(survey: Survey) -> Devcontainer | None:
    """Return the repository's devcontainer.json."""
    path = survey.first("", ".devcontainer/devcontainer.json", ".devcontainer.json")
    content = survey.json(path) if path else {}
    if path is None or not content:
        return None
    forwarded = content.get("forwardPorts")
    ports = [port for port in forwarded if isinstance(port, int)] if isinstance(forwarded, list) else []
    image = content.get("image")
    return Devcontainer(
        path,
        tuple(command for name in _COMMANDS for command in _commands(content.get(name))),
        tuple(port for port in ports if 0 < port < 1 << 16),
        image if isinstance(image, str) else None,
    )


def _commands(value: object) -> list[str]:
    """Return shell commands: a string is one, a list is the words of one, an object holds several."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, list):
        return [shlex.join(strings(value))] if strings(value) else []
    return [command for one in mapping(value).values() for command in _commands(one)]
