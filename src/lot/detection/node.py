"""Node: package.json, its scripts, workspaces and lock files."""

import fnmatch
import re
import shlex
from dataclasses import dataclass
from typing import Any

from lot.detection.app import App, Rank, Step, place
from lot.detection.node_packages import find_manager, newer_node
from lot.detection.node_tools import (
    SERVERS,
    TOOLS,
    Tool,
    find_server_port,
    port_in_config,
    port_in_script,
)
from lot.detection.repository import Survey, depth_of, is_below, join, mapping, parent, strings

_MAX_PACKAGES = 40
_MAX_PATTERNS = 50
_MAX_SCRIPT = 2000
_SCRIPTS = ("dev", "start:dev", "develop", "serve", "start")
_MIGRATIONS = ("db:migrate", "migrate", "db:push", "migrate:latest", "migration:run", "migrations:run")
_ALL = re.compile(r"\b(?:concurrently|npm-run-all|run-p)\b")
_BUILT = re.compile(r"\bnode\s+(?:\S+\s+)*?(?:\./)?(?:dist|build|lib|out)/")
_PARALLEL = re.compile(r"\b(?:turbo|nx|lerna)\b|--workspaces|--filter|(?:^|\s)-(?:ws|r)\b")


@dataclass(frozen=True, slots=True)
class _Package:
    folder: str
    manifest: dict[str, Any]

    @property
    def path(self) -> str:
        return join(self.folder, "package.json")

    @property
    def scripts(self) -> dict[str, str]:
        given = mapping(self.manifest.get("scripts"))
        return {name: text for name, text in given.items() if isinstance(text, str) and len(text) < _MAX_SCRIPT}

    @property
    def dependencies(self) -> frozenset[str]:
        kinds = ("dependencies", "devDependencies", "optionalDependencies")
        return frozenset(name for kind in kinds for name in mapping(self.manifest.get(kind)))


def find_node_apps(survey: Survey) -> list[App]:
    """Return an app for each package.json that is not just a member without a dev server."""
    folders = survey.folders_with("package.json")[:_MAX_PACKAGES]
    packages = {folder: _Package(folder, survey.json(join(folder, "package.json"))) for folder in folders}
    apps = [_Finder(survey, packages, package).app() for package in packages.values()]
    homes = {_home(survey, packages, package.folder) for package in packages.values()}
    # A member that starts nothing is installed with its workspace, and not worth a word.
    return [app for app in apps if app.rank is not Rank.PARTS or app.folder in homes]


@dataclass(frozen=True, slots=True)
class _Start:
    """How one package is started."""

    rank: Rank
    name: str
    command: str | None
    port: int | None
    reason: str
    starts_all: bool = False


