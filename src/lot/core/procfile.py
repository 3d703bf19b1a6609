"""The Procfile: a line for each process that an app is made of, `name: command`."""

import re

from lot.core.errors import InvalidInputError

WEB = "web"
"""By convention the process that answers over HTTP."""
_LINE = re.compile(r"([A-Za-z0-9_-]+)\s*:\s*(\S.*)")


def parse_procfile(text: str) -> dict[str, str]:
    """Return names and commands in their order; names are written small, with `-` for `_`, as processes are named.

    Raises:
        InvalidInputError: a line is neither a process nor a comment, or a name comes twice; its number is named.
    """
    processes: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise InvalidInputError(f"line {number} is not of the form `name: command`")
        name = found[1].lower().replace("_", "-")
        if name in processes:
            raise InvalidInputError(f"line {number}: there is a process {name} already")
        processes[name] = found[2]
    return processes
