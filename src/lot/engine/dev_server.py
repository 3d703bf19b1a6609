"""How a session's dev server is started, from its snapshot's command and the project's environment."""

from lot.core.records import Session, Snapshot
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient
from lot.runner.protocol import DevOrder, DevProcess


async def restart_dev_server(parts: Parts, session: Session, client: RunnerClient) -> None:
    """End the dev server and start it again; returns before it answers."""
    order = await find_dev_order(parts, session, restart=True)
    if order is not None:
        await client.start_dev(order)


async def find_dev_order(parts: Parts, session: Session, *, restart: bool = False) -> DevOrder | None:
    """Return how the dev server is started, or just watched where it runs already; None when there is none.

    Args:
        restart: End the one that runs first.
    """
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    if not snapshot.dev_command:
        return None
    environment = await parts.store.get_environment(session.project_id)
    return DevOrder(
        command=snapshot.dev_command,
        port=snapshot.port,
        environment=environment,
        restart=restart,
        processes=beside(snapshot),
    )


def beside(snapshot: Snapshot) -> tuple[DevProcess, ...]:
    """Return what runs beside the dev server of a snapshot's sessions, in order."""
    return tuple(DevProcess(name=name, command=command) for name, command in snapshot.processes.items())
