"""Python: Django, FastAPI, Flask, and how each is served."""

import shlex

from lot.detection.app import App, Rank, Step
from lot.detection.python_apps import AppObject, find_app_object, imported_framework
from lot.detection.python_packages import MANIFESTS, Installation, has_project, read_installation
from lot.detection.repository import Survey, depth_of, is_below, join

_DEPTH = 3
_NAMES = {"django": "Django", "fastapi": "FastAPI", "flask": "Flask"}
_PORTS = {"django": 8000, "fastapi": 8000, "flask": 5000}
_RELOADERS = {"watchfiles", "uvicorn[standard]", "fastapi[standard]", "fastapi[all]"}


def find_python_apps(survey: Survey) -> list[App]:
    """Return an app for each folder that holds a Python project."""
    folders = survey.folders_with(*MANIFESTS, depth=_DEPTH)
    folders += [folder for folder in _requirement_parents(survey) if folder not in folders]
    folders = [
        folder
        for folder in folders
        if has_project(survey, folder) and not _is_started_from_above(survey, folder, folders)
    ]
    if not folders and imported_framework(survey, ""):
        folders = [""]
    return [
        _app(survey, folder, [other for other in folders if other != folder and is_below(other, folder)])
        for folder in folders
    ]


def _requirement_parents(survey: Survey) -> list[str]:
    """Return the folders that keep several lists of requirements in a folder of that name."""
    paths = (path for path in survey.files.paths if path.startswith("requirements/") and path.endswith(".txt"))
    return [""] if any(paths) else []


def _is_started_from_above(survey: Survey, folder: str, folders: list[str]) -> bool:
    """Return whether a folder has nothing but a manage.py, and a folder above it names the dependencies."""
    if survey.first(folder, *MANIFESTS[:-1]) or not folder:
        return False
    return any(
        other != folder and is_below(folder, other) and survey.first(other, *MANIFESTS[:-1]) for other in folders
    )


def _app(survey: Survey, folder: str, apart: list[str]) -> App:
    found = find_app_object(survey, folder, apart)
    installation = read_installation(survey, folder, found.framework if found else imported_framework(survey, folder))
    install = tuple(Step(command, installation.home) for command in installation.commands)
    programs = _programs(folder, installation.home)
    if found is None:
        return App(
            name="Python",
            folder=folder,
            rank=Rank.PARTS,
            install=install,
            path=programs,
            packages=installation.packages,
            dependencies=installation.dependencies,
            why_installed=(f"{installation.reason}.",),
            notes=installation.notes,
        )
    if found.framework == "fastapi":
        install += tuple(Step(f"{programs}/pip install {one}", folder) for one in _server_installs(installation))
    name, port = _NAMES[found.framework], _PORTS[found.framework]
    return App(
        name=name,
        folder=folder,
        rank=Rank.SERVER,
        install=install,
        prepare=tuple(
            Step(f"{programs}/{command}", folder) for command in _migrations(survey, folder, found, installation)
        ),
        dev=f"{programs}/{_dev(folder, found, port)}",
        port=port,
        path=programs,
        packages=installation.packages,
        dependencies=installation.dependencies,
        serves_pages=found.framework == "django",
        why_installed=(f"{installation.reason}.",),
        why_started=(_reason(found, name),),
        notes=(*installation.notes, *_notes(survey, found)),
    )


def _programs(folder: str, home: str) -> str:
    """Return the folder of the environment's programs, as seen from the app's."""
    return "../" * (depth_of(folder) - depth_of(home)) + ".venv/bin"


def _reason(found: AppObject, name: str) -> str:
    if found.framework == "django":
        return f"{found.path} is {name}'s; its server is given port {_PORTS['django']}."
    what = "makes" if found.is_factory else "holds"
    return f"{found.path} {what} the {name} app {found.name!r}; its server is given port {_PORTS[found.framework]}."


def _dev(folder: str, found: AppObject, port: int) -> str:
    if found.framework == "django":
        return f"python {_relative(found.path, folder)} runserver 0.0.0.0:{port}"
    if found.framework == "flask":
        return f"flask --app {_flask_app(folder, found)} run --debug --host 0.0.0.0 --port {port}"
    options = ["--factory"] if found.is_factory else []
    if found.app_folder != folder:
        options += ["--app-dir", _relative(found.app_folder, folder)]
    options += ["--reload", "--host", "0.0.0.0", "--port", str(port)]
    return f"uvicorn {found.module}:{found.name} {' '.join(options)}"


def _flask_app(folder: str, found: AppObject) -> str:
    # Flask finds these names by itself.
    suffix = "" if found.name in ("app", "application", "create_app", "make_app") else f":{found.name}"
    if found.app_folder == folder:
        return f"{found.module}{suffix}"
    return f"{shlex.quote(_unquoted(found.path, folder).removesuffix('.py').removesuffix('/__init__'))}{suffix}"


def _server_installs(installation: Installation) -> list[str]:
    """Return what serves an ASGI app, where the project does not name it.

    Without watchfiles uvicorn looks at every file of the folder, `.venv` included, four times a second.
    """
    has_server = {name.partition("[")[0] for name in installation.dependencies} & {"uvicorn"} or (
        installation.dependencies & {"fastapi[standard]", "fastapi[all]"}
    )
    missing = [] if has_server else ["uvicorn"]
    missing += [] if installation.dependencies & _RELOADERS else ["watchfiles"]
    return [" ".join(missing)] if missing else []


def _migrations(survey: Survey, folder: str, found: AppObject, installation: Installation) -> list[str]:
    if found.framework == "django":
        return [f"python {_relative(found.path, folder)} migrate --noinput"]
    if (
        found.framework == "flask"
        and "flask-migrate" in installation.dependencies
        and survey.has(join(folder, "migrations/env.py"))
    ):
        return [f"flask --app {_flask_app(folder, found)} db upgrade"]
    return ["alembic upgrade head"] if survey.has(join(folder, "alembic.ini")) else []


def _notes(survey: Survey, found: AppObject) -> list[str]:
    if found.framework != "django":
        return []
    settings = [path for path, text in survey.sources("", ".py") if "ALLOWED_HOSTS" in text]
    where = f" in {settings[0]}" if settings else ""
    return [
        f"Previews have hosts below .localhost: where ALLOWED_HOSTS{where} is not empty, "
        "it must have '.localhost' or '*'."
    ]


def _relative(path: str, folder: str) -> str:
    return shlex.quote(_unquoted(path, folder))


def _unquoted(path: str, folder: str) -> str:
    return path.removeprefix(f"{folder}/") if folder else path or "."