class _Finder:
    """Finds out about one package of a repository."""

    def __init__(self, survey: Survey, packages: dict[str, _Package], package: _Package) -> None:
        self._survey, self._packages, self._package = survey, packages, package
        self._home = _home(survey, packages, package.folder)
        self._manager = find_manager(survey, self._home, packages[self._home].manifest)

    def app(self) -> App:
        """Return what was found."""
        package, manager = self._package, self._manager
        start = self._start()
        node = newer_node(self._survey, self._home, self._packages[self._home].manifest)
        newer = [f"sudo npm install --global node@{node[0]}"] if node else []
        reasons = [f"{manager.reason}."]
        if node:
            reasons.append(f"{node[1]} asks for Node {node[0]}, newer than the sandbox's own.")
        if self._home != package.folder:
            reasons.append(
                f"{package.path} is a member of the workspace in {place(self._home)}, which is installed there."
            )
        notes = []
        if start.command and start.port is None:
            notes.append(f"The port that `{start.command}` in {place(package.folder)} listens on could not be told.")
        return App(
            name=start.name,
            folder=package.folder,
            rank=start.rank,
            tools=(*newer, *manager.tools),
            install=(Step(manager.install, self._home), *self._builds(package, start)),
            prepare=self._migrations(),
            dev=start.command,
            port=start.port,
            path="node_modules/.bin",
            dependencies=package.dependencies,
            starts_all=start.starts_all,
            why_installed=tuple(reasons),
            why_started=(start.reason,),
            notes=tuple(notes),
        )

    def _start(self) -> _Start:
        return (
            self._script_for_all()
            or self._tool_in_script()
            or self._server()
            or self._tool_without_script()
            or self._any_script()
            or _Start(Rank.PARTS, "Node", None, None, f"{self._package.path} has no script that starts a dev server.")
        )

    def _script_for_all(self) -> _Start | None:
        """A script that starts the package's own parts side by side; the browser's part says the port."""
        below = [other for other in self._packages.values() if other.folder != self._package.folder]
        for name, script in self._scripts():
            if not _ALL.search(script):
                continue
            parts = [_Finder(self._survey, self._packages, other) for other in below if self._is_below(other)]
            found = next((tool for part in [*parts, self] if (tool := part._tool_in_script())), None)
            if found is None:
                return None
            reason = f"{self._package.path} has a script {name} that starts several parts at once: {script!r}."
            return _Start(Rank.FRONTEND, "Node", self._manager.script(name), found.port, reason, starts_all=True)
        return None

    def _tool_in_script(self) -> _Start | None:
        for name, script in self._scripts():
            tool = next((tool for tool in TOOLS if tool.pattern.search(script)), None)
            if tool is None:
                continue
            port, where = self._port_of(tool, script)
            reason = (
                f"{self._package.path} has a script {name} that runs {tool.name}; it listens on port {port} ({where})."
            )
            return _Start(Rank.FRONTEND, tool.name, self._manager.script(name), port, reason)
        return None

    def _tool_without_script(self) -> _Start | None:
        if self._scripts():
            return None
        for tool in TOOLS:
            if tool.dependency not in self._package.dependencies:
                continue
            # Vite comes along with test runners, too; an app of it has a page.
            if tool.name == "Vite" and not self._survey.has(join(self._package.folder, "index.html")):
                continue
            port, where = self._port_of(tool, "")
            reason = f"{self._package.path} depends on {tool.name} and has no script for it; port {port} ({where})."
            command = self._manager.program_of_package(tool.command)
            return _Start(Rank.FRONTEND, tool.name, command, port, reason)
        return None

    def _port_of(self, tool: Tool, script: str) -> tuple[int, str]:
        if port := port_in_script(script):
            return port, "as the script says"
        if configured := port_in_config(self._survey, self._package.folder):
            return configured[0], f"as {configured[1]} says"
        return tool.port, "its default"

    def _server(self) -> _Start | None:
        package = self._package
        name = next((SERVERS[each] for each in SERVERS if each in package.dependencies), None)
        apart = [folder for folder in self._packages if folder != package.folder and is_below(folder, package.folder)]
        found = find_server_port(self._survey, package.folder, apart)
        if name is None and found is None:
            return None
        scripts = self._scripts()
        if scripts and name is None and _PARALLEL.search(scripts[0][1]):
            return None
        if scripts:
            script, text = scripts[0]
            command, what = self._manager.script(script), f"{package.path} has a script {script}: {text!r}"
        elif entry := self._entry():
            text, command = "", f"node {shlex.quote(entry)}"
            what = f"{join(package.folder, entry)} is the entry of {package.path}"
        else:
            return None
        name = name or "Node"
        port = port_in_script(text)
        if port is not None:
            return _Start(Rank.SERVER, name, command, port, f"{what}; it sets port {port}.")
        if found is None:
            return _Start(Rank.SERVER, name, command, None, f"{what}; {name} is among its dependencies.")
        if found.is_set:
            command = f"PORT={found.port} {command}"
        return _Start(Rank.SERVER, name, command, found.port, f"{what}; {found.path} listens on port {found.port}.")

    def _any_script(self) -> _Start | None:
        for name, script in self._scripts():
            reason = f"{self._package.path} has a script {name}: {script!r}."
            return _Start(Rank.SCRIPT, "Node", self._manager.script(name), port_in_script(script), reason)
        return None

    def _scripts(self) -> list[tuple[str, str]]:
        scripts = self._package.scripts
        return [(name, scripts[name]) for name in _SCRIPTS if name in scripts]

    def _entry(self) -> str | None:
        main = self._package.manifest.get("main")
        names = [main] if isinstance(main, str) else []
        names += [
            f"{stem}{suffix}"
            for stem in ("server", "index", "app", "src/index", "src/server")
            for suffix in (".js", ".mjs")
        ]
        return next((name for name in names if self._survey.has(join(self._package.folder, name))), None)

    def _is_below(self, other: _Package) -> bool:
        return is_below(other.folder, self._package.folder)

    def _builds(self, package: _Package, start: _Start) -> list[Step]:
        """Return the builds without which it cannot start: of workspace members that it uses as built, and its own."""
        steps = [
            Step(self._manager.script("build"), other.folder)
            for other in _used_members(self._packages, package)
            if "build" in other.scripts and _is_used_as_built(other)
        ]
        scripts = self._scripts()
        is_run_built = start.rank is Rank.SERVER and scripts and _BUILT.search(scripts[0][1])
        return (
            [*steps, Step(self._manager.script("build"), package.folder)]
            if is_run_built and "build" in package.scripts
            else steps
        )

    def _migrations(self) -> tuple[Step, ...]:
        folder, scripts = self._package.folder, self._package.scripts
        if schema := self._prisma_schema():
            migrations = join(parent(schema), "migrations")
            has_migrations = any(is_below(path, migrations) for path in self._survey.files.paths)
            commands = ("prisma generate", "prisma migrate deploy" if has_migrations else "prisma db push")
            name = schema.removeprefix(f"{folder}/") if folder else schema
            where = "" if name in ("prisma/schema.prisma", "schema.prisma") else f" --schema={shlex.quote(name)}"
            return tuple(Step(self._manager.program_of_package(one + where), folder) for one in commands)
        script = next((name for name in _MIGRATIONS if name in scripts), None)
        return (Step(self._manager.script(script), folder),) if script else ()

    def _prisma_schema(self) -> str | None:
        """Return the schema of the package's own database: where Prisma looks by itself, else the shallowest."""
        if not self._package.dependencies & {"prisma", "@prisma/client"}:
            return None
        folder = self._package.folder
        found = [path for path, _ in self._survey.sources(folder, "schema.prisma")]
        return self._survey.first(folder, "prisma/schema.prisma", "schema.prisma") or next(iter(found), None)


