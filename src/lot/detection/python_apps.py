"""Finds the object in Python sources that is the app: Django's manage.py, `FastAPI()`, `Flask()`."""

import re
from dataclasses import dataclass

from lot.detection.repository import Survey, depth_of, is_below, join, parent

_ASSIGNED = r"^(\w+)\s*(?::\s*[\w.]+\s*)?=\s*(?:[\w.]+\.)?"
_FASTAPI = re.compile(_ASSIGNED + r"(?:FastAPI|Starlette)\(", re.MULTILINE)
_FLASK = re.compile(_ASSIGNED + r"Flask\(", re.MULTILINE)
_FASTAPI_FACTORY = re.compile(
    r"^def (\w+)\(([^)]{0,500})\)\s*->\s*(?:[\w.]+\.)?(?:FastAPI|Starlette)\s*:", re.MULTILINE
)
_FUNCTION = re.compile(r"def (\w+)\(([^)]*)")
_MADE_INSIDE = re.compile(r"[ \t]+(?:return|\w+\s*(?::\s*[\w.]+\s*)?=)\s*(?:[\w.]+\.)?(FastAPI|Flask)\(")
_FLASK_RESULT = re.compile(r"^(\w+)\s*=\s*(?:[\w.]+\.)?(?:create|make)_app\(", re.MULTILINE)
_FRAMEWORKS = ("django", "fastapi", "flask")
_LIKELY = ("main", "app", "server", "wsgi", "asgi", "application", "api", "index", "__init__")
_OWN_IMPORT = r"^[ \t]*(?:from|import) +(?:\.|{name}\b)"


@dataclass(frozen=True, slots=True)
class AppObject:
    """Where an app object is."""

    framework: str
    """django | fastapi | flask."""
    path: str
    module: str = ""
    """Its dotted name, as seen from `app_folder`."""
    name: str = ""
    """The variable or the factory."""
    app_folder: str = ""
    """The folder that must be on Python's path."""
    is_factory: bool = False


def find_app_object(survey: Survey, folder: str, apart: list[str]) -> AppObject | None:
    """Return the app object in a folder, or None.

    Args:
        apart: Folders below that are projects of their own.
    """
    sources = [
        (path, text)
        for path, text in survey.sources(folder, ".py")
        if not any(is_below(path, other) for other in apart) and "/migrations/" not in path
    ]
    sources.sort(key=lambda one: (depth_of(one[0]), _likelihood(one[0]), one[0]))
    for path, text in sources:
        if path.endswith("manage.py") and "django" in text:
            return AppObject("django", path)
    found = _find(sources, folder, "fastapi", _FASTAPI, is_factory=False, hint="FastAPI")
    found = found or _find(sources, folder, "fastapi", _FASTAPI, is_factory=False, hint="Starlette")
    found = found or _find(sources, folder, "fastapi", _FASTAPI_FACTORY, is_factory=True)
    found = found or _find_factory(sources, folder, "FastAPI")
    found = found or _find(sources, folder, "flask", _FLASK, is_factory=False, hint="Flask")
    if found:
        return found
    if not any("Flask(" in text for _, text in sources):
        return None
    # A module that calls the factory has whatever else the app needs around it.
    return _find(sources, folder, "flask", _FLASK_RESULT, is_factory=False) or _find_factory(sources, folder, "Flask")


def imported_framework(survey: Survey, folder: str) -> str | None:
    """Return the framework that sources directly in a folder import."""
    for path, text in survey.sources(folder, ".py"):
        found = re.search(r"^(?:from|import) (django|fastapi|flask)\b", text, re.MULTILINE)
        if found and parent(path) == folder:
            return found[1]
    return None


def _find(
    sources: list[tuple[str, str]],
    top: str,
    framework: str,
    pattern: re.Pattern[str],
    *,
    is_factory: bool,
    hint: str = "",
) -> AppObject | None:
    for path, text in sources:
        if hint in text and (found := pattern.search(text)) and not (is_factory and _needs_arguments(found[2])):
            module, app_folder = _module(path, text, {each for each, _ in sources}, top)
            return AppObject(framework, path, module, found[1], app_folder, is_factory)
    return None


def _find_factory(sources: list[tuple[str, str]], top: str, made: str) -> AppObject | None:
    """Return a function at the top of a file that makes an app of this class."""
    for path, text in sources:
        function = None
        for line in text.splitlines() if made in text else ():
            if opened := _FUNCTION.match(line):
                function = None if _needs_arguments(opened[2]) else opened[1]
            elif line[:1].strip():
                function = None
            elif function and (found := _MADE_INSIDE.match(line)) and found[1] == made:
                module, app_folder = _module(path, text, {each for each, _ in sources}, top)
                return AppObject(made.lower(), path, module, function, app_folder, is_factory=True)
    return None


def _needs_arguments(parameters: str) -> bool:
    """Return whether a function cannot be called without arguments, as servers call a factory."""
    return any(one.strip() and "=" not in one and not one.strip().startswith("*") for one in parameters.split(","))


def _module(path: str, text: str, paths: set[str], top: str) -> tuple[str, str]:
    """Return a file's module name and the folder it is imported from, which is `top` or below."""
    stem, folder = path.rpartition("/")[2].removesuffix(".py"), parent(path)
    names = [] if stem == "__init__" else [stem]
    while folder != top and (join(folder, "__init__.py") in paths or _imports_own(folder, text)):
        folder, name = parent(folder), folder.rpartition("/")[2]
        names.insert(0, name)
    return ".".join(names), folder


def _imports_own(folder: str, text: str) -> bool:
    """Return whether a file imports from its own folder by name, which need not have an `__init__.py`."""
    name = re.escape(folder.rpartition("/")[2])
    if name in _FRAMEWORKS:
        return False
    return re.search(_OWN_IMPORT.format(name=name), text, re.MULTILINE) is not None


def _likelihood(path: str) -> int:
    stem = path.rpartition("/")[2].removesuffix(".py")
    return _LIKELY.index(stem) if stem in _LIKELY else len(_LIKELY)
