"""What a Python project depends on, and how its virtual environment `.venv` is made and filled.

Debian's own Python takes no packages, so everything goes into `.venv`; the tools that fill it live in `~/.tools`.
"""

import fnmatch
import re
import shlex
from dataclasses import dataclass
from typing import Any

from lot.detection.repository import Survey, join, mapping, parent, strings

BASE_PYTHON = (3, 13)
"""The base image's Python."""
MANIFESTS = ("pyproject.toml", "requirements.txt", "Pipfile", "setup.py", "setup.cfg", "manage.py")
_VENV = (
    "python3 -m venv .venv || { sudo apt-get update && sudo DEBIAN_FRONTEND=noninteractive "
    "apt-get install --yes python3-venv && python3 -m venv --clear .venv; }"
)
_TOOLS = "~/.tools"
_MAX_MEMBERS = 50
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?")
_INCLUDED = re.compile(r"\s*(?:-r|--requirement)[ =]?\s*(\S+)")
_REQUIREMENT_FILES = (
    *("requirements.txt", "requirements/local.txt", "requirements/dev.txt", "requirements/development.txt"),
    *("requirements/base.txt", "requirements/requirements.txt", "requirements-dev.txt", "dev-requirements.txt"),
)
_HEADERS = {
    "psycopg2": ("gcc", "libpq-dev", "python3-dev"),
    "mysqlclient": ("gcc", "libmariadb-dev", "pkg-config", "python3-dev"),
    "python-ldap": ("gcc", "libldap-dev", "libsasl2-dev", "python3-dev"),
}
"""What packages that come without binaries are built with."""
_SPECIFIER = re.compile(r"(<=?|==|~=|\^)\s*(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Installation:
    """How one folder's dependencies come into `.venv`."""

    home: str
    """Where the commands run and `.venv` is: the folder itself, or the root of its workspace."""
    commands: tuple[str, ...]
    reason: str
    dependencies: frozenset[str]
    """Names in lower case with dashes; an extra stands behind its package, as in `uvicorn[standard]`."""
    packages: frozenset[str]
    notes: tuple[str, ...]


def read_installation(survey: Survey, folder: str, wanted: str | None) -> Installation:
    """Return how a folder is installed.

    Args:
        wanted: A framework that its sources import; installed by name where nothing names dependencies.
    """
    project = survey.toml(join(folder, "pyproject.toml"))
    home = _home(survey, folder)
    commands, reason, notes = _commands(survey, home, survey.toml(join(home, "pyproject.toml")), wanted)
    dependencies = _dependencies(survey, folder, project) | ({wanted} if wanted and not reason else frozenset())
    return Installation(
        home=home,
        commands=(_VENV, *commands) if commands else (),
        reason=reason or f"{folder or 'the root'} has Python sources, and no file that names what they need",
        dependencies=dependencies,
        packages=frozenset(package for name in dependencies for package in _HEADERS.get(name, ())),
        notes=(*notes, *_version_notes(survey, folder, project)),
    )


def has_project(survey: Survey, folder: str) -> bool:
    """Return whether a folder names dependencies: a pyproject.toml may be there for a linter alone."""
    project = survey.toml(join(folder, "pyproject.toml"))
    if project.keys() & {"project", "dependency-groups"} or "poetry" in mapping(project.get("tool")):
        return True
    return survey.first(folder, *MANIFESTS[1:], *_REQUIREMENT_FILES) is not None


def _home(survey: Survey, folder: str) -> str:
    """Return the root of the uv workspace that a folder is a member of, else the folder."""
    root = folder
    while root:
        root = parent(root)
        patterns = _members(survey.toml(join(root, "pyproject.toml")))
        if any(fnmatch.fnmatchcase(folder, join(root, pattern)) for pattern in patterns):
            return root
    return folder


def _members(project: dict[str, Any]) -> list[str]:
    uv = mapping(mapping(project.get("tool")).get("uv"))
    return strings(mapping(uv.get("workspace")).get("members"))[:_MAX_MEMBERS]


def _commands(
    survey: Survey, folder: str, project: dict[str, Any], wanted: str | None
) -> tuple[tuple[str, ...], str, list[str]]:
    """Return commands, reason (empty when nothing names dependencies) and notes."""
    poetry = mapping(mapping(project.get("tool")).get("poetry"))
    if survey.has(path := join(folder, "uv.lock")):
        # Inexact, so that pip stays; with the sandbox's Python, as others would have to be downloaded.
        everything = " --all-packages" if _members(project) else ""
        sync = f"{_TOOLS}/bin/uv sync --frozen --inexact{everything} --python .venv/bin/python"
        return (_tool("uv"), sync), f"{path} is uv's lock file", []
    if survey.has(path := join(folder, "poetry.lock")) or poetry.keys() - {"packages"}:
        root = "" if _has_package(survey, folder, str(poetry.get("name") or _name(project))) else " --no-root"
        install = f"POETRY_VIRTUALENVS_IN_PROJECT=true {_TOOLS}/bin/poetry install --no-interaction{root}"
        reason = (
            f"{path} is Poetry's lock file" if survey.has(path) else f"{join(folder, 'pyproject.toml')} is Poetry's"
        )
        return (_tool("poetry"), install), reason, []
    if survey.has(path := join(folder, "Pipfile")):
        verb = "sync" if survey.has(join(folder, "Pipfile.lock")) else "install --skip-lock"
        install = f"PIPENV_VENV_IN_PROJECT=1 {_TOOLS}/bin/pipenv {verb} --dev"
        return (_tool("pipenv"), install), f"{path} is Pipenv's", []
    path = survey.first(folder, *_REQUIREMENT_FILES) or ""
    if "project" in project and not path.endswith(("requirements.txt", "local.txt")):
        return _from_project(project), f"{join(folder, 'pyproject.toml')} lists the dependencies", []
    if path:
        name = path.removeprefix(f"{folder}/") if folder else path
        # The project itself, for whoever imports it by name.
        itself = [".venv/bin/pip install --no-deps -e ."] if {"project", "build-system"} <= project.keys() else []
        install = f".venv/bin/pip install -r {shlex.quote(name)}"
        return (install, *itself), f"{path} lists the dependencies", []
    if "dependency-groups" in project:
        return _from_project(project), f"{join(folder, 'pyproject.toml')} lists the dependencies", []
    if path := survey.first(folder, "setup.py", "setup.cfg") or "":
        return (".venv/bin/pip install -e .",), f"{path} makes a package of the folder", []
    if wanted is None:
        return (), "", []
    return (
        (f".venv/bin/pip install {wanted}",),
        "",
        [f"No file names the versions that are needed; the newest {wanted} is installed."],
    )


def _from_project(project: dict[str, Any]) -> tuple[str, ...]:
    """Return how dependencies by PEP 621 and PEP 735 are installed."""
    group = " --group dev" if "dev" in mapping(project.get("dependency-groups")) else ""
    if "build-system" in project:
        return (f".venv/bin/pip install -e .{group}",)
    # What names no builder is an app rather than a package: the default builder would refuse most layouts.
    named = " ".join(shlex.quote(one) for one in strings(mapping(project.get("project")).get("dependencies")))
    return (f".venv/bin/pip install{' ' + named if named else ''}{group}",) if named or group else ()


def _tool(name: str) -> str:
    return f"python3 -m venv {_TOOLS} && {_TOOLS}/bin/pip install {name}"


def _has_package(survey: Survey, folder: str, name: str) -> bool:
    module = name.replace("-", "_").replace(".", "_")
    candidates = (f"{module}/__init__.py", f"src/{module}/__init__.py", f"{module}.py")
    return survey.first(folder, *candidates) is not None


def _name(project: dict[str, Any]) -> str:
    return str(mapping(project.get("project")).get("name", ""))


def _dependencies(survey: Survey, folder: str, project: dict[str, Any]) -> frozenset[str]:
    named = mapping(project.get("project"))
    lines = strings(named.get("dependencies"))
    for optional in mapping(named.get("optional-dependencies")).values():
        lines += strings(optional)
    for group in mapping(project.get("dependency-groups")).values():
        lines += strings(group)
    found = _names(lines)
    poetry = mapping(mapping(project.get("tool")).get("poetry"))
    tables = [poetry.get("dependencies"), poetry.get("dev-dependencies")]
    tables += [mapping(group).get("dependencies") for group in mapping(poetry.get("group")).values()]
    if survey.has(path := join(folder, "Pipfile")):
        pipfile = survey.toml(path)
        tables += [pipfile.get("packages"), pipfile.get("dev-packages")]
    for table in tables:
        for name, value in mapping(table).items():
            found |= {_normal(name), *(f"{_normal(name)}[{extra}]" for extra in strings(mapping(value).get("extras")))}
    if path := survey.first(folder, *_REQUIREMENT_FILES) or "":
        found |= _required(survey, path, set())
    return frozenset(found)


def _required(survey: Survey, path: str, seen: set[str]) -> set[str]:
    """Return what a requirements file names, with the files it includes."""
    seen.add(path)
    lines = survey.text(path).splitlines()
    found = _names(lines)
    for line in lines:
        if (included := _INCLUDED.match(line)) and (other := join(path.rpartition("/")[0], included[1])) not in seen:
            found |= _required(survey, other, seen)
    return found


def _names(lines: list[str]) -> set[str]:
    found: set[str] = set()
    for line in lines:
        if match := _REQUIREMENT.match(line):
            name = _normal(match[1])
            extras = (match[2] or "").strip("[]").split(",")
            found |= {name, *(f"{name}[{extra.strip()}]" for extra in extras if extra.strip())}
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version_notes(survey: Survey, folder: str, project: dict[str, Any]) -> list[str]:
    path, text = join(folder, "pyproject.toml"), str(mapping(project.get("project")).get("requires-python", ""))
    for operator, major, minor in _SPECIFIER.findall(text):
        version = (int(major), int(minor))
        is_too_old = version <= BASE_PYTHON if operator == "<" else version < BASE_PYTHON
        if is_too_old and operator in ("<", "<=", "=="):
            return [f"{path} asks for Python {text}; the sandbox has {BASE_PYTHON[0]}.{BASE_PYTHON[1]}."]
    return []
