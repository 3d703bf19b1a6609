"""Pause and resume as they are asked for, and how long a session that is used stays on."""

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import anyio
import structlog

from lot.core.errors import LotError, StaleWriteError, UnavailableError
from lot.core.ids import SessionId
from lot.core.pausing import PauseReason
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, Trigger
from lot.engine.defaults import read_defaults
from lot.engine.moves import Moves, reason_to_keep
from lot.engine.parts import Parts
from lot.engine.waiting import wait_until
from lot.engine.worker import SessionWorker

logger = structlog.get_logger(__name__)

EXTEND_STEP_S = 10.0
"""Use of a session moves its due time at most this often."""
SHUTDOWN_PAUSE_S = 120.0
"""The longest that an orderly stop waits for sessions to be paused."""


class Sleeping:
    """Has sessions fall asleep, wake up and stay awake; `pausing.py` and `waking.py` carry it out."""

    def __init__(self, parts: Parts, moves: Moves, find_worker: Callable[[SessionId], SessionWorker]) -> None:
        self._parts, self._moves, self._find_worker = parts, moves, find_worker

    async def pause(self, session_id: SessionId, reason: str) -> Session:
        """Pause a session that is on; nothing happens when it is paused already."""
        session = await self._parts.store.get_session(session_id)
        if session.sandbox_state in (SandboxState.PAUSED, SandboxState.PAUSING):
            return session
        moved = await self._moves.apply(session_id, sandbox=Trigger.PAUSE_DUE, reason=reason)
        self._find_worker(session_id).wake()
        return moved or session

    async def resume(self, session_id: SessionId) -> Session:
        """Wake a session without starting its agent; nothing happens when it is on or on its way."""
        session = await self._parts.store.get_session(session_id)
        trigger = {SandboxState.PAUSED: Trigger.RESUME_ASKED, SandboxState.ABSENT: Trigger.BOOT_ASKED}.get(
            session.sandbox_state
        )
        if trigger is None and session.sandbox_state is not SandboxState.PAUSING:
            return session
        if trigger is None:
            await wait_until(self._parts, session_id, lambda seen: seen.sandbox_state is not SandboxState.PAUSING, 60.0)
            return await self.resume(session_id)
        moved = await self._moves.apply(
            session_id,
            sandbox=trigger,
            reason=reason_to_keep(session),
            only_if=lambda seen: seen.sandbox_state in (SandboxState.PAUSED, SandboxState.ABSENT),
        )
        self._find_worker(session_id).wake()
        return moved or await self._parts.store.get_session(session_id)

    async def keep_awake(self, session_id: SessionId, until: datetime) -> Session:
        """Do not pause a session for being idle before `until`; never shortens what is left."""
        kept = await self._moves.apply(
            session_id,
            only_if=lambda seen: (
                seen.sandbox_state is SandboxState.ON
                and seen.pause_reason != PauseReason.LIMIT_REACHED
                and (seen.pause_at is None or seen.pause_at < until)
            ),
            pause_at=until,
            pause_reason=PauseReason.KEPT_AWAKE,
        )
        return kept or await self._parts.store.get_session(session_id)

    async def extend(self, session_id: SessionId, reason: str) -> None:
        """Begin the idle countdown anew because somebody uses the session; often called, seldom written."""
        session = await self._parts.store.get_session(session_id)
        until = self._parts.now() + timedelta(seconds=(await read_defaults(self._parts)).idle_countdown_s)
        is_due_later = session.pause_at is None or session.pause_at > until - timedelta(seconds=EXTEND_STEP_S)
        is_fixed = session.agent is AgentState.RUNNING or session.pause_reason == PauseReason.LIMIT_REACHED
        if session.sandbox_state is not SandboxState.ON or is_fixed or is_due_later:
            return
        with contextlib.suppress(StaleWriteError):
            await self._parts.store.change_session(
                session_id, seen_version=session.version, now=self._parts.now(), pause_at=until, pause_reason=reason
            )
            self._parts.bus.overview.session(session_id)

    async def paused(self, session_id: SessionId, reason: str) -> Session:
        """Pause a session and return it once it is; a refusal is raised."""
        await wait_until(
            self._parts,
            session_id,
            lambda seen: seen.sandbox_state not in (SandboxState.RESUMING, SandboxState.BOOTING),
            60.0,
        )
        await self.pause(session_id, reason)
        session = await wait_until(
            self._parts, session_id, lambda seen: seen.sandbox_state is not SandboxState.PAUSING, 120.0
        )
        if session.sandbox_state is SandboxState.ON:
            raise UnavailableError(session.reason or "the session could not be paused; try again")
        return session

    async def pause_all(self) -> None:
        """Pause every session that is on, as many at once as the host has cores to do it well."""
        limiter = anyio.CapacityLimiter(2)
        with anyio.move_on_after(SHUTDOWN_PAUSE_S):
            async with anyio.create_task_group() as group:
                for session in await self._parts.store.list_in_sandbox_states([SandboxState.ON, SandboxState.PAUSING]):
                    group.start_soon(self._pause_for_stop, session.id, limiter)

    async def _pause_for_stop(self, session_id: SessionId, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            try:
                await self.paused(session_id, "Lot was stopped")
            except LotError as error:
                logger.warning("session could not be paused", session_id=session_id, error=str(error))
