"""Column types that mean the same on SQLite and PostgreSQL, and the database's own clock.

Leaves out which tables use them (`tables.py`).
"""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Float, Text, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant with microseconds: `timestamptz`, or text that sorts by time on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no timezone; instants are stored as UTC")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DatabaseNow(FunctionElement[datetime]):
    """The database server's clock, `offset_s` seconds on.

    Leases are compared with this alone, so that no two hosts' clocks ever meet. PostgreSQL's `now()` would stand
    still for a whole transaction, hence `clock_timestamp()`. SQLite's clock has milliseconds.
    """

    type = Instant()
    inherit_cache = True

    def __init__(self, offset_s: float = 0.0) -> None:
        super().__init__(bindparam(None, offset_s, type_=Float(), unique=True))


@compiles(DatabaseNow, "postgresql")
def _postgresql_now(element: DatabaseNow, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kw)}))"


@compiles(DatabaseNow, "sqlite")
def _sqlite_now(element: DatabaseNow, compiler: SQLCompiler, **kw: Any) -> str:
    # '000' fills up to the six digits that SQLAlchemy writes: instants are compared as text.
    offset = f"printf('%+.3f seconds', {compiler.process(element.clauses, **kw)})"
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {offset}) || '000')"


class CleanText(TypeDecorator[str]):
    """Text from outside for people to read; what PostgreSQL cannot store (NUL, lone surrogates) becomes U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else clean(value)


def clean(text: str) -> str:
    """Return `text` with everything that no database stores replaced by U+FFFD."""
    return without_surrogates(text).replace("\0", "\ufffd")


def without_surrogates(text: str) -> str:
    """Return `text` with every lone surrogate, which no encoding can write, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class JsonText(TypeDecorator[Any]):
    """A JSON value as ASCII text; strings come back exactly, NUL and lone surrogates included."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Sealed(TypeDecorator[str]):
    """Text that `SecretBox` has encrypted. Every column of a secret is of this type, so that a new key finds it."""

    impl = Text
    cache_ok = True

    def __init__(self, place: str) -> None:
        """`place` names the row whose secret it is, with its columns in braces; a value opens in its place only."""
        super().__init__()
        self.place = place

    def context(self, **columns: Any) -> str:
        """Return what a value is bound to, and what messages call it."""
        return self.place.format(**columns)


class Word(TypeDecorator[StrEnum]):
    """A member of one `StrEnum`, stored as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.words(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)
