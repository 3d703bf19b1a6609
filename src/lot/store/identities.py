"""Accounts elsewhere that users sign in with."""

from dataclasses import asdict

from sqlalchemy import insert, select

from lot.core.sign_in import Identity, User
from lot.store.tables import identities, users
from lot.store.users import UserStore


class IdentityStore(UserStore):
    """Which user an account at a provider of sign-in is."""

    async def find_user_by_identity(self, issuer: str, subject: str) -> User | None:
        """Return whose account it is, or None."""
        query = (
            select(users)
            .join(identities, identities.c.user_id == users.c.id)
            .where(identities.c.issuer == issuer, identities.c.subject == subject)
        )
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().first()
        return None if row is None else User(**row)

    async def add_user_with_identity(self, user: User, identity: Identity) -> None:
        """Store a new user with the account they came by.

        Raises:
            InvalidInputError: the name is taken.
        """
        async with self._writing() as transaction:
            await self._add_user(transaction, user)
            await transaction.execute(insert(identities).values(asdict(identity)))
