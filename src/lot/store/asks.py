"""What agents asked: a row per question, plan or request for permission, made and closed by the events that tell of it.

`ask_rows.py` keeps the rows in step with the events, in the transaction that writes those.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update

from lot.core.asks import Answer
from lot.core.errors import NotFoundError, TransitionNotAllowedError
from lot.core.events import AskAnswered, StoredEvent
from lot.core.ids import AskId, SessionId
from lot.core.records import Ask, AskState, Delivery, Message
from lot.store import tables
from lot.store.database import Database, Transaction
from lot.store.messages import keep_message
from lot.store.rows import ask_from
from lot.store.sessions import lock
from lot.store.transcript import append, confirm_delivery

asks = tables.asks
PENDING = (AskState.OPEN, AskState.ANSWERED)


class AskStore(Database):
    """Questions, plans and requests for permission."""

    async def list_asks(self, session_id: SessionId, *, is_all: bool = False) -> list[Ask]:
        """Return what still waits for an answer or for the agent to take it, or everything; oldest first."""
        query = select(asks).where(asks.c.session_id == session_id).order_by(asks.c.event)
        async with self._reading() as transaction:
            rows = await transaction.execute(query if is_all else query.where(asks.c.state.in_(PENDING)))
            return [ask_from(row) for row in rows.mappings()]

    async def get_ask(self, session_id: SessionId, ask_id: AskId) -> Ask:
        """Return one ask.

        Raises:
            NotFoundError: the session's agent asked nothing of that id.
        """
        async with self._reading() as transaction:
            return await _find(transaction, session_id, ask_id)

    async def answered_asks(self, session_id: SessionId) -> list[Ask]:
        """Return what the user has answered and the agent has not taken, oldest first."""
        return [ask for ask in await self.list_asks(session_id) if ask.state is AskState.ANSWERED]

    async def answer_ask(
        self, session_id: SessionId, ask_id: AskId, answer: Answer, now: datetime
    ) -> tuple[Ask, bool, list[StoredEvent]]:
        """Keep the user's answer, and record it.

        Returns:
            The ask, whether the answer is new, and its event. The same answer again changes nothing.

        Raises:
            NotFoundError: the session's agent asked nothing of that id.
            TransitionNotAllowedError: it was answered otherwise, or nothing is asked any more.
        """
        async with self._writing() as transaction:
            await lock(transaction, session_id)
            known = await _find(transaction, session_id, ask_id)
            if known.state is not AskState.OPEN and known.answer == answer:
                return known, False, []
            return await _answer(transaction, known, answer, now)

    async def answer_by_message(
        self, message: Message, ask_id: AskId, answer: Answer, now: datetime
    ) -> tuple[Message, bool, list[StoredEvent]]:
        """Keep a user's message that is the answer to an open ask, and counts as delivered thereby.

        Returns:
            The stored message, whether it is new, and the events. A message id that the session has changes nothing.

        Raises:
            NotFoundError: the session's agent asked nothing of that id.
            TransitionNotAllowedError: the ask is not open any more; nothing was kept.
        """
        async with self._writing() as transaction:
            await lock(transaction, message.session_id)
            kept, is_new, stored = await keep_message(transaction, message, now)
            if not is_new:
                return kept, False, []
            known = await _find(transaction, message.session_id, ask_id)
            confirmed = await confirm_delivery(transaction, message.session_id, [message.id], now)
            stored += await append(transaction, message.session_id, confirmed)
            _, _, answered = await _answer(transaction, known, answer, now)
        return replace(kept, delivery=Delivery.DELIVERED), True, [*stored, *answered]


async def _answer(
    transaction: Transaction, known: Ask, answer: Answer, now: datetime
) -> tuple[Ask, bool, list[StoredEvent]]:
    if known.state is not AskState.OPEN:
        raise TransitionNotAllowedError(f"what was asked is {known.state}", "answer")
    answered = (
        update(asks)
        .where(asks.c.session_id == known.session_id, asks.c.id == known.id)
        .values(state=AskState.ANSWERED, answer=answer.model_dump(mode="json"), answered_at=now)
        .returning(asks)
    )
    ask = ask_from((await transaction.execute(answered)).mappings().one())
    stored = await append(transaction, known.session_id, [AskAnswered(at=now, ask_id=known.id, answer=answer)])
    return ask, True, stored


async def _find(transaction: Transaction, session_id: SessionId, ask_id: AskId) -> Ask:
    query = select(asks).where(asks.c.session_id == session_id, asks.c.id == ask_id)
    row = (await transaction.execute(query)).mappings().first()
    if row is None:
        raise NotFoundError(f"session {session_id} was asked nothing of the id {ask_id}")
    return ask_from(row)
