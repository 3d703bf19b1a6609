"""Tells readers of a transcript that there is more; carries no data, as readers read the store."""

from collections.abc import AsyncIterator

import anyio

from lot.core.events import StoredEvent
from lot.core.ids import SessionId
from lot.store.store import Store


class Bus:
    """Wakes whoever follows a session, within this process."""

    def __init__(self) -> None:
        self._tickets: dict[SessionId, anyio.Event] = {}

    def ticket(self, session: SessionId) -> anyio.Event:
        """Return an event that is set by the next `publish`. Take it before reading the store."""
        return self._tickets.setdefault(session, anyio.Event())

    def publish(self, session: SessionId) -> None:
        """Wake everybody who holds a ticket of this session."""
        ticket = self._tickets.pop(session, None)
        if ticket is not None:
            ticket.set()


async def follow(store: Store, bus: Bus, session: SessionId, after: int) -> AsyncIterator[StoredEvent]:
    """Yield a session's events from number `after + 1` on, then what comes, without gap or double.

    Raises:
        NotFoundError: there is no such session, or it was deleted meanwhile.
    """
    while True:
        ticket = bus.ticket(session)
        page = await store.read_events(session, after=after)
        for stored in page:
            yield stored
            after = stored.number
        if not page:
            await store.get_session(session)
            await ticket.wait()
