"""Changes a project's environment and tells the sessions that have other values; restarts nothing."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from lot.core.environment import Environment, Variable, check_environment
from lot.core.errors import EnvironmentChangedError, InvalidInputError, NotFoundError, StaleWriteError
from lot.core.events import EnvironmentChanged
from lot.core.ids import ProjectId
from lot.core.records import Session
from lot.engine.dev_server import is_restart_needed
from lot.engine.moves import Moves
from lot.engine.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is to become of an environment."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    unset: frozenset[str] = frozenset()
    is_replacement: bool = False
    """Whether what is not among `values` goes."""

    def apply(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return values as they are after it.

        Raises:
            InvalidInputError: something is to be unset that is not set, or is to be set as well.
        """
        if both := sorted(self.unset & self.values.keys()):
            raise InvalidInputError(f"{both[0]} is to be both set and unset: leave one out")
        if missing := sorted(self.unset - values.keys()):
            raise InvalidInputError(f"there is no variable {', '.join(missing)} to unset; nothing was changed")
        kept = {} if self.is_replacement else {name: values[name] for name in values if name not in self.unset}
        return {**kept, **self.values}


async def change_environment(
    parts: Parts, moves: Moves, project_id: ProjectId, edit: Edit, seen_version: int | None
) -> tuple[Environment, list[Session]]:
    """Change an environment; return it as it is now, and the sessions whose dev server has other values.

    Args:
        seen_version: Refuse if it has another version; None: change whatever is there.

    Raises:
        EnvironmentChangedError: it has another version. NotFoundError: there is no such project.
        InvalidInputError, TooLargeError: a name, a value or their number is not acceptable; nothing was changed.
    """
    environment, is_changed = await _change(parts, project_id, edit, seen_version)
    outdated = await outdated_sessions(parts, project_id, environment)
    for session in outdated if is_changed else ():
        told = EnvironmentChanged(at=parts.now(), version=environment.version, restart_needed=True)
        with suppress(NotFoundError):
            await moves.tell(session.id, told)
    return environment, outdated


async def outdated_sessions(parts: Parts, project_id: ProjectId, environment: Environment) -> list[Session]:
    """Return the sessions whose dev server has other values."""
    sessions = await parts.store.list_sessions(project_id)
    snapshots = {snapshot.id: snapshot for snapshot in await parts.store.list_snapshots(project_id)}
    return [
        session
        for session in sessions
        if session.snapshot_id in snapshots
        and is_restart_needed(session, snapshots[session.snapshot_id], environment.version)
    ]


async def _change(
    parts: Parts, project_id: ProjectId, edit: Edit, seen_version: int | None
) -> tuple[Environment, bool]:
    while True:
        present = await parts.store.get_environment(project_id)
        if seen_version not in (None, present.version):
            raise EnvironmentChangedError(
                f"the environment of project {project_id} was changed meanwhile (version {present.version}, you saw "
                f"{seen_version}); nothing was saved. Next step: read it again, then save your change"
            )
        values = edit.apply(present.values)
        if values == present.values:
            return present, False
        check_environment(values)
        now = parts.now()
        fresh = {name: Variable(value=value, changed_at=now) for name, value in values.items()}
        same = {name: one for name, one in present.variables.items() if values.get(name) == one.value}
        with suppress(StaleWriteError):
            return await parts.store.set_environment(project_id, {**fresh, **same}, present.version), True
