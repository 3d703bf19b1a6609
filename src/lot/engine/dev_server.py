"""How a session's dev server is started, from its snapshot's command and the project's environment."""

from lot.core.records import Session
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient
from lot.runner.protocol import DevOrder


async def start_dev_server(parts: Parts, session: Session, client: RunnerClient, *, restart: bool = False) -> None:
    """Start the dev server, or just watch it where it runs already; returns before it answers.

    Args:
        restart: End the one that runs first.
    """
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    if not snapshot.dev_command:
        return
    environment = await parts.store.get_environment(session.project_id)
    await client.start_dev(
        DevOrder(command=snapshot.dev_command, port=snapshot.port, environment=environment, restart=restart)
    )
