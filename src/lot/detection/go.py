"""Go: the module, its main package, and the port in its sources."""

import re
import shlex

from lot.detection.app import App, Rank, Step
from lot.detection.repository import Survey, is_below, join, parent

BASE_GO = (1, 24)
"""What Debian brings."""
_MAIN = re.compile(r"^package main\b", re.MULTILINE)
_PORT = re.compile(
    r"(?:ListenAndServe(?:TLS)?|\.Run|\.Start|\.Listen)\(\s*\"[\w.]*:(\d{2,5})\"|Addr:\s*\"[\w.]*:(\d{2,5})\""
)
_LISTENS = re.compile(r"ListenAndServe|\.Listen\(|gin\.(?:Default|New)\(|echo\.New\(|\.Serve\(")
_ADDRESS = re.compile(r"\"(?:[\w.]*:)?(\d{4,5})\"")
_ENVIRONMENT = re.compile(r"os\.(?:Getenv|LookupEnv)\(\"PORT\"\)")
_VERSION = re.compile(r"^go (\d+)\.(\d+)", re.MULTILINE)
_REQUIRED = re.compile(r"^[ \t]*(?:require\s+)?([\w.-]+\.[a-z]+/[\w./-]+)\s+v\S+[ \t]*$", re.MULTILINE)
_LIKELY = ("server", "web", "api", "app", "main")
_DEFAULT_PORT = 8080


def find_go_apps(survey: Survey) -> list[App]:
    """Return an app for each module."""
    return [_app(survey, folder) for folder in survey.folders_with("go.mod", depth=2)]


def _app(survey: Survey, folder: str) -> App:
    path = join(folder, "go.mod")
    sources = [one for one in survey.sources(folder, ".go") if not one[0].endswith("_test.go")]
    mains = sorted({parent(each) for each, text in sources if _MAIN.search(text)}, key=_likelihood)
    serving = [main for main in mains if any(is_below(each, main) and _LISTENS.search(text) for each, text in sources)]
    main = next(iter(serving or mains), None)
    install = (Step("go mod download", folder), Step("go build ./...", folder))
    dev, port, started, notes = None, None, "", []
    if main is not None:
        package = f"./{main.removeprefix(folder).lstrip('/')}".removesuffix("/") or "."
        dev = f"go run {shlex.quote(package if package != './' else '.')}"
    if main is not None and any(_LISTENS.search(text) for _, text in sources):
        port, where = _port([one for one in sources if is_below(one[0], main)] + sources)
        if any(_ENVIRONMENT.search(text) for _, text in sources):
            dev = f"PORT={port} {dev}"
        started = f"{main or 'The root'} holds package main, which listens on port {port} ({where})."
    version = _VERSION.search(survey.text(path))
    if version and (int(version[1]), int(version[2])) > BASE_GO:
        notes.append(
            f"{path} asks for Go {version[1]}.{version[2]}; Debian brings {BASE_GO[0]}.{BASE_GO[1]}, "
            "which then downloads it."
        )
    return App(
        name="Go",
        folder=folder,
        rank=Rank.PARTS if dev is None else Rank.SCRIPT if port is None else Rank.SERVER,
        install=install,
        dev=dev,
        port=port,
        packages=frozenset({"ca-certificates", "golang-go"}),
        dependencies=frozenset(_REQUIRED.findall(survey.text(path))),
        why_installed=(f"{path} makes a Go module of its folder.",),
        why_started=(started,) if started else (),
        notes=tuple(notes),
    )


def _port(sources: list[tuple[str, str]]) -> tuple[int, str]:
    """Return the port, and how it is known."""
    for path, text in sources:
        if found := _PORT.search(text):
            return int(found[1] or found[2]), f"as {path} says"
    for path, text in sources:
        if (_ENVIRONMENT.search(text) or _LISTENS.search(text)) and (found := _ADDRESS.search(text)):
            return int(found[1]), f"as {path} says"
    return _DEFAULT_PORT, "a guess"


def _likelihood(folder: str) -> tuple[int, int, str]:
    name = folder.rpartition("/")[2]
    return (folder.count("/") + bool(folder), _LIKELY.index(name) if name in _LIKELY else len(_LIKELY), folder)
