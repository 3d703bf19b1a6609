"""Keeps the rows of asks in step with the events that tell of them, within the events' own transaction."""

from collections.abc import Sequence

from sqlalchemy import insert, select, update

from lot.core.asks import AskKind
from lot.core.events import AskClosed, PermissionAsked, PlanProposed, QuestionAsked, SessionEvent, StoredEvent
from lot.core.ids import SessionId
from lot.core.records import AskState
from lot.store import tables
from lot.store.database import Transaction

asks, sessions = tables.asks, tables.sessions

_STATES = {"taken": AskState.TAKEN, "withdrawn": AskState.WITHDRAWN}


async def without_idle_closings(
    transaction: Transaction, session_id: SessionId, new: Sequence[SessionEvent]
) -> list[SessionEvent]:
    """Return events without those that close what is not open, which say nothing; locks the session's row for it."""
    closings = {event.ask_id for event in new if isinstance(event, AskClosed)}
    if not closings:
        return list(new)
    await transaction.execute(select(sessions.c.id).where(sessions.c.id == session_id).with_for_update())
    query = select(asks.c.id).where(
        asks.c.session_id == session_id,
        asks.c.id.in_(closings),
        asks.c.state.in_((AskState.OPEN, AskState.ANSWERED)),
    )
    pending = set(await transaction.scalars(query)) | {ask_id for event in new if (ask_id := _asked(event))}
    kept: list[SessionEvent] = []
    for event in new:
        if isinstance(event, AskClosed):
            if event.ask_id not in pending:
                continue
            pending.discard(event.ask_id)
        kept.append(event)
    return kept


async def keep_asks(transaction: Transaction, session_id: SessionId, stored: Sequence[StoredEvent]) -> None:
    """Make and close the rows that stored events tell of."""
    for number, event in ((one.number, one.event) for one in stored):
        kind = _KINDS.get(type(event))
        if kind is not None and (ask_id := _asked(event)):
            await _open(transaction, session_id, ask_id, kind, number, event)
        elif isinstance(event, AskClosed):
            closed = (
                update(asks)
                .where(asks.c.session_id == session_id, asks.c.id == event.ask_id)
                .values(state=_STATES[event.outcome])
            )
            await transaction.execute(closed)


async def _open(
    transaction: Transaction, session_id: SessionId, ask_id: str, kind: AskKind, number: int, event: SessionEvent
) -> None:
    """Open an ask; one that a later run of the agent asks again is open again."""
    run = select(sessions.c.agent_run).where(sessions.c.id == session_id).scalar_subquery()
    values = {"run": run, "kind": kind, "event": number, "state": AskState.OPEN, "asked_at": event.at}
    again = (
        update(asks)
        .where(asks.c.session_id == session_id, asks.c.id == ask_id)
        .values(values | {"answer": None, "answered_at": None})
    )
    if (await transaction.execute(again)).rowcount == 0:
        await transaction.execute(insert(asks).values(values | {"session_id": session_id, "id": ask_id}))


def _asked(event: SessionEvent) -> str | None:
    return event.ask_id if isinstance(event, QuestionAsked | PlanProposed | PermissionAsked) else None


_KINDS: dict[type, AskKind] = {QuestionAsked: "question", PlanProposed: "plan", PermissionAsked: "permission"}
