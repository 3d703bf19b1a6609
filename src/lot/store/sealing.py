"""Sealing everything anew under the newest key."""

from typing import Any

from sqlalchemy import Column, select, update

from lot.store import tables
from lot.store.columns import Sealed
from lot.store.database import Database, Transaction


class SealingStore(Database):
    """All secrets, whatever they belong to."""

    async def seal_anew(self) -> int:
        """Seal every secret that is under an older key under the newest, all or none; return how many these were.

        Raises:
            UnavailableError: one does not open with any key; nothing was changed.
        """
        async with self._writing() as transaction:
            columns = [column for table in tables.metadata.sorted_tables for column in table.columns]
            sealed = [column for column in columns if isinstance(column.type, Sealed)]
            counts = [await self._seal_column(transaction, column) for column in sealed]
        await self._forget_deleted()
        return sum(counts)

    async def _seal_column(self, transaction: Transaction, column: Column[Any]) -> int:
        kind, keys = column.type, list(column.table.primary_key)
        assert isinstance(kind, Sealed)
        query = select(*keys, column).where(column.is_not(None)).order_by(*keys).with_for_update()
        rows = [dict(row) for row in (await transaction.execute(query)).mappings()]
        rows = [row for row in rows if not self._box.is_newest(row[column.name])]
        for row in rows:
            context = kind.context(**row)
            anew = self._box.encrypt(self._box.decrypt(row[column.name], context), context)
            is_row = [key == row[key.name] for key in keys]
            await transaction.execute(update(column.table).where(*is_row).values({column.name: anew}))
        return len(rows)
