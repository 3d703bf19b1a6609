"""Sessions: compare-and-swap changes of their rows together with the events that tell of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.errors import NotFoundError, StaleEpochError, StaleWriteError
from lot.core.events import SessionEvent, StoredEvent
from lot.core.ids import ImageId, LayerId, ProjectId, SessionId
from lot.core.records import Session
from lot.core.session import SandboxState
from lot.store import tables
from lot.store.activity import activity_of
from lot.store.ask_rows import without_idle_closings
from lot.store.columns import Instant
from lot.store.database import Database, Transaction
from lot.store.rows import changed_columns, session_from, values_of
from lot.store.transcript import insert_events
from lot.store.usage_days import end_metering

sessions, snapshots = tables.sessions, tables.snapshots


class SessionStore(Database):
    """Sessions."""

    async def add_session(self, session: Session, events: Sequence[SessionEvent]) -> tuple[Session, list[StoredEvent]]:
        """Store a new session with its first events.

        Raises:
            NotFoundError: its project, snapshot or parent does not exist.
        """
        values = values_of(session) | {"events": len(events)}
        try:
            async with self._writing() as transaction:
                rows = await transaction.execute(insert(sessions).values(values).returning(sessions))
                stored = session_from(rows.mappings().one())
                return stored, await insert_events(transaction, session.id, len(events), events)
        except IntegrityError as error:
            raise NotFoundError(
                f"session {session.id} refers to project {session.project_id}, snapshot {session.snapshot_id} "
                f"and parent {session.parent_id}; one of them is gone"
            ) from error

    async def get_session(self, session_id: SessionId) -> Session:
        """Return a session.

        Raises:
            NotFoundError: there is none.
        """
        found = await self._list(select(sessions).where(sessions.c.id == session_id))
        if not found:
            raise _no_session(session_id)
        return found[0]

    async def list_sessions(self, project_id: ProjectId | None = None) -> list[Session]:
        """Return the sessions, of one project or of all, newest first."""
        query = select(sessions).order_by(sessions.c.created_at.desc(), sessions.c.id)
        return await self._list(query if project_id is None else query.where(sessions.c.project_id == project_id))

    async def list_in_sandbox_states(self, states: Collection[SandboxState]) -> list[Session]:
        """Return the sessions whose sandbox is in one of `states`, oldest first."""
        chosen = select(sessions).where(sessions.c.sandbox_state.in_(states))
        return await self._list(chosen.order_by(sessions.c.created_at, sessions.c.id))

    async def due_sessions(self, now: datetime) -> list[Session]:
        """Return the sessions that are on and were to be paused by `now`, longest overdue first."""
        due = select(sessions).where(sessions.c.sandbox_state == SandboxState.ON, sessions.c.pause_at <= now)
        return await self._list(due.order_by(sessions.c.pause_at, sessions.c.id))

    async def next_due(self) -> datetime | None:
        """Return when the next session is to be paused."""
        query = select(func.min(sessions.c.pause_at)).where(sessions.c.sandbox_state == SandboxState.ON)
        async with self._reading() as transaction:
            due: datetime | None = await transaction.scalar(query)
        return due

    async def change_session(
        self,
        session_id: SessionId,
        *,
        seen_version: int,
        now: datetime,
        epoch: int | None = None,
        events: Sequence[SessionEvent] = (),
        **fields: Any,
    ) -> tuple[Session, list[StoredEvent]]:
        """Change attributes of a session, if nobody changed it since it was read, and record what happened.

        Args:
            seen_version: The version that the decision was made from.
            epoch: If given, the change also needs this epoch to be the present one.

        Raises:
            NotFoundError: there is no such session.
            StaleEpochError: another runner has the session.
            StaleWriteError: somebody changed it in between: read again, decide again.
        """
        changes = changed_columns(Session, fields)
        is_unchanged = sessions.c.version == seen_version
        async with self._writing() as transaction:
            return await swap(transaction, session_id, is_unchanged, epoch, changes, events, now)

    async def mark_seen(self, session_id: SessionId, event: int) -> Session:
        """Note that a session's user has seen its events up to a number; never takes anything back.

        No decision stands on it, so the session's version stays.

        Raises:
            NotFoundError: there is no such session.
        """
        newest = case((sessions.c.events < event, sessions.c.events), else_=event)
        is_further = newest > sessions.c.seen_event
        statement = (
            update(sessions)
            .where(sessions.c.id == session_id)
            .values(seen_event=case((is_further, newest), else_=sessions.c.seen_event))
            .returning(sessions)
        )
        async with self._writing() as transaction:
            row = (await transaction.execute(statement)).mappings().first()
        if row is None:
            raise _no_session(session_id)
        return session_from(row)

    async def delete_session(self, session_id: SessionId) -> None:
        """Remove a session and every row of it for good; its pull requests stay, without it.

        Raises:
            NotFoundError: there is no such session.
        """
        async with self._writing() as transaction:
            await lock(transaction, session_id)
            await delete_session_rows(transaction, session_id)
        await self._forget_deleted()

    async def session_ids(self) -> set[SessionId]:
        """Return the id of every session; what carries another id is an orphan."""
        async with self._reading() as transaction:
            return {SessionId(id_) for id_ in await transaction.scalars(select(sessions.c.id))}

    async def layers_in_use(self) -> set[LayerId]:
        """Return the layers that a session or a snapshot stands on."""
        async with self._reading() as transaction:
            stacks = (await transaction.execute(select(sessions.c.layers, sessions.c.upper))).all()
            of_snapshots = await transaction.scalars(select(snapshots.c.layer))
            return {LayerId(layer) for stack in stacks for layer in (*stack.layers, stack.upper)} | set(of_snapshots)

    async def base_images_in_use(self) -> set[str]:
        """Return the base images that a session or a snapshot stands on."""
        async with self._reading() as transaction:
            columns = (sessions.c.base_image, snapshots.c.base_image)
            return {image for column in columns for image in await transaction.scalars(select(column).distinct())}

    async def images_in_use(self) -> set[ImageId]:
        """Return the memory images that a session or a snapshot may be started from."""
        columns = (sessions.c.memory_image, sessions.c.candidate_image, snapshots.c.memory_image)
        async with self._reading() as transaction:
            found = [await transaction.scalars(select(column).where(column.is_not(None))) for column in columns]
            return {ImageId(image) for images in found for image in images}

    async def _list(self, query: Select[Any]) -> list[Session]:
        async with self._reading() as transaction:
            return [session_from(row) for row in (await transaction.execute(query)).mappings()]


async def delete_session_rows(transaction: Transaction, session_id: SessionId) -> None:
    """Delete what belongs to a session and the session; its row is locked already."""
    for table in reversed(tables.metadata.sorted_tables):
        if "session_id" not in table.c or table is tables.pull_requests:
            continue
        await transaction.execute(delete(table).where(table.c.session_id == session_id))
    await transaction.execute(delete(sessions).where(sessions.c.id == session_id))


async def lock(transaction: Transaction, session_id: SessionId) -> None:
    """Take a session's row before rows that belong to it, as every transaction does: no two can wait for each other.

    Raises:
        NotFoundError: there is no such session.
    """
    query = select(sessions.c.id).where(sessions.c.id == session_id).with_for_update()
    if await transaction.scalar(query) is None:
        raise _no_session(session_id)


async def swap(
    transaction: Transaction,
    session_id: SessionId,
    condition: ColumnElement[bool],
    epoch: int | None,
    changes: dict[str, Any],
    events: Sequence[SessionEvent],
    now: datetime,
) -> tuple[Session, list[StoredEvent]]:
    """Change a session's row if `condition` holds (and `epoch`, if given, is the present one), and insert `events`.

    Raises as `change_session` does.
    """
    events = await without_idle_closings(transaction, session_id, events)
    is_present = condition if epoch is None else and_(condition, sessions.c.epoch == epoch)
    counters = {"version": sessions.c.version + 1, "events": sessions.c.events + len(events), "changed_at": now}
    counters |= activity_of(events, sessions.c.events)
    if changes.get("sandbox_state") is SandboxState.ON:
        counters["metered_at"] = func.coalesce(sessions.c.metered_at, literal(now, Instant()))
    elif "sandbox_state" in changes:
        await end_metering(transaction, session_id, now)
        counters["metered_at"] = None
    statement = (
        update(sessions).where(sessions.c.id == session_id, is_present).values(changes | counters).returning(sessions)
    )
    row = (await transaction.execute(statement)).mappings().first()
    if row is None:
        raise await why_not_changed(transaction, session_id, epoch)
    session = session_from(row)
    return session, await insert_events(transaction, session_id, session.events, events)


async def why_not_changed(
    transaction: Transaction, session_id: SessionId, epoch: int | None
) -> NotFoundError | StaleEpochError | StaleWriteError:
    """Return the error that says why a compare-and-swap on a session found no row."""
    stored = await transaction.scalar(select(sessions.c.epoch).where(sessions.c.id == session_id))
    if stored is None:
        return _no_session(session_id)
    if epoch is not None and stored != epoch:
        return StaleEpochError(f"session {session_id} is at epoch {stored}, not {epoch}")
    return StaleWriteError(f"session {session_id} was changed in between: read it again")


def _no_session(session_id: str) -> NotFoundError:
    return NotFoundError(f"there is no session {session_id}")
