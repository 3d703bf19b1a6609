"""A compose file: which databases it wants beside the app, and what it tells the app of them.

Containers are not started: the databases are installed in the sandbox, where they listen on localhost.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lot.detection.environment import read_variables
from lot.detection.repository import Survey, mapping, strings

FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_KNOWN = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgis": "postgresql",
    "pgvector": "postgresql",
    "timescaledb": "postgresql",
    "redis": "redis",
    "redis-stack": "redis",
    "redis-stack-server": "redis",
    "valkey": "redis",
}
_VARIABLE = re.compile(r"\$\{(\w+)(?::?([-?+])([^}]*))?\}|\$(\w+)")
_MAX_VALUE = 500
_PORT = re.compile(r"(?:^|:)(\d{2,5})(?:/tcp)?$")


@dataclass(frozen=True, slots=True)
class ComposeDatabase:
    """A service that Lot can install."""

    kind: str
    """postgresql | redis."""
    host: str
    """Its name, which is the host that the app's own settings have."""
    image: str
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """What a compose file says."""

    path: str
    databases: tuple[ComposeDatabase, ...] = ()
    unknown: tuple[str, ...] = ()
    """Images that Lot does not know how to replace."""
    environment: dict[str, str] = field(default_factory=dict)
    """What those services that are built from the repository are told."""
    ports: tuple[int, ...] = ()
    """Where those services listen, inside."""


def read_compose(survey: Survey) -> ComposeFile | None:
    """Return the repository's compose file."""
    path = survey.first("", *FILES)
    if path is None:
        return None
    given = read_variables(survey.text(".env"))
    databases: list[ComposeDatabase] = []
    unknown: list[str] = []
    environment: dict[str, str] = {}
    ports: list[int] = []
    for name, value in mapping(survey.yaml(path).get("services")).items():
        service = mapping(value)
        image = str(service.get("image") or "")
        own = _environment(service.get("environment"), given)
        if "build" in service:
            environment |= own
            ports += _ports(service.get("ports"))
        elif kind := _KNOWN.get(_short(image)):
            databases.append(ComposeDatabase(kind, name, _short(image), own))
        elif image:
            unknown.append(image)
    return ComposeFile(path, tuple(databases), tuple(unknown), environment, tuple(ports))


def _short(image: str) -> str:
    """Return an image's name without registry, owner, tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _environment(value: object, given: Mapping[str, str]) -> dict[str, str]:
    pairs: list[tuple[str, Any]] = [*mapping(value).items()]
    pairs += [(line.partition("=")[0], line.partition("=")[2]) for line in strings(value) if "=" in line]
    return {
        name: _resolved(str(one)[:_MAX_VALUE], given)
        for name, one in pairs
        if one is not None and re.fullmatch(r"\w+", name)
    }


def _resolved(text: str, given: Mapping[str, str]) -> str:
    """Return a value with each `${NAME:-default}` as the tracked `.env` has it, else as its default."""

    def value(found: re.Match[str]) -> str:
        default = found[3] if found[2] == "-" else ""
        return given.get(found[1] or found[4], default) or default

    return _VARIABLE.sub(value, text)


def _ports(value: object) -> list[int]:
    given = value if isinstance(value, list) else []
    targets = [str(mapping(one).get("target", "")) if isinstance(one, dict) else str(one) for one in given]
    return [int(found[1]) for text in targets if (found := _PORT.search(text))]
