"""Makes shell scripts of single commands. Names from a repository are quoted before they come here."""

import shlex
from collections.abc import Mapping, Sequence

from lot.detection.app import Step

_UPDATE = "sudo apt-get update"
_INSTALL = "sudo DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends"


def apt_install(packages: Sequence[str]) -> str:
    """Return the command that installs Debian packages."""
    return f"{_UPDATE} && {_INSTALL} {' '.join(packages)}"


def in_folder(folder: str, command: str) -> str:
    """Return a command that runs in a folder of the workspace."""
    return f"cd {shlex.quote(folder)} && {command}" if folder else command


def exports(environment: Mapping[str, str]) -> list[str]:
    """Return lines that set variables where nobody has set them."""
    return [f'export {name}="${{{name}:-{value}}}"' for name, value in environment.items()]


def setup_script(before: Sequence[str], steps: Sequence[Step]) -> str | None:
    """Return one script that stops at the first failure; None when there is nothing to do."""
    folders = {step.folder for step in steps}
    if not before and len(folders) == 1 and "" not in folders:
        return in_folder(folders.pop(), " && ".join(step.command for step in steps))
    lines = [
        *before,
        *(f"({in_folder(step.folder, step.command)})" if step.folder else step.command for step in steps),
    ]
    return "\n".join(["set -e", *lines] if len(lines) > 1 else lines) or None
