"""Brings together what the ecosystems' files find, and makes one proposal of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lot.core.drift import setup_files
from lot.detection.app import App, Rank, Step
from lot.detection.compose import ComposeFile, read_compose
from lot.detection.devcontainer import Devcontainer, read_devcontainer
from lot.detection.environment import ExampleVariables, read_examples
from lot.detection.go import find_go_apps
from lot.detection.hints import command_in_texts, foreign_languages, port_in_texts
from lot.detection.node import find_node_apps
from lot.detection.procfile import Procfile, read_procfile
from lot.detection.proposal import ProposedProcess, SetupProposal
from lot.detection.python import find_python_apps
from lot.detection.repository import RepositoryFiles, Survey, depth_of, join
from lot.detection.ruby import find_ruby_apps
from lot.detection.script import apt_install, exports, in_folder, setup_script
from lot.detection.services import Needs, find_services
from lot.detection.static import find_static_site

_LIKELY = ("web", "frontend", "client", "app", "site", "www", "ui", "dashboard", "admin")
"""Names of folders that hold what a user looks at, the likeliest first."""
MAX_COMMAND = 16_384
"""Characters; what a project's commands may have."""
MAX_SERVERS = 6
"""Beside the main app; a repository of more is a collection rather than an app of many parts."""
_PROCFILE_PORT = 8000
_PORT_FLAG = re.compile(r"(?:--port[= ]|-p[= ]?|-b[= ]?\S*:|--bind[= ]?\S*:)(\d{2,5})\b")


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything that was found, before commands are made of it."""

    main: App | None
    beside: tuple[App, ...]
    """Servers that the main app's command does not start."""
    installed: tuple[App, ...]
    """What is installed, the main app first."""
    procfile: Procfile | None
    compose: ComposeFile | None
    devcontainer: Devcontainer | None
    examples: ExampleVariables
    needs: Needs

    @property
    def environment(self) -> dict[str, str]:
        """What the services tell the app."""
        return {name: value for one in self.needs.services for name, value in one.environment.items()}


def detect(files: RepositoryFiles) -> SetupProposal:
    """Return how a repository is set up and started, as far as its files tell; never raises for what they hold."""
    survey = Survey(files, list(files.notes))
    found = _find(survey)
    steps, step_reasons = _steps(survey, found)
    port, port_reasons = _port(survey, found)
    main = found.main
    started = [app for app in (main, *found.beside) if app]
    reasons = [reason for app in found.installed for reason in app.why_installed]
    reasons += [reason for app in started for reason in app.why_started]
    reasons += [*found.needs.reasons, *step_reasons, *port_reasons]
    notes = [note for app in found.installed for note in app.notes if port is None or "could not be told" not in note]
    setup, dev = setup_script(_before(found), steps), _dev_script(found, main) if main else None
    for command in (setup, dev):
        if command and len(command) > MAX_COMMAND:
            survey.note(f"A command would be longer than {MAX_COMMAND} characters, so it was left out.")
    return SetupProposal(
        setup_command=_if_short(setup),
        dev_command=_if_short(dev),
        port=port,
        folder=main.folder if main else "",
        processes=_processes(found),
        services=found.needs.services,
        environment_keys=tuple(found.examples.values),
        watched_files=setup_files(files.paths),
        reasons=tuple(dict.fromkeys(reasons)),
        notes=tuple(dict.fromkeys([*notes, *found.needs.notes, *_notes(survey, found), *survey.notes])),
    )


def _if_short(command: str | None) -> str | None:
    return command if command and len(command) <= MAX_COMMAND else None


def _find(survey: Survey) -> _Found:
    apps = _all_apps(survey)
    procfile = read_procfile(survey)
    main = min((app for app in apps if app.dev), key=_likelihood, default=None)
    if main is None or main.rank >= Rank.SCRIPT:
        main = _from_procfile(procfile, main, apps) or main or find_static_site(survey)
    beside: tuple[App, ...] = ()
    if main is not None and not main.starts_all:
        servers = [app for app in apps if app.dev and app.rank is Rank.SERVER and not _is_same(app, main)]
        if len(servers) <= MAX_SERVERS:
            beside = tuple(sorted(servers, key=_likelihood))
        else:
            survey.note(f"The repository holds {len(servers)} servers beside {main.name}, which are not set up.")
    parts = [app for app in apps if not app.folder or (main is not None and app.folder == main.folder)]
    if main is not None and main.starts_all:
        parts = apps
    chosen = [*([main] if main else []), *beside, *parts] or apps
    installed: list[App] = []
    for app in chosen:
        if not any(_is_same(app, other) for other in installed):
            installed.append(app)
    compose = read_compose(survey)
    examples = read_examples(survey, ["", *(app.folder for app in installed)])
    return _Found(
        main=main,
        beside=beside,
        installed=tuple(installed),
        procfile=procfile,
        compose=compose,
        devcontainer=read_devcontainer(survey),
        examples=examples,
        needs=find_services(survey, installed, compose, examples),
    )


def _all_apps(survey: Survey) -> list[App]:
    """Return the apps of all ecosystems; a frontend that is a server's assets is no longer one of them to look at."""
    servers = [*find_python_apps(survey), *find_ruby_apps(survey), *find_go_apps(survey)]
    return [*servers, *(_as_assets(survey, app, servers) for app in find_node_apps(survey))]


def _as_assets(survey: Survey, app: App, servers: list[App]) -> App:
    server = next((one for one in servers if one.folder == app.folder and one.rank is Rank.SERVER), None)
    if server is None:
        return app
    has_page = survey.has(join(app.folder, "index.html"))
    is_assets = server.serves_pages or app.rank >= Rank.SCRIPT or (app.name == "Vite" and not has_page)
    return replace(app, rank=Rank.PARTS, dev=None) if is_assets else app


