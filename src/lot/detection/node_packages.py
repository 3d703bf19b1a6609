"""Package managers of Node: which one a repository uses, how it gets into the sandbox, and its commands.

All of them are installed from the npm registry: corepack fetches from hosts of its own, which a sandbox may not reach.
"""

import re
import shlex
from dataclasses import dataclass
from typing import Any

from lot.detection.repository import Survey, join, mapping

BASE_NODE = 20
"""Major version of the base image's Node."""
LOCK_FILES = ("pnpm-lock.yaml", "bun.lock", "bun.lockb", "yarn.lock", "package-lock.json", "npm-shrinkwrap.json")

_BY_LOCK = {
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "yarn.lock": "yarn",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
_PINNED = re.compile(r"(npm|yarn|pnpm|bun)@(\d[\w.-]*)")
_VERSION = re.compile(r"[\^~]?\d[\w.-]*")
_PNPM_LOCK = re.compile(r"^lockfileVersion:\s*'?(\d+)", re.MULTILINE)
_BERRY_LOCK = re.compile(r"^__metadata:\s*\n\s+version:\s*(\d+)", re.MULTILINE)
_CLASSIC = "1.22.22"
_MAJOR = re.compile(r"(?<![\d.])(\d{1,2})(?!\d)(?:\.[\dx*]+)*")
_UPPER_BOUND = re.compile(r"<=?\s*[\d.]+")
_CODENAMES = {"jod": 22, "krypton": 24}


@dataclass(frozen=True, slots=True)
class PackageManager:
    """One package manager at one version, for one folder with a package.json."""

    name: str
    lock: str | None
    """Path of the lock file."""
    reason: str
    program: str | None = None
    """The npm package, with its version, that brings the program; None: it is in the base image."""
    is_berry: bool = False
    """Whether it is a Yarn of today, whose options differ from those of Yarn 1."""

    @property
    def tools(self) -> list[str]:
        """Return the command that brings the program."""
        return [f"sudo npm install --global {shlex.quote(self.program)}"] if self.program else []

    @property
    def install(self) -> str:
        """Return the command that installs the dependencies."""
        if self.name == "npm":
            return "npm ci" if self.lock else "npm install"
        if not self.lock:
            return f"{self.name} install"
        return f"{self.name} install {'--immutable' if self.is_berry else '--frozen-lockfile'}"

    def script(self, name: str) -> str:
        """Return the command that runs a script of package.json."""
        return "npm start" if (self.name, name) == ("npm", "start") else f"{self.name} run {shlex.quote(name)}"

    def program_of_package(self, command: str) -> str:
        """Return the command that runs a program which a dependency brings."""
        return {"npm": f"npx {command}", "pnpm": f"pnpm exec {command}", "bun": f"bunx {command}"}.get(
            self.name, f"yarn run {command}"
        )


def find_manager(survey: Survey, folder: str, manifest: dict[str, Any]) -> PackageManager:
    """Return the package manager of a folder: as package.json names it, else as its lock file shows."""
    lock = survey.first(folder, *LOCK_FILES)
    path = join(folder, "package.json")
    if named := _named(manifest):
        name, version = named
        lock = next((one for one in LOCK_FILES if _BY_LOCK[one] == name and survey.has(join(folder, one))), None)
        reason = f"{path} names {name} as its package manager"
        return _manager(survey, folder, name, version, join(folder, lock) if lock else None, reason)
    if lock is None:
        return PackageManager("npm", None, f"{path} has no lock file beside it, so npm installs what it finds newest")
    name = _BY_LOCK[lock.rpartition("/")[2]]
    return _manager(survey, folder, name, None, lock, f"{lock} is {name}'s lock file")


def newer_node(survey: Survey, folder: str, manifest: dict[str, Any]) -> tuple[int, str] | None:
    """Return the major version of Node that is asked for, and by which file, if the base image's is too old."""
    asked = [
        (survey.text(path).strip().lstrip("v").removeprefix("lts/"), path)
        for name in (".nvmrc", ".node-version")
        if (path := join(folder, name))
    ]
    asked.append((str(mapping(manifest.get("engines")).get("node", "")), join(folder, "package.json")))
    for text, path in asked:
        # Of alternatives the lowest counts: where the base image's fits one of them, nothing is needed.
        majors = [int(found) for found in _MAJOR.findall(_UPPER_BOUND.sub("", text))]
        wanted = _CODENAMES.get(text) or min(majors, default=None)
        if wanted is not None and wanted > BASE_NODE:
            return wanted, path
    return None


def _named(manifest: dict[str, Any]) -> tuple[str, str] | None:
    if found := _PINNED.match(str(manifest.get("packageManager", ""))):
        return found[1], found[2]
    asked = mapping(mapping(manifest.get("devEngines")).get("packageManager"))
    name, version = str(asked.get("name", "")), str(asked.get("version", ""))
    if name in ("npm", "yarn", "pnpm", "bun") and _VERSION.fullmatch(version):
        return name, version
    return None


def _manager(
    survey: Survey, folder: str, name: str, version: str | None, lock: str | None, reason: str
) -> PackageManager:
    if name == "npm":
        return PackageManager(name, lock, reason)
    if name == "bun":
        return PackageManager(name, lock, reason, f"bun@{version}" if version else "bun")
    if name == "pnpm":
        return PackageManager(name, lock, reason, f"pnpm@{version or _pnpm_version(survey, folder)}")
    version = version or _yarn_version(survey, folder)
    is_berry = not version.lstrip("^~").startswith(("0.", "1."))
    program = f"@yarnpkg/cli-dist@{version}" if is_berry else f"yarn@{version}"
    return PackageManager(name, lock, reason, program, is_berry)


def _pnpm_version(survey: Survey, folder: str) -> str:
    """Return the major version that wrote the lock file."""
    found = _PNPM_LOCK.search(survey.text(join(folder, "pnpm-lock.yaml"))[:1000])
    by_lock = {"5": "7", "6": "8"}.get(found[1] if found else "")
    if by_lock:
        return by_lock
    # Versions 9 and 10 write the same format; only 10 reads settings from the workspace file.
    settings = survey.yaml(join(folder, "pnpm-workspace.yaml"))
    return "10" if settings.keys() - {"packages", "catalog", "catalogs"} else "9"


def _yarn_version(survey: Survey, folder: str) -> str:
    found = _BERRY_LOCK.search(survey.text(join(folder, "yarn.lock"))[:2000])
    if found:
        return "4" if int(found[1]) >= 8 else "3"
    return "4" if survey.has(join(folder, ".yarnrc.yml")) else _CLASSIC
