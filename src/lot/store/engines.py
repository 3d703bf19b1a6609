"""SQLAlchemy engines for the two databases, with the pragmas of SQLite and the limits of each.

On SQLite a transaction that writes begins IMMEDIATE: one that reads first and writes later would fail with "database
is locked" as soon as somebody else wrote in between, without waiting for its turn.
"""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

WAIT_S = 30.0
"""Longest wait for a connection, a statement or SQLite's lock."""
BUSY_TIMEOUT = f"busy_timeout = {int(WAIT_S * 1000)}"
_PRAGMAS = (
    BUSY_TIMEOUT,
    # FULL syncs each commit. NORMAL may lose the newest ones when the power fails: an accepted message, the name of a
    # finished image.
    "synchronous = FULL",
    # What is deleted is overwritten: a deleted conversation must not stay in the file's free pages.
    "secure_delete = ON",
)


def is_sqlite(url: str) -> bool:
    """Tell whether `url` names a SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def create_sqlite_file(url: str) -> None:
    """Create the SQLite file of `url` unless it is there, and have it write ahead (WAL), which the file remembers.

    SQLite does not wait for its lock when two connections change the journal's mode at once: the second fails at once
    with "database is locked", whatever its `busy_timeout` (seen with 3.40). So it is repeated here, for up to `WAIT_S`.
    """
    file = Path(make_url(url).database or "")
    file.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + WAIT_S
    with closing(sqlite3.connect(file, timeout=WAIT_S)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)
            else:
                return


def sqlite_engine(url: str, begin: str, connections: int, *, has_foreign_keys: bool = True) -> AsyncEngine:
    """Return an engine on a SQLite file that `create_sqlite_file` has made.

    Args:
        begin: The statement that starts each transaction: `BEGIN`, or `BEGIN IMMEDIATE` for those that write.
        has_foreign_keys: False while tables are rebuilt, where a dropped table would empty the ones that point to it.
    """
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, pool_timeout=WAIT_S)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # The driver would begin transactions by itself, and late; `_begin` does it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*_PRAGMAS, f"foreign_keys = {'ON' if has_foreign_keys else 'OFF'}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def postgres_engine(url: str, connections: int) -> AsyncEngine:
    """Return an engine on a PostgreSQL server; a connection that broke while idle is noticed before it is used."""
    return create_async_engine(
        url,
        connect_args={"timeout": WAIT_S, "command_timeout": WAIT_S},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=WAIT_S,
        pool_pre_ping=True,
    )
