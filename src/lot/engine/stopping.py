"""Stops a turn, in whatever state its session is: at once where the agent can be reached, else once it can be."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
import structlog

from lot.core.errors import AgentError, LotError, SandboxUnavailableError, TransitionNotAllowedError
from lot.core.events import Notice, TurnEnded
from lot.core.ids import SessionId
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, Trigger
from lot.engine.asking import withdrawals
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.worker import SessionWorker

logger = structlog.get_logger(__name__)

SETTLE_S = 15.0
"""An agent that has not stopped by then is taken to be gone."""
INTERRUPT_S = 8.0
WAKE_S = 120.0
_BUSY = (AgentState.RUNNING, AgentState.WAITING)


class Stopping:
    """Stops turns."""

    def __init__(
        self,
        parts: Parts,
        moves: Moves,
        find_worker: Callable[[SessionId], SessionWorker],
        resume: Callable[[SessionId], Awaitable[Session]],
        start_soon: Callable[..., None],
    ) -> None:
        self._parts, self._moves = parts, moves
        self._find_worker, self._resume, self._start_soon = find_worker, resume, start_soon

    async def stop(self, session_id: SessionId) -> Session:
        """Stop the running turn; what the agent has not taken yet is stopped once it has.

        Raises:
            TransitionNotAllowedError: there is nothing to stop.
        """
        session = await self._parts.store.get_session(session_id)
        kept = await self._parts.store.kept_messages(session_id)
        if session.agent not in _BUSY and not kept:
            raise TransitionNotAllowedError(f"the agent is {session.agent}", "stop")
        self._find_worker(session_id).to_stop.update(message.id for message in kept)
        if session.agent not in _BUSY:
            text = "stopped before the agent began: it is handed the message once it is up, and stopped at once"
            await self._moves.tell(session_id, Notice(at=self._parts.now(), text=text))
            return session
        if session.sandbox_state is SandboxState.ON:
            self._start_soon(self._settle, session_id, session.events)
            await self.interrupt(session_id)
        else:
            self._start_soon(self._stop_asleep, session_id, session.events)
        return session

    async def interrupt(self, session_id: SessionId) -> None:
        """Stop the agent where it can be reached; where its program is gone, say that the turn is over."""
        attachment = self._find_worker(session_id).attachment
        try:
            with anyio.move_on_after(INTERRUPT_S):
                if attachment is None or attachment.lost is not None:
                    raise SandboxUnavailableError(f"the sandbox of session {session_id} is not reached just now")
                await attachment.until_ready()
                await attachment.holding.client.interrupt()
        except AgentError as error:
            logger.info("agent was gone before it was stopped", session_id=session_id, error=str(error))
            with suppress(LotError):
                await self.end_turn(session_id)
        except LotError as error:
            # It is on its way back, or told to be gone; `_settle` has the last word.
            logger.info("agent could not be stopped", session_id=session_id, error=str(error))

    async def end_turn(self, session_id: SessionId, reason: str | None = None) -> None:
        """Record that a turn is over which its agent cannot end any more; nothing happens when none runs."""
        closings = await withdrawals(self._parts, session_id, answered_too=True)
        ended = TurnEnded(at=self._parts.now(), outcome="interrupted", reason=reason)
        await self._moves.apply(
            session_id,
            agent=Trigger.TURN_ENDED,
            events=[*closings, ended],
            only_if=lambda seen: seen.agent in _BUSY,
        )

    async def _settle(self, session_id: SessionId, after: int) -> None:
        """End a stopped turn here if the agent does not within its time.

        Args:
            after: Number of the newest event when it was stopped; a turn that began after its end goes on.
        """
        try:
            await anyio.sleep(SETTLE_S)
            if not await self._is_over(session_id, after):
                await self.end_turn(session_id)
        except LotError as error:
            logger.info("stop was not settled", session_id=session_id, error=str(error))

    async def _stop_asleep(self, session_id: SessionId, after: int) -> None:
        """Wake a session whose turn sleeps with it, and stop that turn."""
        try:
            await self._resume(session_id)
            with anyio.move_on_after(WAKE_S):
                while (attachment := self._find_worker(session_id).attachment) is None:
                    await self._parts.bus.ticket(session_id).wait()
                await attachment.until_ready()
            await self.interrupt(session_id)
            await self._settle(session_id, after)
        except LotError as error:
            logger.info("sleeping turn was not stopped", session_id=session_id, error=str(error))

    async def _is_over(self, session_id: SessionId, after: int) -> bool:
        """Return whether a turn has ended since the event number `after`."""
        while page := await self._parts.store.read_events(session_id, after=after):
            if any(one.event.kind in ("turn_ended", "turn_failed") for one in page):
                return True
            after = page[-1].number
        return False
