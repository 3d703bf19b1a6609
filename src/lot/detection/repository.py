"""A repository's files as detection sees them: names, and the texts of the few that tell something.

Content is a stranger's: whatever cannot be read as what its name promises is empty, and a note says so. Patterns that
search it take time in proportion to its length: none may look from many places as far as it likes.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

MAX_DEPTH = 4
"""Folders below the root in which apps are looked for."""
MAX_TEXT = 1 << 18
"""Characters of a file that are looked at; what is parsed as a whole must be shorter."""
_MAX_YAML = 1 << 16
"""YAML takes ten times as long."""
_FOREIGN = frozenset(
    {
        *("node_modules", "bower_components", "vendor", "third_party", "site-packages", "venv", "env"),
        *("dist", "build", "out", "target", "coverage", "tmp"),
        *("test", "tests", "__tests__", "spec", "e2e", "cypress", "fixtures", "testdata", "mocks", "__mocks__"),
        *("examples", "example", "samples", "templates", "benchmarks"),
    }
)
"""Folders whose apps are not what the repository is about."""
_COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\\n])*")|,(?=\s*[}\]])')


@dataclass(frozen=True, slots=True)
class RepositoryFiles:
    """One commit of a repository: all paths, and the text of those that were read."""

    paths: frozenset[str]
    texts: Mapping[str, str]
    notes: tuple[str, ...] = ()
    """What the reader had to leave out."""

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> "RepositoryFiles":
        """Return a repository whose every file was read."""
        return cls(frozenset(texts), texts)


@dataclass(slots=True)
class Survey:
    """One look at a repository; collects what was found strange on the way."""

    files: RepositoryFiles
    notes: list[str] = field(default_factory=list)

    def has(self, path: str) -> bool:
        """Return whether there is such a file."""
        return path in self.files.paths

    def first(self, folder: str, *names: str) -> str | None:
        """Return the path of the first of some files that a folder has."""
        return next((path for path in (join(folder, name) for name in names) if self.has(path)), None)

    def folders_with(self, *names: str, depth: int = MAX_DEPTH) -> list[str]:
        """Return the folders that have a file of one of these names, shallow ones first; foreign ones are left out."""
        found = {parent(path) for path in self.files.paths if path.rpartition("/")[2] in names}
        return sorted((folder for folder in found if is_own(folder, depth)), key=lambda one: (depth_of(one), one))

    def text(self, path: str) -> str:
        """Return a file's text; empty when there is none or it was not read."""
        return self.files.texts.get(path, "")

    def sources(self, folder: str, *suffixes: str) -> list[tuple[str, str]]:
        """Return path and text of what was read of a folder's sources, shallow ones first."""
        found = [
            (path, text)
            for path, text in self.files.texts.items()
            if path.endswith(suffixes) and is_below(path, folder) and is_own(parent(path), MAX_DEPTH + 1)
        ]
        return sorted(found, key=lambda one: (depth_of(one[0]), one[0]))

    def json(self, path: str) -> dict[str, Any]:
        """Return a JSON object, with comments and last commas forgiven."""
        return self._parsed(path, "JSON", lambda text: json.loads(_without_comments(text)))

    def toml(self, path: str) -> dict[str, Any]:
        """Return a TOML document."""
        return self._parsed(path, "TOML", tomllib.loads)

    def yaml(self, path: str) -> dict[str, Any]:
        """Return a YAML mapping."""
        return self._parsed(path, "YAML", yaml.safe_load)

    def note(self, text: str) -> None:
        """Remember something for the user, once."""
        if text not in self.notes:
            self.notes.append(text)

    def _parsed(self, path: str, language: str, parse: Callable[[str], Any]) -> dict[str, Any]:
        if not self.has(path):
            return {}
        text = self.text(path)
        if len(text) >= (_MAX_YAML if language == "YAML" else MAX_TEXT):
            self.note(f"{path} is too large to be read as {language}, and was passed over.")
            return {}
        try:
            # RecursionError: brackets nested by the thousand. ValueError: JSON, TOML, and dates that are none.
            value = parse(text)
        except (ValueError, yaml.YAMLError, RecursionError, OverflowError):
            self.note(f"{path} is no valid {language}, and was passed over.")
            return {}
        return mapping(value)


