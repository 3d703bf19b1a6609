"""Browsers in which somebody is signed in."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update

from lot.core.errors import NotFoundError
from lot.core.ids import BrowserSessionId, UserId
from lot.core.sign_in import BrowserSession, User
from lot.store.database import Database
from lot.store.tables import browser_sessions, users

columns = browser_sessions.c
_USER = [users.c[field.name].label(f"their_{field.name}") for field in fields(User)]
"""Under names of their own, beside a session's."""


class BrowserSessionStore(Database):
    """Browser sessions, with whose they are."""

    async def add_browser_session(self, session: BrowserSession) -> None:
        """Store a session; those that are over are forgotten."""
        async with self._writing() as transaction:
            await transaction.execute(delete(browser_sessions).where(columns.ends_at <= session.created_at))
            await transaction.execute(insert(browser_sessions).values(asdict(session)))

    async def find_browser_session(self, digest: str, now: datetime) -> tuple[BrowserSession, User] | None:
        """Return the session with that secret and its user, unless it is over."""
        found = await self._browser_sessions([columns.digest == digest, columns.ends_at > now])
        return found[0] if found else None

    async def has_browser_session(self, session_id: BrowserSessionId, now: datetime) -> bool:
        """Return whether that session is not over."""
        return bool(await self._browser_sessions([columns.id == session_id, columns.ends_at > now]))

    async def list_browser_sessions(self, user_id: UserId | None, now: datetime) -> list[tuple[BrowserSession, User]]:
        """Return a user's sessions, or everybody's, the one seen last first."""
        of_user = [] if user_id is None else [columns.user_id == user_id]
        return await self._browser_sessions([columns.ends_at > now, *of_user])

    async def touch_browser_session(
        self, session_id: BrowserSessionId, seen_at: datetime, ends_at: datetime, address: str
    ) -> None:
        """Note that a session was used, and from where; it lasts until `ends_at`."""
        values = {"last_seen_at": seen_at, "ends_at": ends_at, "address": address}
        async with self._writing() as transaction:
            await transaction.execute(update(browser_sessions).where(columns.id == session_id).values(values))

    async def delete_browser_session(self, session_id: BrowserSessionId, user_id: UserId | None) -> None:
        """End a session, of that user where one is named.

        Raises:
            NotFoundError: there is none.
        """
        statement = delete(browser_sessions).where(columns.id == session_id)
        if user_id is not None:
            statement = statement.where(columns.user_id == user_id)
        async with self._writing() as transaction:
            if (await transaction.execute(statement)).rowcount == 0:
                raise NotFoundError(f"there is no browser session {session_id}")

    async def _browser_sessions(self, conditions: Sequence[ColumnElement[bool]]) -> list[tuple[BrowserSession, User]]:
        query = (
            select(browser_sessions, *_USER)
            .join(users, users.c.id == columns.user_id)
            .where(*conditions)
            .order_by(columns.last_seen_at.desc(), columns.id)
        )
        async with self._reading() as transaction:
            rows = list((await transaction.execute(query)).mappings())
        return [(BrowserSession(**_own(BrowserSession, row)), User(**_own(User, row, "their_"))) for row in rows]


def _own(record: type[Any], row: Any, prefix: str = "") -> dict[str, Any]:
    return {field.name: row[prefix + field.name] for field in fields(record)}
