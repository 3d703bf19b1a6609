"""Which files of a repository decide how its environment is prepared: when they change, a snapshot is out of date.

The one list: detection shows by it what will be watched.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

DEPENDENCY_FILES = frozenset(
    {
        *("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"),
        *("uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"),
        *("Gemfile.lock", "go.sum", "Cargo.lock", "composer.lock"),
    }
)
"""What a package manager installs by; their names are the managers' own."""

_SETUP_FILES = frozenset(
    {
        *("devcontainer.json", ".devcontainer.json", "Procfile", "Procfile.dev"),
        *(".tool-versions", "mise.toml", ".nvmrc", ".node-version", ".python-version", ".ruby-version"),
        *("pnpm-workspace.yaml", ".yarnrc.yml", ".npmrc", "go.work"),
        *("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"),
    }
)


def dependency_files(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of some files that say which packages are to be installed."""
    return tuple(sorted(path for path in paths if _installs(PurePosixPath(path).name)))


def setup_files(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of some files after whose change a snapshot would come out differently."""
    return tuple(sorted(path for path in paths if _prepares(PurePosixPath(path).name)))


def _installs(name: str) -> bool:
    # Requirements take the place of a lock file, and come in many names: requirements-dev.txt, dev-requirements.txt.
    is_requirements = name.endswith(".txt") and "requirements" in name
    return name in DEPENDENCY_FILES or is_requirements


def _prepares(name: str) -> bool:
    is_recipe = name == "Dockerfile" or name.startswith("Dockerfile.") or name.endswith(".Dockerfile")
    return _installs(name) or name in _SETUP_FILES or is_recipe