def _from_procfile(procfile: Procfile | None, main: App | None, apps: list[App]) -> App | None:
    """Return the app that a Procfile's web process is, where no framework is known that would start it better."""
    if procfile is None or procfile.web is None:
        return None
    root = next((app for app in apps if not app.folder), main) or App(name="Procfile", folder="", rank=Rank.SERVER)
    found = _PORT_FLAG.search(procfile.web)
    port = int(found[1]) if found else root.port or _PROCFILE_PORT
    return replace(
        root,
        folder="",
        rank=Rank.SERVER,
        dev="\n".join([*_paths([root]), *([] if found else [f"export PORT={port}"]), procfile.web]),
        port=port,
        why_started=(f"{procfile.path} names the process web: {procfile.web!r}; it is given port {port}.",),
        notes=(),
    )


def _is_same(one: App, other: App) -> bool:
    return (one.folder, one.dependencies, one.install) == (other.folder, other.dependencies, other.install)


def _likelihood(app: App) -> tuple[bool, int, bool, int, int, str]:
    """Return a key by which the app that a user wants to look at comes first."""
    name = app.folder.rpartition("/")[2]
    likely = _LIKELY.index(name) if name in _LIKELY else len(_LIKELY)
    return (not app.starts_all, app.rank, bool(app.folder), likely, depth_of(app.folder), app.folder)


def _before(found: _Found) -> list[str]:
    """Return the lines of the set-up that come before any app's own."""
    services = found.needs.services
    packages = sorted({one for app in found.installed for one in app.packages})
    packages += [one for service in services for one in service.packages]
    prepares = [service.prepare for service in services if service.prepare]
    return [
        *([apt_install(packages)] if packages else []),
        *(service.start for service in services),
        *prepares,
        *exports(found.environment),
    ]


def _steps(survey: Survey, found: _Found) -> tuple[list[Step], list[str]]:
    """Return the apps' own commands, each once: first what installs, then what needs it all."""
    steps = [Step(tool) for app in found.installed for tool in app.tools]
    steps += [step for app in found.installed for step in app.install]
    steps += [step for app in found.installed for step in app.prepare]
    if steps or not found.devcontainer or not found.devcontainer.commands:
        return list(dict.fromkeys(steps)), []
    commands = found.devcontainer.commands
    return [Step(one) for one in commands], [f"{found.devcontainer.path} is set up by {' and '.join(commands)!r}."]


def _dev_script(found: _Found, main: App) -> str:
    lines = [*exports(found.environment), *(service.start for service in found.needs.services)]
    return "\n".join([*lines, in_folder(main.folder, main.dev or "")])


def _paths(apps: Sequence[App]) -> list[str]:
    """Return lines that let a Procfile's commands find the programs of the apps in the root."""
    return [f'export PATH="$PWD/{app.path}:$PATH"' for app in apps if app.path and not app.folder]


def _processes(found: _Found) -> tuple[ProposedProcess, ...]:
    """Return what is to run beside the dev server, under names that differ."""
    given = exports(found.environment)
    made: dict[str, ProposedProcess] = {}
    for app in found.beside:
        name = app.folder.rpartition("/")[2] or app.name.lower().replace(" ", "-")
        command = "\n".join([*given, in_folder(app.folder, app.dev or "")])
        made.setdefault(name, ProposedProcess(name=name, command=command, port=app.port))
    paths = _paths(found.installed)
    for name, text in (found.procfile.others if found.procfile else {}).items():
        made.setdefault(name, ProposedProcess(name=name, command="\n".join([*given, *paths, text])))
    return tuple(made.values())


def _port(survey: Survey, found: _Found) -> tuple[int | None, list[str]]:
    """Return the main app's port; where it is not known, the first that other files name."""
    if found.main is None or found.main.port is not None:
        return (found.main.port if found.main else None), []
    if found.devcontainer and found.devcontainer.ports:
        port = found.devcontainer.ports[0]
        return port, [f"{found.devcontainer.path} forwards port {port}."]
    if found.compose and found.compose.ports:
        port = found.compose.ports[0]
        return port, [f"{found.compose.path} publishes port {port}."]
    if named := port_in_texts(survey):
        return named[0], [f"{named[1]} speaks of port {named[0]}."]
    return None, []


def _notes(survey: Survey, found: _Found) -> list[str]:
    if not survey.files.paths:
        return ["The repository has no files, so nothing could be told."]
    notes = []
    if found.main is None:
        notes.append("Nothing was found that starts a dev server.")
        if named := command_in_texts(survey):
            notes.append(f"{named[1]} names the command {named[0]!r}.")
        notes += foreign_languages(survey)
    left = [name for name in found.examples.values if name not in found.environment]
    if left:
        listed = ", ".join(left[:20]) + (", …" if len(left) > 20 else "")
        notes.append(
            f"{' and '.join(found.examples.paths)} lists {listed}: set those that the app does not start without."
        )
    processes = _processes(found)
    if processes:
        notes.append(f"The dev command does not start {', '.join(process.name for process in processes)}.")
    clashing = [one.name for one in processes if found.main and one.port is not None and one.port == found.main.port]
    notes += [f"{name} listens on the dev server's port, too." for name in clashing]
    if found.devcontainer and found.devcontainer.commands and any(app.install for app in found.installed):
        notes.append(
            f"{found.devcontainer.path} is set up by {' and '.join(found.devcontainer.commands)!r}; this is not run."
        )
    return notes
