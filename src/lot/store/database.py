"""Transactions, and the library's errors as ours: what every part of the store stands on.

Each call of the store is one transaction, and none stays open across anything else. On SQLite one connection writes,
taken in turn, so that tasks queue here in order instead of polling for the file's lock.
"""

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from anyio.lowlevel import checkpoint_if_cancelled
from sqlalchemy import CursorResult, Executable, ScalarResult
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from lot.core.errors import UnavailableError
from lot.store.engines import BUSY_TIMEOUT, is_sqlite, postgres_engine, sqlite_engine
from lot.store.migrate import migrate
from lot.store.secrets import SecretBox
from lot.store.uninterrupted import uninterrupted

_SQLITE_READERS = 4
_POSTGRES_CONNECTIONS = 15
_DEFECTS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
"""A broken constraint or a wrong statement; everything else that a driver raises means that the database cannot now."""
_CHECKPOINT = (
    # While a checkpoint waits for readers it keeps writers out, hence not as long as a statement may wait.
    "busy_timeout = 500",
    "wal_checkpoint(TRUNCATE)",
    BUSY_TIMEOUT,
)


class Database:
    """Where a store's tables are: an engine for writing and one for reading (the same one on PostgreSQL)."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, box: SecretBox) -> None:
        self._writer, self._reader, self._box = writer, reader, box

    @classmethod
    async def open(cls, url: str, box: SecretBox) -> Self:
        """Bring the database's tables up to date and open it.

        Args:
            url: SQLAlchemy URL with the driver `sqlite+aiosqlite` (a file) or `postgresql+asyncpg`.

        Raises:
            UnavailableError: the database cannot be reached.
        """
        async with _our_errors():
            await migrate(url)
        return cls.beside(url, box)

    @classmethod
    def beside(cls, url: str, box: SecretBox, connections: int = _POSTGRES_CONNECTIONS) -> Self:
        """Return a way of its own to a database that is open, with connections that belong to another event loop.

        Args:
            connections: To PostgreSQL, at most.
        """
        if is_sqlite(url):
            return cls(sqlite_engine(url, "BEGIN IMMEDIATE", 1), sqlite_engine(url, "BEGIN", _SQLITE_READERS), box)
        engine = postgres_engine(url, connections)
        return cls(engine, engine, box)

    async def close(self) -> None:
        """Close every connection."""
        await uninterrupted(self._writer.dispose())
        await uninterrupted(self._reader.dispose())

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator["Transaction"]:
        async with _connected(self._writer) as connection:
            yield Transaction(connection)
            await uninterrupted(connection.commit())

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator["Transaction"]:
        async with _connected(self._reader) as connection:
            yield Transaction(connection)

    async def _forget_deleted(self) -> None:
        """Empty SQLite's write-ahead log, which still holds what a transaction removed.

        It may not succeed: a long reader, such as a backup, can stand in the way. Then the next one does the same.
        """
        if self._writer.dialect.name == "sqlite":
            async with _connected(self._reader) as connection:
                await uninterrupted(_checkpoint(connection))


class Transaction:
    """An open transaction: statements that a cancellation does not cut off."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name

    async def execute(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run a statement, once or for each of `rows`."""
        return await uninterrupted(self._connection.execute(statement, rows))

    async def scalar(self, statement: Executable) -> Any:
        """Return the first column of the first row, or None."""
        return (await self.execute(statement)).scalar()

    async def scalars(self, statement: Executable) -> ScalarResult[Any]:
        """Return the first column of every row."""
        return (await self.execute(statement)).scalars()


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Lend a connection; what is not committed by the end of the block is rolled back."""
    connection = engine.connect()
    await checkpoint_if_cancelled()
    async with _our_errors():
        try:
            await uninterrupted(_start(connection))
            yield connection
        finally:
            if connection.sync_connection is not None:
                await uninterrupted(connection.close())


async def _start(connection: AsyncConnection) -> None:
    await connection.start()


async def _checkpoint(connection: AsyncConnection) -> None:
    # Past SQLAlchemy, which would begin a transaction: none may be open here.
    driver: Any = (await connection.get_raw_connection()).driver_connection
    for pragma in _CHECKPOINT:
        await (await driver.execute(f"PRAGMA {pragma}")).close()


@asynccontextmanager
async def _our_errors() -> AsyncIterator[None]:
    """Raise the library's ways to say "not now" as `UnavailableError`."""
    try:
        yield
    except _DEFECTS:
        raise
    except DBAPIError as error:
        raise UnavailableError(f"the database did not answer: {error.orig}") from error
    except (PoolTimeoutError, sqlite3.Error, OSError) as error:
        raise UnavailableError(f"the database did not answer: {error}") from error
