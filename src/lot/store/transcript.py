"""A session's numbered events: writing them in a transaction, exactly-once intake from the agent, reading.

Numbers come from `sessions.events`, raised in the transaction that inserts the events: its row lock makes them gapless
and puts them in the order of commits, so a reader who has seen number N has seen everything before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import PydanticSerializationError
from sqlalchemy import ColumnElement, Table, case, insert, literal, select, true, update

from lot.core.errors import NotFoundError, StaleEpochError, StaleWriteError
from lot.core.events import EVENT, AgentGone, MessageDelivered, SessionEvent, StoredEvent
from lot.core.ids import MessageId, SessionId
from lot.core.records import Delivery, FileLines, Session
from lot.core.session import AgentState
from lot.store import tables
from lot.store.activity import activity_of
from lot.store.agent_output import keep_files, keep_lines
from lot.store.ask_rows import keep_asks, without_idle_closings
from lot.store.columns import Instant, without_surrogates
from lot.store.database import Database, Transaction
from lot.store.rows import changed_columns, session_from

sessions, events, messages = tables.sessions, tables.events, tables.messages


class TranscriptStore(Database):
    """Events of sessions."""

    async def append_events(self, session_id: SessionId, new: Sequence[SessionEvent]) -> list[StoredEvent]:
        """Number events and add them to a transcript.

        Raises:
            NotFoundError: there is no such session.
        """
        async with self._writing() as transaction:
            return await append(transaction, session_id, new)

    async def append_agent_events(
        self,
        session_id: SessionId,
        *,
        epoch: int,
        run: int,
        from_offset: int,
        to_offset: int,
        events: Sequence[SessionEvent],
        now: datetime,
        agent: AgentState | None = None,
        delivered: Sequence[MessageId] = (),
        lines: str = "",
        files: Sequence[FileLines] = (),
        **fields: Any,
    ) -> tuple[Session, list[StoredEvent]] | None:
        """Take in what the agent wrote between two offsets of its journal, exactly once.

        The session's place in the journal moves on in the same transaction, so a caller that was cut off may simply
        repeat. `MessageDelivered` comes before `events`. The session's version grows only with `fields` or another
        state of the agent, so that a streaming agent does not make every decision about its session stale.

        Args:
            run: Which start of the agent program the journal belongs to.
            to_offset: The same as `from_offset` when there is nothing new but the program's end; a run whose
                `AgentGone` is stored ends no second time.
            agent: The agent's new state.
            delivered: Messages that the agent took into its turn; those that were delivered before are left out.
            lines: What it printed between the offsets, as far as it is worth keeping.
            files: What it added to its own transcript.
            fields: Other attributes of `Session` to change.

        Returns:
            The session and the stored events; None for a repeat, which changes nothing.

        Raises:
            ValueError: `to_offset` is before `from_offset`.
            NotFoundError: there is no such session.
            StaleEpochError: another runner has the session.
            StaleWriteError: the offsets do not follow what is stored; go on from the stored place.
        """
        if to_offset < from_offset:
            raise ValueError(f"the journal does not run backwards from byte {from_offset} to {to_offset}")
        changes = _agent_changes(agent, fields, now) | {"agent_offset": to_offset}
        if any(isinstance(event, AgentGone) for event in events):
            changes |= {"agent_gone_run": run}
        async with self._writing() as transaction:
            events = await without_idle_closings(transaction, session_id, events)
            moved = (
                update(sessions)
                .where(sessions.c.id == session_id, sessions.c.epoch == epoch, *_is_next(run, from_offset, to_offset))
                .values(changes | {"events": sessions.c.events + len(events)} | activity_of(events, sessions.c.events))
                .returning(sessions)
            )
            row = (await transaction.execute(moved)).mappings().first()
            if row is None:
                await _refuse_unless_repeat(transaction, session_id, epoch, run, to_offset)
                return None
            session = session_from(row)
            await keep_lines(transaction, session_id, run, from_offset, lines)
            await keep_files(transaction, session_id, files)
            if not delivered:
                return session, await insert_events(transaction, session_id, session.events, events)
            confirmed = await confirm_delivery(transaction, session_id, delivered, now)
            return await _insert_after(transaction, session, confirmed, events)

    async def read_events(self, session_id: SessionId, after: int = 0, limit: int = 500) -> list[StoredEvent]:
        """Return up to `limit` events with numbers above `after`, in order; none of a session that does not exist."""
        query = (
            select(events.c.number, events.c.body)
            .where(events.c.session_id == session_id, events.c.number > after)
            .order_by(events.c.number)
            .limit(limit)
        )
        async with self._reading() as transaction:
            rows = (await transaction.execute(query)).all()
        return [StoredEvent(number=row.number, event=EVENT.validate_json(row.body)) for row in rows]

    async def events_of_kind(self, session_id: SessionId, kind: str) -> list[StoredEvent]:
        """Return all events of a kind, in order; for kinds of which there are few."""
        query = (
            select(events.c.number, events.c.body)
            .where(events.c.session_id == session_id, events.c.kind == kind)
            .order_by(events.c.number)
        )
        async with self._reading() as transaction:
            rows = (await transaction.execute(query)).all()
        return [StoredEvent(number=row.number, event=EVENT.validate_json(row.body)) for row in rows]

    async def copy_transcript(self, parent_id: SessionId, child_id: SessionId, up_to: int) -> None:
        """Give a fork the events of its parent, 1 to `up_to`, its diff, and what its agent asked and printed.

        Later events of the fork are numbered on.

        Raises:
            NotFoundError: there is no such child.
            StaleWriteError: the child has events already, or the parent has not got that many.
        """
        async with self._writing() as transaction:
            await _start_copy(transaction, child_id, up_to)
            for table in (tables.diffs, tables.asks, tables.agent_lines, tables.agent_files):
                await _copy_rows(transaction, table, parent_id, child_id)
            copied = await _copy_rows(transaction, events, parent_id, child_id, events.c.number <= up_to)
            if copied != up_to:
                raise StaleWriteError(f"session {parent_id} has {copied} events, not {up_to}")


def _agent_changes(agent: AgentState | None, fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    moved = {} if agent is None else {"agent": agent}
    changes = changed_columns(Session, fields) | moved
    if not changes:
        return {}
    is_change = true() if fields else sessions.c.agent != agent
    return changes | {
        "version": sessions.c.version + case((is_change, 1), else_=0),
        "changed_at": case((is_change, literal(now, Instant())), else_=sessions.c.changed_at),
    }


def _is_next(run: int, from_offset: int, to_offset: int) -> list[ColumnElement[bool]]:
    """Return the conditions under which a stretch of an agent's journal is news."""
    follows = [sessions.c.agent_run == run, sessions.c.agent_offset == from_offset]
    if to_offset == from_offset:
        follows.append(sessions.c.agent_gone_run.is_distinct_from(run))
    return follows


