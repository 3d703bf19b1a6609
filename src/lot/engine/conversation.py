"""What a user says to an agent: messages and answers, kept once and then the worker's; refused beyond a budget."""

from collections.abc import Callable

from lot.core.asks import Answer
from lot.core.errors import TransitionNotAllowedError
from lot.core.ids import AskId, SessionId
from lot.core.records import Ask, Message
from lot.engine.asking import (
    answer_in_words,
    find_asked,
    go_on_when_answered,
    open_asks,
    require_fitting,
    with_mode,
)
from lot.engine.budgets import require_budget
from lot.engine.creating import Draft, message_from
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.worker import SessionWorker


class Conversation:
    """Takes in what users say."""

    def __init__(self, parts: Parts, moves: Moves, find_worker: Callable[[SessionId], SessionWorker]) -> None:
        self._parts, self._moves, self._find_worker = parts, moves, find_worker

    async def send(self, session_id: SessionId, draft: Draft) -> Message:
        """Keep a message and have it delivered; see `Engine.send`."""
        await require_budget(self._parts, session_id)
        message = await self._send_as_answer(session_id, draft) or await self._keep(session_id, draft)
        self._find_worker(session_id).wake()
        return message

    async def answer(self, session_id: SessionId, ask_id: AskId, answer: Answer) -> Ask:
        """Keep an answer and have it handed over; see `Engine.answer`."""
        asked = await find_asked(self._parts, await self._parts.store.get_ask(session_id, ask_id))
        require_fitting(asked, answer)
        await require_budget(self._parts, session_id)
        answer = await with_mode(self._parts, session_id, asked, answer)
        ask, is_new, _ = await self._parts.store.answer_ask(session_id, ask_id, answer, self._parts.now())
        if is_new:
            await self._go_on(session_id)
        self._find_worker(session_id).wake()
        return ask

    async def _send_as_answer(self, session_id: SessionId, draft: Draft) -> Message | None:
        """Keep a message as the answer to the one thing that is asked; None when it is to go its own way."""
        asks = open_asks(await self._parts.store.list_asks(session_id))
        if len(asks) != 1 or draft.attachments:
            return None
        answer = answer_in_words(await find_asked(self._parts, asks[0]), draft.text)
        message = message_from(self._parts, session_id, draft)
        try:
            kept, is_new, _ = await self._parts.store.answer_by_message(message, asks[0].id, answer, self._parts.now())
        except TransitionNotAllowedError:
            return None
        if is_new:
            await self._go_on(session_id)
        return kept

    async def _keep(self, session_id: SessionId, draft: Draft) -> Message:
        message = message_from(self._parts, session_id, draft)
        kept, is_new, _ = await self._parts.store.add_message(message, self._parts.now(), draft.attachments)
        if is_new:
            self._parts.bus.publish(session_id)
        return kept

    async def _go_on(self, session_id: SessionId) -> None:
        await go_on_when_answered(self._parts, self._moves, session_id)
        self._parts.bus.publish(session_id)
