"""Who may act on a sandbox: claims, renewals and effects that name their epoch.

The database decides, by its own clock and by one statement each. A claim is a compare-and-swap that raises the epoch;
everything done for an earlier epoch is refused from then on. The same for sessions and for builds of snapshots.
Lease columns leave a session's version alone, or each renewal would make somebody's decision stale.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, Table, or_, select, true, update

from lot.core.errors import LeaseHeldError, NotFoundError, StaleEpochError
from lot.core.events import SessionEvent, StoredEvent
from lot.core.ids import ImageId, RunnerId, SessionId, SnapshotId
from lot.core.records import Session
from lot.store import tables
from lot.store.columns import DatabaseNow
from lot.store.database import Database, Transaction
from lot.store.rows import changed_columns
from lot.store.sessions import swap, why_not_changed

SubjectKind = Literal["session", "snapshot"]
_TABLES: dict[SubjectKind, Table] = {"session": tables.sessions, "snapshot": tables.snapshots}


class LeaseStore(Database):
    """Leases of sessions and snapshots."""

    async def claim(
        self,
        kind: SubjectKind,
        subject: SessionId | SnapshotId,
        seen_epoch: int,
        owner: RunnerId,
        ttl_s: float = 30.0,
        grace_s: float = 10.0,
    ) -> int:
        """Take the lease for `ttl_s` and return the new epoch.

        Args:
            seen_epoch: The epoch that was read; nobody may have claimed since.
            grace_s: How long a lease must have run out before another may claim, so that its owner is surely dead.

        Raises:
            NotFoundError: there is no such session or snapshot.
            LeaseHeldError: another owner holds it, or claimed it first.
        """
        table = _TABLES[kind]
        is_free = or_(table.c.owner.is_(None), table.c.lease_until < DatabaseNow(-grace_s))
        statement = (
            update(table)
            .where(table.c.id == subject, table.c.epoch == seen_epoch, is_free)
            .values(epoch=table.c.epoch + 1, owner=owner, lease_until=DatabaseNow(ttl_s))
            .returning(table.c.epoch)
        )
        async with self._writing() as transaction:
            epoch: int | None = await transaction.scalar(statement)
            if epoch is not None:
                return epoch
            holder = (await transaction.execute(_lease_of(kind, subject))).first()
        if holder is None:
            raise _missing(kind, subject)
        raise LeaseHeldError(
            f"{kind} {subject} is at epoch {holder.epoch}, held by {holder.owner or 'nobody'} until "
            f"{holder.lease_until}; epoch {seen_epoch} cannot be followed now"
        )

    async def renew(self, kind: SubjectKind, subject: SessionId | SnapshotId, epoch: int, ttl_s: float = 30.0) -> bool:
        """Hold the lease of that epoch's owner for `ttl_s` from now; False: it is lost for good."""
        table = _TABLES[kind]
        statement = update(table).where(*_held(table, subject, epoch)).values(lease_until=DatabaseNow(ttl_s))
        async with self._writing() as transaction:
            return (await transaction.execute(statement)).rowcount == 1

    async def release(self, kind: SubjectKind, subject: SessionId | SnapshotId, epoch: int) -> None:
        """Give the lease back, so that the next claim need not wait; repeating it does nothing.

        Also for an owner that the fleet has PROVED dead. Until the next claim the epoch may still save what it had
        (`commit_image`), but `check_epoch` refuses it.

        Raises:
            NotFoundError: there is no such session or snapshot.
            StaleEpochError: somebody else has claimed it since.
        """
        table = _TABLES[kind]
        statement = (
            update(table).where(table.c.id == subject, table.c.epoch == epoch).values(owner=None, lease_until=None)
        )
        async with self._writing() as transaction:
            if (await transaction.execute(statement)).rowcount == 0:
                raise await _why_not_held(transaction, kind, subject, epoch)

    async def check_epoch(self, kind: SubjectKind, subject: SessionId | SnapshotId, epoch: int) -> None:
        """Let an effect pass that is done for the present epoch and its owner.

        Raises:
            NotFoundError: there is no such session or snapshot.
            StaleEpochError: the epoch is over, or its owner gave the lease back.
        """
        table = _TABLES[kind]
        async with self._reading() as transaction:
            held = select(table.c.id).where(*_held(table, subject, epoch))
            if await transaction.scalar(held) is None:
                raise await _why_not_held(transaction, kind, subject, epoch)

    async def commit_image(
        self,
        session_id: SessionId,
        epoch: int,
        image: ImageId | None,
        *,
        now: datetime,
        events: Sequence[SessionEvent] = (),
        **fields: Any,
    ) -> tuple[Session, list[StoredEvent]]:
        """Make `image` THE hibernation image of a session, with whatever changes together with it.

        Needs the epoch alone and no version: what a runner has saved counts, whatever else happened meanwhile.
        A candidate image is dropped; it is older.

        Raises:
            NotFoundError: there is no such session.
            StaleEpochError: another runner has the session; throw the image away.
        """
        changes = {"memory_image": image, "candidate_image": None, "candidate_epoch": None}
        values = changed_columns(Session, fields) | changes
        async with self._writing() as transaction:
            return await swap(transaction, session_id, true(), epoch, values, events, now)

    async def save_candidate(self, session_id: SessionId, epoch: int, image: ImageId) -> None:
        """Keep what a runner saved that lost its lease; for the very next epoch, `candidate_epoch + 1`, and no later.

        Raises:
            NotFoundError: there is no such session.
            StaleEpochError: another runner has claimed the session already; throw the image away.
        """
        sessions = tables.sessions
        statement = (
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.epoch == epoch)
            .values(candidate_image=image, candidate_epoch=epoch, version=sessions.c.version + 1)
        )
        async with self._writing() as transaction:
            if (await transaction.execute(statement)).rowcount == 0:
                raise await why_not_changed(transaction, session_id, epoch)


def _held(table: Table, subject: str, epoch: int) -> tuple[ColumnElement[bool], ...]:
    return table.c.id == subject, table.c.epoch == epoch, table.c.owner.is_not(None)


def _lease_of(kind: SubjectKind, subject: str) -> Select[Any]:
    table = _TABLES[kind]
    return select(table.c.epoch, table.c.owner, table.c.lease_until).where(table.c.id == subject)


async def _why_not_held(
    transaction: Transaction, kind: SubjectKind, subject: str, epoch: int
) -> NotFoundError | StaleEpochError:
    stored = (await transaction.execute(_lease_of(kind, subject))).first()
    if stored is None:
        return _missing(kind, subject)
    if stored.epoch == epoch:
        return StaleEpochError(f"the lease of {kind} {subject} was given back in epoch {epoch}")
    return StaleEpochError(f"{kind} {subject} is at epoch {stored.epoch}, not {epoch}")


def _missing(kind: SubjectKind, subject: str) -> NotFoundError:
    return NotFoundError(f"there is no {kind} {subject}")
