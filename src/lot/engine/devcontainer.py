"""Reads a repository's devcontainer.json: which image, or which build, its authors work in.

Of the rest (features, lifecycle commands, mounts) nothing is taken up: the project's own settings say what is run.
Source: the Development Container Specification, "devcontainer.json properties".
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from lot.core.errors import InvalidInputError
from lot.core.image_source import inside_repository, read_registry_name

PLACES = (".devcontainer/devcontainer.json", ".devcontainer.json")
"""Where it lies, in the order in which it is looked for."""

_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:\\.|[^"\\\n])*")|,(?=\s*[}\]])')
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DevcontainerBuild:
    """What is to be built: `image` alone, or a Dockerfile; paths are relative to the repository."""

    image: str | None = None
    dockerfile: str | None = None
    context: str = ""
    target: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)


def read_devcontainer(text: str, place: str) -> DevcontainerBuild:
    """Return what a devcontainer.json names.

    Args:
        place: Where in the repository it lies: its paths are relative to that.

    Raises:
        InvalidInputError: it is no such file, or names what Lot cannot make.
    """
    content = _object(_parse(text, place), place)
    if "dockerComposeFile" in content:
        raise InvalidInputError(
            f"{place} names a Docker Compose file, which Lot does not run; name an image or a build"
        )
    build = _object(content.get("build", {}), f"{place}: build")
    # Older files name these beside `build`.
    dockerfile = build.get("dockerfile", content.get("dockerFile"))
    if dockerfile is None:
        if "image" not in content:
            raise InvalidInputError(f"{place} names neither an image nor a build; add one of them")
        return DevcontainerBuild(image=read_registry_name(_text(content["image"], f"{place}: image")))
    folder = PurePosixPath(place).parent
    context = _text(build.get("context", content.get("context", ".")), f"{place}: context")
    target = build.get("target")
    return DevcontainerBuild(
        dockerfile=inside_repository(str(folder / _text(dockerfile, f"{place}: dockerfile"))),
        context=inside_repository(str(folder / context)),
        target=None if target is None else _text(target, f"{place}: target"),
        args={
            name: _text(value, f"{place}: build argument {name}")
            for name, value in _object(build.get("args", {}), f"{place}: build.args").items()
        },
    )


def _parse(text: str, place: str) -> Any:
    """Return JSON that may have comments and trailing commas."""
    without_comments = _COMMENT.sub(lambda found: found[1] or " ", text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))
    try:
        return json.loads(_TRAILING_COMMA.sub(lambda found: found[1] or "", without_comments))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{place} is no JSON: {error}") from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInputError(f"{what} is no object")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise InvalidInputError(f"{what} is no text")
    if _VARIABLE.search(value):
        raise InvalidInputError(f"{what} has a variable ({value[:100]}), which Lot does not fill in; write its value")
    return value
