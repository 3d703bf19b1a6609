"""Users and their passwords."""

from collections import defaultdict
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, exists, func, insert, select, union_all, update
from sqlalchemy.exc import IntegrityError

from lot.core.errors import InvalidInputError, NotFoundError
from lot.core.ids import BrowserSessionId, UserId
from lot.core.sign_in import ListedUser, User
from lot.store.database import Database, Transaction
from lot.store.naming import by_id_or_name
from lot.store.tables import api_tokens, browser_sessions, identities, sign_in_links, users


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

    async def get_user(self, id_or_name: str) -> User:
        """Return the user with this id, else the one with this name.

        Raises:
            NotFoundError: there is none.
        """
        async with self._reading() as transaction:
            row = (await transaction.execute(by_id_or_name(users, id_or_name))).mappings().first()
        if row is None:
            raise NotFoundError(f"there is no user {id_or_name}; `lot user list` shows who there is")
        return User(**row)

    async def list_users_seen(self, now: datetime) -> list[ListedUser]:
        """Return every user, by name, with when they were last seen and where they have accounts."""
        uses = union_all(
            select(browser_sessions.c.user_id, browser_sessions.c.last_seen_at.label("at")).where(
                browser_sessions.c.ends_at > now
            ),
            select(api_tokens.c.user_id, api_tokens.c.last_used_at).where(api_tokens.c.last_used_at.is_not(None)),
        ).subquery()
        last_uses = select(uses.c.user_id, func.max(uses.c.at).label("seen_at")).group_by(uses.c.user_id)
        accounts = select(identities.c.user_id, identities.c.issuer).order_by(identities.c.issuer)
        issuers: defaultdict[str, list[str]] = defaultdict(list)
        async with self._reading() as transaction:
            rows = (await transaction.execute(select(users).order_by(users.c.name))).mappings()
            found = [User(**row) for row in rows]
            seen_at = {row.user_id: row.seen_at for row in await transaction.execute(last_uses)}
            for row in await transaction.execute(accounts):
                issuers[row.user_id].append(row.issuer)
        return [
            ListedUser(user=user, last_seen_at=seen_at.get(user.id), issuers=tuple(issuers[user.id])) for user in found
        ]

    async def rename_user(self, user_id: UserId, name: str) -> None:
        """Give a user another name.

        Raises:
            NotFoundError: there is no such user. InvalidInputError: the name is taken.
        """
        try:
            async with self._writing() as transaction:
                changed = await transaction.execute(update(users).where(users.c.id == user_id).values(name=name))
        except IntegrityError as error:
            raise _is_taken(name) from error
        if changed.rowcount == 0:
            raise _no_longer()

    async def delete_user(self, user_id: UserId) -> None:
        """Remove a user with all that lets them in; so end the links that make new users, for they may have one.

        Raises:
            NotFoundError: there is no such user. InvalidInputError: there is no other.
        """
        # Each waits for the other, or two who remove each other would leave nobody.
        everybody = select(users.c.id).order_by(users.c.id).with_for_update()
        async with self._writing() as transaction:
            ids = list(await transaction.scalars(everybody))
            if user_id not in ids:
                raise _no_longer()
            if len(ids) == 1:
                raise InvalidInputError("the only user is not removed: nobody could sign in. Invite another one first")
            await transaction.execute(delete(users).where(users.c.id == user_id))
            await transaction.execute(delete(sign_in_links).where(sign_in_links.c.user_id.is_(None)))

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
            raise _is_taken(user.name) from error

    async def _set_password(
        self, transaction: Transaction, user_id: UserId, password_hash: str, keep: BrowserSessionId | None
    ) -> None:
        changed = await transaction.execute(
            update(users).where(users.c.id == user_id).values(password_hash=password_hash)
        )
        if changed.rowcount == 0:
            raise _no_longer()
        others = delete(browser_sessions).where(browser_sessions.c.user_id == user_id)
        await transaction.execute(others if keep is None else others.where(browser_sessions.c.id != keep))
        await transaction.execute(delete(sign_in_links).where(sign_in_links.c.user_id == user_id))


async def has_any_user(transaction: Transaction) -> bool:
    """Return whether there is a user."""
    return bool(await transaction.scalar(select(exists(select(users.c.id)))))


def _is_taken(name: str) -> InvalidInputError:
    return InvalidInputError(f"there is a user {name} already; choose another name")


def _no_longer() -> NotFoundError:
    return NotFoundError("there is no such user any more")
