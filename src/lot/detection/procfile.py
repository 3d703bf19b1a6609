"""Procfile: the processes of an app, by name."""

import re
from dataclasses import dataclass

from lot.detection.repository import Survey

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")
_MAX_PROCESSES = 20
WEB = "web"
_ONCE = ("release",)
"""Processes that a host runs at each deployment, and that end."""


@dataclass(frozen=True, slots=True)
class Procfile:
    """What a Procfile says."""

    path: str
    processes: dict[str, str]

    @property
    def is_for_development(self) -> bool:
        """Whether it was written for work rather than for a host."""
        return self.path == "Procfile.dev"

    @property
    def web(self) -> str | None:
        """The command of the process that answers over HTTP."""
        return self.processes.get(WEB)

    @property
    def others(self) -> dict[str, str]:
        """The processes beside it that go on for ever."""
        return {name: text for name, text in self.processes.items() if name != WEB and name not in _ONCE}


def read_procfile(survey: Survey) -> Procfile | None:
    """Return the repository's Procfile, the one for development first."""
    path = survey.first("", "Procfile.dev", "Procfile")
    if path is None:
        return None
    found = [match for line in survey.text(path).splitlines() if (match := _LINE.match(line.strip()))]
    if not found:
        survey.note(f"{path} names no process, and was passed over.")
        return None
    return Procfile(path, {match[1]: match[2] for match in found[:_MAX_PROCESSES]})
