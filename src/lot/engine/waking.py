"""Resumes a session: the best rung of the ladder that holds, said plainly; never a pull, never an older generation."""

import time
from collections.abc import Callable
from typing import Any

from lot.core.events import CameBack, SessionEvent
from lot.core.pausing import window_deadline
from lot.core.records import Session
from lot.core.session import AgentState, Trigger
from lot.engine.asking import cut
from lot.engine.concurrently import concurrently
from lot.engine.dev_server import find_newest, take_up_dev_server
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.engine.starting import bring_up_order, ladder, step_events


async def resume_session(
    parts: Parts, moves: Moves, session: Session, holding: Holding, show: Callable[[], None]
) -> Session | None:
    """Carry out RESUMING with a runner that holds the lease; return the session, now on.

    Args:
        show: Called once the sandbox can be reached, before the rest is done.

    Raises:
        LotError: no rung held; the session's state is unchanged.
    """
    began = time.monotonic()
    order = bring_up_order(parts, session, ladder(parts, session))
    brought, newest = await concurrently(lambda: holding.client.bring_up(order), lambda: find_newest(parts, session))
    show()
    rung = "disk" if brought.rung == "disk" else "memory"
    reason = brought.reason
    if rung == "disk" and reason is None:
        reason = session.reason or "there was no hibernation image"
    events: list[SessionEvent] = [
        *step_events(parts, list(brought.steps)),
        CameBack(at=parts.now(), rung=rung, reason=reason, seconds=time.monotonic() - began),
    ]
    if rung == "memory" and _loses_its_connections(session):
        await holding.client.end_agent(session.agent_run)
    lost = await cut(parts, session, reason or "") if rung == "disk" else []
    version, told = await take_up_dev_server(parts, session, holding.client, brought, newest)
    window: dict[str, Any] = {}
    is_woken_to_look = session.agent is not AgentState.RUNNING and not await parts.store.kept_messages(session.id)
    if is_woken_to_look:
        window["pause_at"], window["pause_reason"] = window_deadline(parts.now(), parts.settings)
    return await moves.apply(
        session.id,
        sandbox=Trigger.BOOTED,
        agent=Trigger.TURN_FAILED if lost else None,
        epoch=holding.epoch,
        reason=reason,
        events=[*events, *told, *lost],
        memory_image=None,
        environment_version=version,
        **window,
    )


def _loses_its_connections(session: Session) -> bool:
    """Return whether a session's agent is to be started anew after a restore: its next run continues the conversation.

    Claude speaks over a socket that outlives a restore. Others speak TCP, of which the runtime may tell them nonsense
    afterwards: of three restores of opencode, one went deaf. A turn that is under way goes on all the same.
    """
    is_busy = session.agent in (AgentState.RUNNING, AgentState.WAITING)
    return session.program != "claude" and session.agent_run > 0 and not is_busy
