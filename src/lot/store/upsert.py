"""The insert that takes a row's place where there is one: each database has a statement of its own for it."""

from collections.abc import Callable, Mapping

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

_INSERTS: Mapping[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def insert_or_update(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return an insert into `table` that knows `on_conflict_do_update`."""
    return _INSERTS[dialect](table)
