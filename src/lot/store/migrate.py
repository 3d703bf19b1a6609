"""Brings a database's tables up to date. A step in `migrations/versions/` that ran anywhere is never edited."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from anyio import to_thread
from sqlalchemy import text
from sqlalchemy.engine import Connection

from lot.store.engines import create_sqlite_file, is_sqlite, postgres_engine, sqlite_engine
from lot.store.uninterrupted import uninterrupted

_LOCK = 5_204_617_301
"""Any number, the same in every replica: whoever holds this advisory lock of PostgreSQL migrates."""


async def migrate(url: str, revision: str = "head") -> None:
    """Upgrade the database at `url` to `revision` in one transaction; repeating it does nothing.

    Several processes may call it at once: one works, the others wait for it.
    """
    await uninterrupted(_migrate(url, revision))


async def _migrate(url: str, revision: str) -> None:
    if is_sqlite(url):
        await to_thread.run_sync(create_sqlite_file, url)
        engine = sqlite_engine(url, "BEGIN IMMEDIATE", 1, has_foreign_keys=False)
    else:
        engine = postgres_engine(url, 1)
    try:
        async with engine.begin() as connection:
            if not is_sqlite(url):
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
