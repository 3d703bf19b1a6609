"""Users and their passwords."""

from dataclasses import asdict

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from lot.core.errors import InvalidInputError, NotFoundError
from lot.core.ids import BrowserSessionId, UserId
from lot.core.sign_in import User
from lot.store.database import Database, Transaction
from lot.store.tables import browser_sessions, sign_in_links, users


class UserStore(Database):
    """Who may sign in."""

    async def has_users(self) -> bool:
        """Return whether there is a user."""
        async with self._reading() as transaction:
            return await has_any_user(transaction)

    async def find_user(self, name: str) -> User | None:
        """Return the user of that name, in lower case, or None."""
        async with self._reading() as transaction:
            row = (await transaction.execute(select(users).where(users.c.name == name))).mappings().first()
        return None if row is None else User(**row)

    async def list_users(self) -> list[User]:
        """Return every user, by name."""
        async with self._reading() as transaction:
            rows = (await transaction.execute(select(users).order_by(users.c.name))).mappings()
            return [User(**row) for row in rows]

    async def set_password(self, user_id: UserId, password_hash: str, keep: BrowserSessionId | None) -> None:
        """Change a user's password, and sign out every browser of theirs but `keep`; their links are over.

        Raises:
            NotFoundError: there is no such user.
        """
        async with self._writing() as transaction:
            await self._set_password(transaction, user_id, password_hash, keep)

    async def _add_user(self, transaction: Transaction, user: User) -> None:
        """Store a new user.

        Raises:
            InvalidInputError: the name is taken.
        """
        try:
            await transaction.execute(insert(users).values(asdict(user)))
        except IntegrityError as error:
            raise InvalidInputError(f"there is a user {user.name} already; choose another name") from error

    async def _set_password(
        self, transaction: Transaction, user_id: UserId, password_hash: str, keep: BrowserSessionId | None
    ) -> None:
        changed = await transaction.execute(
            update(users).where(users.c.id == user_id).values(password_hash=password_hash)
        )
        if changed.rowcount == 0:
            raise NotFoundError("there is no such user any more")
        others = delete(browser_sessions).where(browser_sessions.c.user_id == user_id)
        await transaction.execute(others if keep is None else others.where(browser_sessions.c.id != keep))
        await transaction.execute(delete(sign_in_links).where(sign_in_links.c.user_id == user_id))


async def has_any_user(transaction: Transaction) -> bool:
    """Return whether there is a user."""
    return bool(await transaction.scalar(select(exists(select(users.c.id)))))
