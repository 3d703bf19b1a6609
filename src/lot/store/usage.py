"""What sessions used of the model."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from lot.core.errors import NotFoundError
from lot.core.ids import SessionId
from lot.store import tables
from lot.store.database import Database

model_usage = tables.model_usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """Totals of a session, in tokens as the provider counts them."""

    requests: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int


class UsageStore(Database):
    """Metering of model requests."""

    async def add_model_usage(
        self,
        session_id: SessionId,
        model: str,
        input_tokens: int,
        output_tokens: int,
        cache_read_tokens: int,
        cache_write_tokens: int,
        at: datetime,
    ) -> None:
        """Add one request to the model.

        Raises:
            NotFoundError: there is no such session.
        """
        values = {
            "session_id": session_id,
            "model": model,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cache_read_tokens": cache_read_tokens,
            "cache_write_tokens": cache_write_tokens,
            "at": at,
        }
        try:
            async with self._writing() as transaction:
                await transaction.execute(insert(model_usage).values(values))
        except IntegrityError as error:
            raise NotFoundError(f"there is no session {session_id}") from error

    async def model_usage(self, session_id: SessionId) -> ModelUsage:
        """Return what a session used so far."""
        tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
        sums = [func.coalesce(func.sum(model_usage.c[name]), 0).label(name) for name in tokens]
        query = select(func.count().label("requests"), *sums).where(model_usage.c.session_id == session_id)
        async with self._reading() as transaction:
            row = (await transaction.execute(query)).mappings().one()
        return ModelUsage(**{name: int(value) for name, value in row.items()})
