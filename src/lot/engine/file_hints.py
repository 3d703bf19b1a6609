"""Tells a session's readers that its files have changed, so that they read its diff anew; without readers, nothing."""

import anyio
import structlog

from lot.core.errors import LotError
from lot.core.ids import SessionId
from lot.engine.live import Change, LiveDesk
from lot.runner.client import RunnerClient

logger = structlog.get_logger(__name__)


async def hint_at_files(live: LiveDesk, session: SessionId, client: RunnerClient) -> None:
    """Pass a sandbox's changes on to those who follow its session, until cancelled."""
    while True:
        await live.until_followed(session, True)
        async with anyio.create_task_group() as group:
            group.start_soon(_pass_on, live, session, client)
            await live.until_followed(session, False)
            group.cancel_scope.cancel()


async def _pass_on(live: LiveDesk, session: SessionId, client: RunnerClient) -> None:
    try:
        async for _ in client.file_changes():
            live.tell_change(session, Change.DIFF)
    except LotError as error:
        # Whoever is connected to the sandbox learns why; hints come again with the next reader, or connection.
        logger.info("files are no longer followed", session_id=session, error=str(error))
