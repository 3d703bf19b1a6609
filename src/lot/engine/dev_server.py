"""A session's dev server: how it is started, with which values, and whether it still has old ones.

`.env` is always written before a dev server is started with other values than it says.
"""

from dataclasses import dataclass

from lot.core.environment import Environment
from lot.core.errors import GitError, RepositoryError
from lot.core.events import EnvironmentChanged, Notice, SessionEvent
from lot.core.ids import SessionId
from lot.core.records import Session, Snapshot
from lot.core.session import SandboxState
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.runner.client import RunnerClient
from lot.runner.protocol import BringUpResult, DevOrder, DevProcess, SyncOrder

_UP = ("starting", "answering", "silent")


async def restart_dev_server(parts: Parts, moves: Moves, session_id: SessionId, holding: Holding) -> bool:
    """Write `.env` anew, then end the dev server and start it again; one call for a session at a time.

    Returns before it answers, and whether there is a dev server at all.

    Raises:
        GitError: `.env` could not be written; the dev server goes on as it was.
    """
    session = await parts.store.get_session(session_id)
    environment = await parts.store.get_environment(session.project_id)
    await _write_dotenv(session, holding.client, environment)
    order = await find_dev_order(parts, session, environment, restart=True)
    if order is not None:
        await holding.client.start_dev(order)
    told = EnvironmentChanged(at=parts.now(), version=environment.version, restart_needed=False)
    has_others = session.environment_version != environment.version
    await moves.note(
        session_id,
        epoch=holding.epoch,
        events=[told] if has_others else [],
        environment_version=environment.version,
    )
    parts.bus.publish(session_id)
    return order is not None


async def take_up_dev_server(
    parts: Parts, session: Session, client: RunnerClient, brought: BringUpResult, newest: "Newest"
) -> tuple[int | None, list[SessionEvent]]:
    """Have the dev server of a session that was resumed up; return which environment it has, and what to tell.

    One that came back with the memory keeps its values; one that has to be started gets the newest.
    """
    version, order = session.environment_version, newest.order
    is_newest = version == newest.environment.version
    events: list[SessionEvent] = []
    if brought.rung == "disk" or not (is_newest or order is None or await _is_up(client)):
        try:
            await _write_dotenv(session, client, newest.environment)
            version = newest.environment.version
        except (GitError, RepositoryError) as error:
            # Whatever was done to the repository in there, its user must be able to come and look.
            events.append(Notice(at=parts.now(), text=f"the environment variables were not written to .env: {error}"))
    if order is not None:
        await client.start_dev(order)
    return version, events


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest environment of a session's project, and how its dev server is started with it."""

    environment: Environment
    order: DevOrder | None


async def find_newest(parts: Parts, session: Session) -> Newest:
    """Return what a dev server that is started now gets."""
    environment = await parts.store.get_environment(session.project_id)
    return Newest(environment, await find_dev_order(parts, session, environment))


async def find_dev_order(
    parts: Parts, session: Session, environment: Environment, *, restart: bool = False
) -> DevOrder | None:
    """Return how the dev server is started, or just watched where it runs already; None when there is none.

    Args:
        restart: End the one that runs first.
    """
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    if not snapshot.dev_command or session.is_bare:
        return None
    return DevOrder(
        command=snapshot.dev_command,
        port=snapshot.port,
        environment=environment.values,
        restart=restart,
        processes=beside(snapshot),
    )


def beside(snapshot: Snapshot) -> tuple[DevProcess, ...]:
    """Return what runs beside the dev server of a snapshot's sessions, in order."""
    return tuple(DevProcess(name=name, command=command) for name, command in snapshot.processes.items())


def came_with_others(session: Session, snapshot: Snapshot, brought: BringUpResult, environment: Environment) -> bool:
    """Return whether a sandbox that was just started came with a dev server that has other values than the newest.

    A snapshot's memory holds placeholders for the values it was built with. What a start that was cut off did is not
    known.
    """
    if brought.rung == "disk":
        return False
    if session.environment_version is None:
        has_placeholders = snapshot.manifest is not None and bool(snapshot.manifest.environment_keys)
        return brought.rung == "adopt" or has_placeholders or bool(environment.variables)
    return session.environment_version != environment.version


def is_restart_needed(session: Session, snapshot: Snapshot, version: int) -> bool:
    """Return whether a session's dev server has other values than its project, whose environment has this version.

    One that will be started anew anyway needs none.
    """
    is_in_memory = session.sandbox_state in (SandboxState.ON, SandboxState.PAUSING) or (
        session.sandbox_state in (SandboxState.PAUSED, SandboxState.RESUMING) and session.memory_image is not None
    )
    has_dev_server = bool(snapshot.dev_command) and not session.is_bare
    return has_dev_server and is_in_memory and session.environment_version != version


async def _write_dotenv(session: Session, client: RunnerClient, environment: Environment) -> None:
    # A workspace that was started once stays at its code; only `.env` is brought up to date.
    await client.sync(
        SyncOrder(base_branch=session.base_branch, session_branch=session.branch, environment=environment.values)
    )


async def _is_up(client: RunnerClient) -> bool:
    return (await client.dev_status()).status in _UP
