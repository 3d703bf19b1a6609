"""The last diff of each session, readable while it is paused."""

from dataclasses import asdict

from sqlalchemy import delete, insert, select

from lot.core.ids import SessionId
from lot.core.records import StoredDiff
from lot.store import tables
from lot.store.database import Database
from lot.store.rows import diff_from
from lot.store.sessions import lock

diffs = tables.diffs


class DiffStore(Database):
    """Diffs."""

    async def save_diff(self, diff: StoredDiff) -> None:
        """Replace the stored diff of a session.

        Raises:
            NotFoundError: there is no such session.
        """
        async with self._writing() as transaction:
            await lock(transaction, diff.session_id)
            await transaction.execute(delete(diffs).where(diffs.c.session_id == diff.session_id))
            await transaction.execute(insert(diffs).values(asdict(diff)))

    async def find_diff(self, session_id: SessionId) -> StoredDiff | None:
        """Return the last diff of a session that was saved."""
        async with self._reading() as transaction:
            row = (await transaction.execute(select(diffs).where(diffs.c.session_id == session_id))).mappings().first()
        return None if row is None else diff_from(row)
