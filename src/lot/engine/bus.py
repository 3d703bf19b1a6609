"""Tells readers of a transcript that there is more; carries no events, as readers read those from the store."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import anyio

from lot.core.events import LivePart, StoredEvent
from lot.core.ids import SessionId
from lot.engine.live import Change, LiveDesk
from lot.engine.overview import Overview
from lot.store.store import Store


class Bus:
    """Wakes whoever follows a session, within this process.

    `live` has what is not stored; `overview` tells those who watch all sessions and projects which has changed.
    """

    def __init__(self) -> None:
        self._tickets: dict[SessionId, anyio.Event] = {}
        self.live = LiveDesk()
        self.overview = Overview()

    def ticket(self, session: SessionId) -> anyio.Event:
        """Return an event that is set by the next `publish`. Take it before reading the store."""
        return self._tickets.setdefault(session, anyio.Event())

    def publish(self, session: SessionId) -> None:
        """Wake everybody who follows this session or holds a ticket of it."""
        ticket = self._tickets.pop(session, None)
        if ticket is not None:
            ticket.set()
        self.live.tell_news(session)
        self.overview.session(session)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events of a transcript that follow each other, as they were read together: at least one."""

    events: Sequence[StoredEvent]


Told = Stretch | tuple[LivePart, ...] | Change
"""What a follower of a session is told."""


async def follow(store: Store, bus: Bus, session: SessionId, after: int) -> AsyncIterator[Told]:
    """Yield a session's events from number `after + 1` on, then what comes, without gap or double; and live parts.

    Parts come after the events that were told before them, and never after the event that takes their place. Between
    them comes what of the session has changed beside its events.

    Raises:
        NotFoundError: there is no such session, or it was deleted meanwhile.
    """
    with bus.live.reading(session) as reader:
        while True:
            if reader.take_news():
                before = after
                while page := await store.read_events(session, after=after):
                    for stored in page:
                        reader.note(stored)
                    yield Stretch(page)
                    after = page[-1].number
                if after == before:
                    await store.get_session(session)
            if parts := reader.take(after):
                yield tuple(parts)
            elif changes := reader.take_changes():
                for change in changes:
                    yield change
            else:
                await reader.wait()
