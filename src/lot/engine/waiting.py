"""Waits until a session is as somebody wants it."""

from collections.abc import Callable

import anyio

from lot.core.ids import SessionId
from lot.core.records import Session
from lot.engine.parts import Parts


async def wait_until(
    parts: Parts, session_id: SessionId, is_reached: Callable[[Session], bool], wait_s: float
) -> Session:
    """Return the session once `is_reached`, or as it is when the time is over."""
    session = await parts.store.get_session(session_id)
    with anyio.move_on_after(wait_s):
        while not is_reached(session):
            ticket = parts.bus.ticket(session_id)
            session = await parts.store.get_session(session_id)
            if is_reached(session):
                break
            await ticket.wait()
    return session
