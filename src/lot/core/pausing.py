"""When a session falls asleep: pure functions over stored instants. Who acts on a due time is the engine's affair."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from lot.core.session import AgentState


class PauseReason(StrEnum):
    """Why a sandbox that is on will be paused at its deadline."""

    QUIET = "quiet"
    """The agent is idle, waits for an answer or failed, and nobody has written since."""
    ACTIVITY_LIMIT = "activity_limit"
    """The agent has worked for the longest time that it may without a break."""
    RESUME_WINDOW = "resume_window"
    """It was woken without a message, to be looked at."""
    KEPT_AWAKE = "kept_awake"
    """Somebody asked for it to stay awake until then."""
    LIMIT_REACHED = "limit_reached"
    """A limit was reached: its agent is being stopped, for which it has until then."""


class PauseDeadline(NamedTuple):
    """When a sandbox is to be paused, and why then."""

    at: datetime
    reason: PauseReason


class PauseLimits(Protocol):
    """The lengths that decide; `config.Settings` has them."""

    @property
    def idle_countdown_s(self) -> float:
        """From the end of a turn, a question or an error to the pause."""

    @property
    def resume_window_s(self) -> float:
        """From a resume without a message to the pause."""

    @property
    def activity_limit_s(self) -> float:
        """Longest uninterrupted work of an agent."""


def pause_deadline(agent: AgentState, since: datetime, limits: PauseLimits) -> PauseDeadline:
    """Return when a sandbox that is on is to be paused.

    Args:
        since: When the agent entered its state, or the last message if that is later; timezone-aware.

    Returns:
        `activity_limit_s` on for a running agent, else `idle_countdown_s`.

    Raises:
        ValueError: `since` has no timezone.
    """
    if agent is AgentState.RUNNING:
        return PauseDeadline(_after(since, limits.activity_limit_s), PauseReason.ACTIVITY_LIMIT)
    return PauseDeadline(_after(since, limits.idle_countdown_s), PauseReason.QUIET)


def window_deadline(resumed_at: datetime, limits: PauseLimits) -> PauseDeadline:
    """Return when a sandbox that was woken without a message is to be paused again, whatever its agent was doing.

    A message in that window lifts it: the deadline is then `pause_deadline`'s.

    Raises:
        ValueError: `resumed_at` has no timezone.
    """
    return PauseDeadline(_after(resumed_at, limits.resume_window_s), PauseReason.RESUME_WINDOW)


def keep_awake(deadline: PauseDeadline, until: datetime) -> PauseDeadline:
    """Return the deadline of a session that is to stay awake until a stated time; it may only extend.

    Raises:
        ValueError: `until` has no timezone.
    """
    until = _after(until, 0)
    return PauseDeadline(until, PauseReason.KEPT_AWAKE) if until > deadline.at else deadline


def _after(start: datetime, seconds: float) -> datetime:
    if start.tzinfo is None:
        raise ValueError(f"{start} has no timezone")
    return start + timedelta(seconds=seconds)