async def append(transaction: Transaction, session_id: SessionId, new: Sequence[SessionEvent]) -> list[StoredEvent]:
    """Number and insert events within a transaction; locks the session's row."""
    new = await without_idle_closings(transaction, session_id, new)
    taken = (
        update(sessions)
        .where(sessions.c.id == session_id)
        .values({"events": sessions.c.events + len(new)} | activity_of(new, sessions.c.events))
        .returning(sessions.c.events)
    )
    last = await transaction.scalar(taken)
    if last is None:
        raise NotFoundError(f"there is no session {session_id}")
    return await insert_events(transaction, session_id, last, new)


async def insert_events(
    transaction: Transaction, session_id: SessionId, last: int, new: Sequence[SessionEvent]
) -> list[StoredEvent]:
    """Insert events whose numbers, ending with `last`, were taken in this transaction."""
    if not new:
        return []
    stored, rows = [], []
    for number, event in enumerate(new, last - len(new) + 1):
        storable, body = _serialized(event)
        stored.append(StoredEvent(number=number, event=storable))
        rows.append({"session_id": session_id, "number": number, "kind": event.kind, "body": body})
    await transaction.execute(insert(events), rows)
    await keep_asks(transaction, session_id, stored)
    return stored


async def confirm_delivery(
    transaction: Transaction, session_id: SessionId, ids: Sequence[MessageId], now: datetime
) -> list[SessionEvent]:
    """Mark messages delivered and return an event for each that was not yet; the session's row is locked already."""
    marked = (
        update(messages)
        .where(
            messages.c.session_id == session_id,
            messages.c.id.in_(ids),
            messages.c.delivery == Delivery.KEPT,
        )
        .values(delivery=Delivery.DELIVERED)
        .returning(messages.c.id, messages.c.number)
    )
    fresh = sorted((await transaction.execute(marked)).all(), key=lambda row: row.number)
    return [MessageDelivered(at=now, message_id=row.id) for row in fresh]


