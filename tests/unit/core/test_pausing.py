"""When a session falls asleep."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lot.config import Settings
from lot.core.pausing import PauseDeadline, PauseReason, keep_awake, pause_deadline, window_deadline
from lot.core.session import AgentState

SINCE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMITS = Settings(idle_countdown_s=300, resume_window_s=200, activity_limit_s=86_400)
INSTANTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize("agent", [AgentState.IDLE, AgentState.WAITING, AgentState.ERRORED])
def test_quiet_agent_gives_the_idle_countdown(agent: AgentState) -> None:
    assert pause_deadline(agent, SINCE, LIMITS) == (SINCE + timedelta(minutes=5), PauseReason.QUIET)


def test_running_agent_gives_the_activity_limit() -> None:
    expected = (SINCE + timedelta(days=1), PauseReason.ACTIVITY_LIMIT)
    assert pause_deadline(AgentState.RUNNING, SINCE, LIMITS) == expected


def test_defaults_are_the_specified_ones() -> None:
    defaults = Settings()
    assert pause_deadline(AgentState.IDLE, SINCE, defaults).at == SINCE + timedelta(seconds=300)
    assert pause_deadline(AgentState.RUNNING, SINCE, defaults).at == SINCE + timedelta(seconds=86_400)
    assert window_deadline(SINCE, defaults).at == SINCE + timedelta(seconds=300)


def test_resume_without_a_message_gives_its_window() -> None:
    assert window_deadline(SINCE, LIMITS) == (SINCE + timedelta(seconds=200), PauseReason.RESUME_WINDOW)


@given(st.sampled_from(AgentState), INSTANTS, INSTANTS)
def test_keeping_awake_only_extends(agent: AgentState, since: datetime, until: datetime) -> None:
    deadline = pause_deadline(agent, since, LIMITS)
    kept = keep_awake(deadline, until)
    assert kept.at == max(deadline.at, until)
    assert kept == deadline or kept.reason is PauseReason.KEPT_AWAKE


def test_instants_need_a_timezone() -> None:
    naive = SINCE.replace(tzinfo=None)
    with pytest.raises(ValueError, match="no timezone"):
        pause_deadline(AgentState.IDLE, naive, LIMITS)
    with pytest.raises(ValueError, match="no timezone"):
        window_deadline(naive, LIMITS)
    with pytest.raises(ValueError, match="no timezone"):
        keep_awake(PauseDeadline(SINCE, PauseReason.QUIET), naive)
