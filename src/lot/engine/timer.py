"""Pauses what is due. Due times are stored with the sessions, so that a restart loses none."""

from collections.abc import Callable
from datetime import datetime

import anyio
import structlog

from lot.core.ids import SessionId
from lot.core.pausing import PauseReason
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, Trigger
from lot.engine.limits import Limits, activity_detail
from lot.engine.moves import Moves
from lot.engine.parts import Parts
from lot.engine.worker import SessionWorker

logger = structlog.get_logger(__name__)

TICK_S = 0.5


class Timer:
    """Looks, twice a second, which sessions are due."""

    def __init__(
        self, parts: Parts, moves: Moves, limits: Limits, find_worker: Callable[[SessionId], SessionWorker]
    ) -> None:
        self._parts, self._moves, self._limits, self._find_worker = parts, moves, limits, find_worker

    async def run(self) -> None:
        """Look until cancelled; a defect of ours is logged, and looked at again."""
        while True:
            await anyio.sleep(TICK_S)
            try:
                await self._look()
            except Exception:
                logger.exception("timer failed")

    async def _look(self) -> None:
        now = self._parts.now()
        for session in await self._parts.store.due_sessions(now):
            is_limit = session.pause_reason == PauseReason.LIMIT_REACHED
            if session.pause_reason == PauseReason.ACTIVITY_LIMIT and session.agent is AgentState.RUNNING:
                detail = activity_detail(self._parts.settings.activity_limit_s)
                await self._limits.reach(session.id, "activity", detail)
            elif not is_limit and await self._is_owed(session.id):
                self._find_worker(session.id).wake()
            else:
                await self._pause(session, now)

    async def _pause(self, session: Session, now: datetime) -> None:
        """Pause a session that is due, unless something has changed that."""
        is_limit = session.pause_reason == PauseReason.LIMIT_REACHED
        agent, events = await self._limits.find_move(session) if is_limit else (None, [])
        moved = await self._moves.apply(
            session.id,
            sandbox=Trigger.PAUSE_DUE,
            agent=agent,
            reason=session.reason if is_limit else session.pause_reason,
            events=events,
            only_if=lambda seen: (
                seen.sandbox_state is SandboxState.ON
                and seen.agent is session.agent
                and seen.pause_reason == session.pause_reason
                and seen.pause_at is not None
                and seen.pause_at <= now
            ),
        )
        if moved is not None:
            self._find_worker(session.id).wake()

    async def _is_owed(self, session_id: SessionId) -> bool:
        """Return whether a message or an answer waits for the agent."""
        store = self._parts.store
        return bool(await store.kept_messages(session_id) or await store.answered_asks(session_id))
