"""What a project's commands must be among each other, and when a snapshot was made with others."""

from collections.abc import Mapping
from typing import Any

from lot.core.errors import InvalidInputError
from lot.core.records import Project, Snapshot, SnapshotState


def require_dev_command(project: Project, changes: Mapping[str, Any]) -> None:
    """Do nothing where what runs beside a dev server has one, once a project is changed.

    Raises:
        InvalidInputError: there would be processes and no dev command.
    """
    processes = changes.get("processes", project.processes)
    if processes and not changes.get("dev_command", project.dev_command):
        raise InvalidInputError(
            f"{', '.join(processes)} would run beside a dev server that there is none of: "
            "give a dev command, or take the processes away, too"
        )


def is_retry_needed(project: Project, newest: Snapshot | None) -> bool:
    """Return whether a project's commands or port were changed since its newest snapshot was begun.

    A port that the project leaves open is found by the build.
    """
    if newest is None:
        return True
    if newest.state is SnapshotState.PREPARING:
        return False  # an agent finds the commands out
    has_port = project.port is None or project.port == newest.port
    return _commands(project) != _commands(newest) or not has_port


def _commands(of: Project | Snapshot) -> tuple[str | None, str | None, dict[str, str]]:
    return of.setup_command, of.dev_command, dict(of.processes)
