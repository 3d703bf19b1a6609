"""Frees what a deleted session held on the host; its rows are gone by then, so that nothing can revive it."""

import structlog
from anyio import move_on_after

from lot.core.errors import LotError
from lot.core.ids import RunnerId
from lot.core.records import Session
from lot.engine.parts import Parts
from lot.engine.reaping import reap_folders
from lot.engine.runners import Holding
from lot.engine.worker import SessionWorker

logger = structlog.get_logger(__name__)

DELETE_LIMIT_S = 60.0


async def free(parts: Parts, session: Session, worker: SessionWorker | None, holding: Holding | None) -> None:
    """End a session's worker, runners and sandbox, and remove its disk and branches of the mirror; bounded.

    Args:
        holding: The runner that served it when its rows were removed.
    """
    with move_on_after(DELETE_LIMIT_S, shield=True):
        if worker is not None:
            await worker.stop()
        if holding is not None:
            try:
                await holding.client.destroy_sandbox()
            except LotError as error:
                logger.info("ignored while deleting", error=str(error))
        for handle in await parts.fleet.list_runners():
            await _stop_if_serving(parts, handle.runner, session)
        await parts.fleet.reap_sandbox(session.sandbox)
        await parts.mirrors.delete_session_refs(session.project_id, session.id)
        await parts.store.drop_unused_snapshots()
        await reap_folders(parts)


async def _stop_if_serving(parts: Parts, runner: RunnerId, session: Session) -> None:
    found = await parts.fleet.find(runner)
    if found is None:
        return
    try:
        state = await found[1].state()
    except LotError:
        return
    if state.assignment_id == session.id:
        await parts.fleet.stop(runner)