def _home(survey: Survey, packages: dict[str, _Package], folder: str) -> str:
    """Return the folder in which a package is installed: its workspace's root, else its own."""
    roots = [root for root in packages if root != folder and is_below(folder, root)]
    for root in sorted(roots, key=depth_of):
        workspaces = packages[root].manifest.get("workspaces")
        patterns = strings(workspaces) or strings(mapping(workspaces).get("packages"))
        patterns += strings(survey.yaml(join(root, "pnpm-workspace.yaml")).get("packages"))
        if any(fnmatch.fnmatchcase(folder, join(root, pattern)) for pattern in patterns[:_MAX_PATTERNS]):
            return root
    return folder


def _used_members(packages: dict[str, _Package], package: _Package) -> list[_Package]:
    """Return the members of the repository that a package depends on, each after those it needs itself."""
    by_name = {str(other.manifest.get("name")): other for other in packages.values()}
    found: dict[str, _Package] = {}
    under_way = {str(package.manifest.get("name"))}

    def visit(one: _Package) -> None:
        for name in sorted(one.dependencies & by_name.keys()):
            if name not in under_way:
                under_way.add(name)
                visit(by_name[name])
                found[name] = by_name[name]

    visit(package)
    return list(found.values())


def _is_used_as_built(package: _Package) -> bool:
    """Return whether what others import of a package is made by its build."""
    entries = (
        f"{package.manifest.get('main', '')} {package.manifest.get('module', '')} {package.manifest.get('exports', '')}"
    )
    return bool(re.search(r"(?<![\w-])(?:dist|build|lib|out)/", entries))
