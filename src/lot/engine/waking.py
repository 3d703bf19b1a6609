"""Resumes a session: the best rung of the ladder that holds, said plainly; never a pull, never an older generation."""

import time
from typing import Any

from lot.core.events import CameBack, SessionEvent, TurnFailed
from lot.core.pausing import window_deadline
from lot.core.records import Session
from lot.core.session import AgentState, Trigger
from lot.engine.dev_server import start_dev_server
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.runners import Holding
from lot.engine.starting import ladder, step_events
from lot.runner.protocol import BringUpOrder


async def resume_session(parts: Parts, moves: Moves, session: Session, holding: Holding) -> Session | None:
    """Carry out RESUMING with a runner that holds the lease; return the session, now on.

    Raises:
        LotError: no rung held; the session's state is unchanged.
    """
    began = time.monotonic()
    brought = await holding.client.bring_up(
        BringUpOrder(
            layers=parts.folders.session_layers(session),
            upper=str(parts.folders.layer(session.upper)),
            size=session.size,
            rungs=ladder(parts, session),
        )
    )
    rung = "disk" if brought.rung == "disk" else "memory"
    reason = brought.reason
    if rung == "disk" and reason is None:
        reason = session.reason or "there was no hibernation image"
    events: list[SessionEvent] = [
        *step_events(parts, list(brought.steps)),
        CameBack(at=parts.now(), rung=rung, reason=reason, seconds=time.monotonic() - began),
    ]
    agent = None
    if rung == "disk" and session.agent in (AgentState.RUNNING, AgentState.WAITING):
        events.append(TurnFailed(at=parts.now(), reason=f"the turn was interrupted: {reason}"))
        agent = Trigger.TURN_FAILED
    await start_dev_server(parts, session, holding.client)
    window: dict[str, Any] = {}
    is_woken_to_look = session.agent is not AgentState.RUNNING and not await parts.store.kept_messages(session.id)
    if is_woken_to_look:
        window["pause_at"], window["pause_reason"] = window_deadline(parts.now(), parts.settings)
    return await moves.apply(
        session.id,
        sandbox=Trigger.BOOTED,
        agent=agent,
        epoch=holding.epoch,
        reason=reason,
        events=events,
        memory_image=None,
        **window,
    )
