"""Answers of the model that were read to their end while the sandbox which had asked was paused.

Each is handed out once. What nobody asked for again is forgotten: after a week, or when newer ones take its place.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from lot.core.ids import SessionId
from lot.core.model_answers import HeldAnswer
from lot.store import tables
from lot.store.database import Database
from lot.store.sessions import lock

KEPT_FOR = timedelta(days=7)
MAX_HELD = 16
"""Of one session: an agent and its sub-agents ask side by side."""

held_answers = tables.held_answers


class HeldAnswerStore(Database):
    """Answers that wait for the same request to come again."""

    async def hold_answer(self, session_id: SessionId, request: str, answer: HeldAnswer, now: datetime) -> None:
        """Keep an answer, in place of an older one to the same request.

        Args:
            request: SHA-256 of what was asked.

        Raises:
            NotFoundError: there is no such session.
        """
        own = held_answers.c.session_id == session_id
        newest = (
            select(held_answers.c.request)
            .where(own, held_answers.c.request != request)
            .order_by(held_answers.c.at.desc())
            .limit(MAX_HELD - 1)
        )
        values = {
            "session_id": session_id,
            "request": request,
            "status": answer.status,
            "headers": dict(answer.headers),
            "body": answer.body,
            "at": now,
        }
        async with self._writing() as transaction:
            await lock(transaction, session_id)
            await transaction.execute(delete(held_answers).where(held_answers.c.at < now - KEPT_FOR))
            await transaction.execute(delete(held_answers).where(own, held_answers.c.request.not_in(newest)))
            await transaction.execute(insert(held_answers).values(values))

    async def take_answer(self, session_id: SessionId, request: str) -> HeldAnswer | None:
        """Return the answer to a request and forget it; None when there is none."""
        columns = (held_answers.c.status, held_answers.c.headers, held_answers.c.body)
        is_it = (held_answers.c.session_id == session_id, held_answers.c.request == request)
        async with self._reading() as transaction:
            # Almost always there is none, and reading does not wait for who writes.
            if await transaction.scalar(select(held_answers.c.status).where(*is_it)) is None:
                return None
        async with self._writing() as transaction:
            row = (await transaction.execute(delete(held_answers).where(*is_it).returning(*columns))).first()
        if row is None:
            return None
        return HeldAnswer(status=row.status, headers=row.headers, body=bytes(row.body))