async def _insert_after(
    transaction: Transaction, session: Session, first: Sequence[SessionEvent], then: Sequence[SessionEvent]
) -> tuple[Session, list[StoredEvent]]:
    """Insert `first` and `then`, where numbers were taken only for `then`."""
    before = sessions.c.events - len(then)
    raised = (
        update(sessions)
        .where(sessions.c.id == session.id)
        .values({"events": sessions.c.events + len(first)} | activity_of([*first, *then], before))
        .returning(sessions)
    )
    session = session_from((await transaction.execute(raised)).mappings().one())
    return session, await insert_events(transaction, session.id, session.events, [*first, *then])


async def _refuse_unless_repeat(
    transaction: Transaction, session_id: SessionId, epoch: int, run: int, to_offset: int
) -> None:
    query = select(sessions.c.epoch, sessions.c.agent_run, sessions.c.agent_offset).where(sessions.c.id == session_id)
    stored = (await transaction.execute(query)).first()
    if stored is None:
        raise NotFoundError(f"there is no session {session_id}")
    if stored.epoch != epoch:
        raise StaleEpochError(f"session {session_id} is at epoch {stored.epoch}, not {epoch}")
    if (run, to_offset) > (stored.agent_run, stored.agent_offset):
        raise StaleWriteError(
            f"session {session_id} has its agent's run {stored.agent_run} up to byte {stored.agent_offset}; "
            f"events up to byte {to_offset} of run {run} do not follow"
        )


def _serialized(event: SessionEvent) -> tuple[SessionEvent, str]:
    """Return the event as it is stored, and its JSON.

    Agents pass on whatever they read. A lone surrogate is no text in any encoding, so it becomes U+FFFD rather than
    making the whole transcript unreadable.
    """
    try:
        return event, event.model_dump_json()
    except PydanticSerializationError:
        cleaned = EVENT.validate_python(_cleaned(event.model_dump()))
        return cleaned, cleaned.model_dump_json()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value


async def _start_copy(transaction: Transaction, child_id: SessionId, up_to: int) -> None:
    started = (
        update(sessions)
        .where(sessions.c.id == child_id, sessions.c.events == 0)
        .values(events=up_to)
        .returning(sessions.c.id)
    )
    if await transaction.scalar(started) is not None:
        return
    if await transaction.scalar(select(sessions.c.id).where(sessions.c.id == child_id)) is None:
        raise NotFoundError(f"there is no session {child_id}")
    raise StaleWriteError(f"session {child_id} has events of its own already")


async def _copy_rows(
    transaction: Transaction, table: Table, parent_id: SessionId, child_id: SessionId, *only: ColumnElement[bool]
) -> int:
    columns = [column for column in table.c if column.autoincrement is not True]
    copied = [literal(child_id) if column.name == "session_id" else column for column in columns]
    source = select(*copied).where(table.c.session_id == parent_id, *only).order_by(*table.primary_key.columns)
    result = await transaction.execute(insert(table).from_select([column.name for column in columns], source))
    return result.rowcount
