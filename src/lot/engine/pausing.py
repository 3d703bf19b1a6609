"""Pauses a session: its diff and logs are kept for reading, its memory saved, its runner let go."""

from collections.abc import Awaitable, Callable

import structlog
from anyio import create_task_group, move_on_after

from lot.core.errors import HostFullError, LotError, PauseFailedError, SandboxUnavailableError
from lot.core.ids import ImageId
from lot.core.records import Session
from lot.core.session import Trigger
from lot.engine.diffs import keep_diff
from lot.engine.logs import keep_logs, keep_processes
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding, let_go
from lot.engine.starting import step_events
from lot.runner.client import RunnerClient

logger = structlog.get_logger(__name__)

KEEPING_TIMEOUT_S = 10.0
BEING_FORKED = "being forked"
"""Why a session is paused that goes on at once: nothing of it is kept for reading."""


async def pause_session(parts: Parts, moves: Moves, session: Session, holding: Holding) -> None:
    """Carry out PAUSING with the runner that serves the session.

    Afterwards the session is paused, or still on with the reason when the host has no room for its memory.

    Raises:
        RunnerGoneError: the runner died; whether its image is complete is for `settle_pause` to find.
    """
    image, gone = pause_image(session), None
    if session.reason != BEING_FORKED:
        with move_on_after(KEEPING_TIMEOUT_S):
            await _keep_for_reading(parts, session, holding)
    try:
        paused = await holding.client.pause(str(parts.folders.image(image)))
    except HostFullError as error:
        await moves.apply(session.id, sandbox=Trigger.PAUSE_REFUSED, epoch=holding.epoch, reason=str(error))
        return
    except (PauseFailedError, SandboxUnavailableError) as error:
        reason = f"its memory could not be saved, its disk is safe: {error}"
        await moves.apply(session.id, sandbox=Trigger.SANDBOX_LOST, epoch=holding.epoch, reason=reason)
        gone = session.sandbox
    else:
        await moves.apply(
            session.id,
            sandbox=Trigger.PAUSE_DONE,
            epoch=holding.epoch,
            reason=session.reason,
            events=step_events(parts, list(paused.steps)),
            memory_image=image,
        )
    await let_go(parts, "session", session.id, holding, destroy=gone)


def pause_image(session: Session) -> ImageId:
    """Return the name of the image that this epoch's pause makes, so that a restart can find it."""
    return ImageId(f"{session.id}-{session.lease.epoch}")


async def settle_pause(parts: Parts, moves: Moves, session: Session, holding: Holding) -> None:
    """Finish a pause whose runner died: join its checkpoint if that goes on, take its image if that was completed.

    Args:
        session: As it was before `holding` claimed it; its epoch names the image.
        holding: A fresh runner; let go at the end.
    """
    image = pause_image(session)
    try:
        await holding.client.pause(str(parts.folders.image(image)))
    except LotError as error:
        reason = f"the runner died while it saved the sandbox's memory ({error}); its disk is safe"
        await let_go(parts, "session", session.id, holding, destroy=session.sandbox)
        await moves.apply(session.id, sandbox=Trigger.SANDBOX_LOST, reason=reason)
        return
    await moves.apply(
        session.id,
        sandbox=Trigger.PAUSE_DONE,
        epoch=holding.epoch,
        reason=session.reason,
        memory_image=image,
    )
    await let_go(parts, "session", session.id, holding)


async def _keep_for_reading(parts: Parts, session: Session, holding: Holding) -> None:
    """Keep diff, logs and processes, side by side: what the one lacks is no reason to do without the other."""

    async def keep(what: Callable[[Parts, Session, RunnerClient], Awaitable[object]]) -> None:
        try:
            await what(parts, session, holding.client)
        except LotError as error:
            logger.warning("not kept for reading", what=what.__name__, session_id=session.id, error=str(error))

    async with create_task_group() as group:
        group.start_soon(keep, keep_diff)
        group.start_soon(keep, keep_logs)
        group.start_soon(keep, keep_processes)