def worth_reading(paths: Iterable[str], limit: int = 400) -> list[str]:
    """Return which files detection wants the text of, the most telling first, at most `limit`."""
    ranked = sorted((rank, depth_of(path), path) for path in paths if (rank := _rank(path)) is not None)
    return [path for _, _, path in ranked[:limit]]


_MANIFESTS = frozenset(
    {
        *("package.json", "pnpm-workspace.yaml", ".yarnrc.yml", "yarn.lock", "pnpm-lock.yaml", "angular.json"),
        *("pyproject.toml", "Pipfile", "setup.py", "setup.cfg", "manage.py", "alembic.ini", ".flaskenv"),
        *("Gemfile", "config.ru", "go.mod", "go.work", "Procfile", "Procfile.dev"),
        *("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"),
        *("devcontainer.json", ".devcontainer.json", "Dockerfile", "schema.prisma"),
        *(".nvmrc", ".node-version", ".python-version", ".ruby-version", "CLAUDE.md", "AGENTS.md", "README.md"),
        *(".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env"),
        *(".env", ".env.development", ".env.local.example", ".env.development.example"),
    }
)
_TELLING = re.compile(
    r"requirements[\w.-]*\.txt|(?:vite|next|nuxt|astro|webpack|angular)\.config\.\w+|drizzle\.config\.\w+"
)
_ENTRY = re.compile(r"(?:main|app|server|index|asgi|wsgi|api|settings|application|www|database|db|config)(?:\.\w+)?")
_SOURCE = (".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".go", ".rb")


def _rank(path: str) -> int | None:
    """Return how telling a file is, 0 first; None: not at all."""
    name = path.rpartition("/")[2]
    if not is_own(parent(path), MAX_DEPTH):
        return None
    if name in _MANIFESTS or _TELLING.fullmatch(name) or path.startswith("requirements/"):
        return 0
    if not (name.endswith(_SOURCE) or path.endswith("bin/www")):
        return None
    return 1 if _ENTRY.fullmatch(name) else 2


def _without_comments(text: str) -> str:
    kept = _COMMENT.sub(lambda found: found[1] or " ", text)
    return _LAST_COMMA.sub(lambda found: found[1] or "", kept)


def mapping(value: object) -> dict[str, Any]:
    """Return a value if it is a mapping with names for keys, else an empty one."""
    return {key: each for key, each in value.items() if isinstance(key, str)} if isinstance(value, dict) else {}


def strings(value: object) -> list[str]:
    """Return the strings of a list; of anything else, none."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def join(folder: str, name: str) -> str:
    """Return a path; the root's folder is the empty string, and `..` does not lead out of it."""
    parts: list[str] = []
    for part in PurePosixPath(folder, name).parts:
        if part == "..":
            parts = parts[:-1]
        elif part not in (".", "/"):
            parts.append(part)
    return "/".join(parts)


def parent(path: str) -> str:
    """Return the folder a path is in; the root is the empty string."""
    return path.rpartition("/")[0]


def depth_of(path: str) -> int:
    """Return how many names a path has."""
    return len(path.split("/")) if path else 0


def is_below(path: str, folder: str) -> bool:
    """Return whether a path lies in a folder or below."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def is_own(folder: str, depth: int) -> bool:
    """Return whether a folder may hold what the repository is about."""
    parts = folder.split("/") if folder else []
    # Braces: a template, of which somebody makes repositories.
    hidden = any((part.startswith(".") and part != ".devcontainer") or "{{" in part for part in parts)
    return len(parts) <= depth and not hidden and not _FOREIGN.intersection(part.lower() for part in parts)
