"""Tokens that programs of users sign in with."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from lot.core.errors import NotFoundError
from lot.core.ids import TokenId, UserId
from lot.core.sign_in import ApiToken, User
from lot.store.database import Database
from lot.store.tables import api_tokens, users

columns = api_tokens.c


class ApiTokenStore(Database):
    """API tokens."""

    async def add_api_token(self, token: ApiToken) -> None:
        """Store a new token."""
        async with self._writing() as transaction:
            await transaction.execute(insert(api_tokens).values(asdict(token)))

    async def find_api_token(self, digest: str) -> tuple[ApiToken, User] | None:
        """Return the token with that secret and its user, or None."""
        async with self._reading() as transaction:
            row = (await transaction.execute(select(api_tokens).where(columns.digest == digest))).mappings().first()
            if row is None:
                return None
            user = await transaction.execute(select(users).where(users.c.id == row["user_id"]))
            return ApiToken(**row), User(**user.mappings().one())

    async def has_api_token(self, token_id: TokenId) -> bool:
        """Return whether that token was not revoked."""
        async with self._reading() as transaction:
            return await transaction.scalar(select(columns.id).where(columns.id == token_id)) is not None

    async def list_api_tokens(self, user_id: UserId | None) -> list[ApiToken]:
        """Return a user's tokens, or everybody's, the newest first."""
        query = select(api_tokens).order_by(columns.created_at.desc(), columns.id)
        if user_id is not None:
            query = query.where(columns.user_id == user_id)
        async with self._reading() as transaction:
            return [ApiToken(**row) for row in (await transaction.execute(query)).mappings()]

    async def touch_api_token(self, token_id: TokenId, used_at: datetime) -> None:
        """Note that a token was used."""
        async with self._writing() as transaction:
            await transaction.execute(update(api_tokens).where(columns.id == token_id).values(last_used_at=used_at))

    async def delete_api_token(self, token_id: TokenId, user_id: UserId | None) -> None:
        """Revoke a token, of that user where one is named.

        Raises:
            NotFoundError: there is none.
        """
        statement = delete(api_tokens).where(columns.id == token_id)
        if user_id is not None:
            statement = statement.where(columns.user_id == user_id)
        async with self._writing() as transaction:
            if (await transaction.execute(statement)).rowcount == 0:
                raise NotFoundError(f"there is no API token {token_id}")
