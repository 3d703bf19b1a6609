"""Limits that end a turn: the longest activity, and budgets. The agent is stopped first, then the session is paused.

All of it is in the session's row: its `pause_reason` says that a limit was reached, its `reason` which; so a control
plane that is stopped in between goes on where it was.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal

from lot.core.budgets import BudgetName
from lot.core.errors import NotFoundError
from lot.core.events import LimitReached, SessionEvent, TurnEnded
from lot.core.ids import SessionId
from lot.core.pausing import PauseReason
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, Trigger
from lot.engine.asking import withdrawals
from lot.engine.moves import Moves
from lot.engine.parts import Parts

STOP_GRACE_S = 15.0
"""How long an agent may take to stop; then it is paused as it is."""
_BUSY = (AgentState.RUNNING, AgentState.WAITING)


class Limits:
    """What happens when a limit is reached."""

    def __init__(
        self,
        parts: Parts,
        moves: Moves,
        interrupt: Callable[[SessionId], Awaitable[None]],
        start_soon: Callable[..., None],
    ) -> None:
        """`interrupt` stops a session's agent, where it can be reached."""
        self._parts, self._moves, self._interrupt, self._start_soon = parts, moves, interrupt, start_soon

    async def reach(self, session_id: SessionId, limit: BudgetName | Literal["activity"], detail: str) -> None:
        """Say that a limit is reached, stop the agent, and have the session paused; repeatable, and soon done.

        Nothing happens to a session that is off, or gone.

        Args:
            detail: What the user reads as the reason, with the next step.
        """
        told = LimitReached(at=self._parts.now(), limit=limit, detail=detail)
        try:
            moved = await self._moves.apply(
                session_id,
                reason=detail,
                events=[told],
                only_if=lambda seen: (
                    seen.sandbox_state is SandboxState.ON and seen.pause_reason != PauseReason.LIMIT_REACHED
                ),
                pause_at=self._parts.now() + timedelta(seconds=STOP_GRACE_S),
                pause_reason=PauseReason.LIMIT_REACHED,
            )
        except NotFoundError:
            return
        if moved is not None:
            self._start_soon(self._interrupt, session_id)

    async def find_move(self, session: Session) -> tuple[Trigger | None, list[SessionEvent]]:
        """Return what becomes of the agent of a session that is now paused for a limit, and what tells of it."""
        if session.agent not in _BUSY:
            return None, []
        ended = TurnEnded(at=self._parts.now(), outcome="interrupted", reason=session.reason)
        closings = await withdrawals(self._parts, session.id, answered_too=True)
        return Trigger.TURN_ENDED, [*closings, ended]


def activity_detail(limit_s: float) -> str:
    """Return what the user reads when an agent has worked for the longest time that it may."""
    hours = limit_s / 3600
    length = f"{hours:g} h" if hours >= 1 else f"{limit_s:g} s"
    return f"the agent worked for {length} without a break, the longest it may: send a message to go on"
