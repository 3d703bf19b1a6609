"""What of a session its users are told while they look elsewhere.

The page decides by the same rule (`web/src/features/session/attention.ts`); `tests/golden/news.json` tests both.
"""

from dataclasses import dataclass
from enum import StrEnum

from lot.core.ids import SessionId
from lot.core.session import AgentState, SessionLabel


class News(StrEnum):
    """What happened."""

    WAITS = "waits"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a session stands, as far as its users are told."""

    session_id: SessionId
    title: str
    project_name: str
    agent: AgentState
    is_waiting: bool
    """Whether it needs its user; see `is_waiting`."""


_WORDS = {News.WAITS: "needs you", News.DONE: "is done", News.FAILED: "failed"}


def is_waiting(label: SessionLabel, open_asks: int) -> bool:
    """Return whether a session needs its user; one that sleeps over its question does, too."""
    return open_asks > 0 or label is SessionLabel.WAITING


def news_of(before: Standing | None, after: Standing) -> News | None:
    """Return what changed so that users should hear of it.

    Args:
        before: None: it is seen for the first time, which is no news.
    """
    if before is None:
        return None
    if after.is_waiting and not before.is_waiting:
        return News.WAITS
    if before.agent is not AgentState.RUNNING:
        return None
    return {AgentState.ERRORED: News.FAILED, AgentState.IDLE: News.DONE}.get(after.agent)


def in_words(standing: Standing, news: News) -> str:
    """Return the line that tells of it."""
    return f"{standing.title} {_WORDS[news]}"
