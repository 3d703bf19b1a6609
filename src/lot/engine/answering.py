"""Hands a user's answers to the agent that asked, until it has taken them; in words where its program is gone."""

import anyio
import structlog

from lot.core.errors import AgentError
from lot.core.events import AskClosed, SettingsChanged
from lot.core.ids import AskId, SessionId
from lot.core.records import AgentMode, Ask, AskState, Delivery, Message
from lot.engine.asking import find_asked, go_on_when_answered, message_of, words_of
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.runner.client import RunnerClient

logger = structlog.get_logger(__name__)

CATCH_UP_S = 3.0
"""How long to wait for what the agent has printed already to be read."""


class Answering:
    """The answers of one session, over one connection to its runner: each is handed over once per connection."""

    def __init__(self, parts: Parts, moves: Moves, session_id: SessionId, client: RunnerClient) -> None:
        self._parts, self._moves, self._id, self._client = parts, moves, session_id, client
        self._handed: set[tuple[AskId, int]] = set()

    async def hand_over(self, run: int | None) -> None:
        """Hand over what is answered and was not taken.

        Args:
            run: The agent's run that is up; None: its program is gone, or was never attached to.

        Raises:
            RunnerGoneError, SandboxUnavailableError: it was not reached; the next connection repeats it.
        """
        answered = await self._parts.store.answered_asks(self._id)
        if answered:
            # A control plane that was stopped between the answer and this left it waiting.
            await go_on_when_answered(self._parts, self._moves, self._id)
        for ask in answered:
            await self._leave_planning(ask)
            place = (ask.id, ask.event)
            if place in self._handed and ask.run == run:
                continue
            if not (ask.run == run and await self._reaches(ask)):
                await self._say_in_words(ask)
            self._handed.add(place)

    async def _reaches(self, ask: Ask) -> bool:
        """Return whether the agent has the answer now, or had it before."""
        if ask.answer is None:
            return True
        try:
            if await self._client.answer(ask.id, ask.answer):
                return True
        except AgentError as error:
            logger.info("answer found no agent", session_id=self._id, error=str(error))
        # It may have been taken already, in a line of the agent's output that is still to be read.
        await self._catch_up(ask.run)
        return await self._is_settled(ask)

    async def _is_settled(self, ask: Ask) -> bool:
        return (await self._parts.store.get_ask(self._id, ask.id)).state is not AskState.ANSWERED

    async def _catch_up(self, run: int) -> None:
        """Wait, for a while, until everything that the agent has printed by now is in the store."""
        processes = await self._client.processes()
        end = next((process.ends.get("out", 0) for process in processes if process.name == f"agent-{run}"), 0)
        with anyio.move_on_after(CATCH_UP_S):
            while True:
                ticket = self._parts.bus.ticket(self._id)
                session = await self._parts.store.get_session(self._id)
                if session.agent_run != run or session.agent_offset >= end:
                    return
                await ticket.wait()

    async def _leave_planning(self, ask: Ask) -> None:
        """Have the session go on in the mode that was chosen with the approval of a plan."""
        if ask.kind != "plan" or ask.answer is None or ask.answer.mode not in set(AgentMode):
            return
        if (await self._parts.store.get_session(self._id)).mode != ask.answer.mode:
            told = SettingsChanged(at=self._parts.now(), mode=ask.answer.mode)
            await self._moves.note(self._id, events=[told], mode=AgentMode(ask.answer.mode))

    async def _say_in_words(self, ask: Ask) -> None:
        """Send the answer as a message: with an id of its own, so that a repeat after a crash sends nothing."""
        if ask.answer is None:
            return
        text = words_of(await find_asked(self._parts, ask), ask.answer)
        now = self._parts.now()
        message = Message(
            id=message_of(self._id, ask), session_id=self._id, text=text, delivery=Delivery.KEPT, created_at=now
        )
        await self._parts.store.add_message(message, now)
        await self._moves.tell(self._id, AskClosed(at=now, ask_id=ask.id, outcome="taken"))
