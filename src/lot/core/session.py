"""A session's course: what the agent does, what its sandbox does, and the one label made from both.

Leaves out time (`pausing.py`) and everything that happens because of a move (`engine/`).
"""

from collections.abc import Mapping
from enum import StrEnum

from lot.core.errors import TransitionNotAllowedError


class AgentState(StrEnum):
    """What the agent does."""

    IDLE = "idle"
    RUNNING = "running"
    WAITING = "waiting"
    ERRORED = "errored"


class SandboxState(StrEnum):
    """What the sandbox does."""

    ABSENT = "absent"
    BOOTING = "booting"
    ON = "on"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"


class Trigger(StrEnum):
    """What moves a session."""

    TURN_STARTED = "turn_started"
    TURN_ENDED = "turn_ended"
    TURN_FAILED = "turn_failed"
    QUESTION_ASKED = "question_asked"
    QUESTION_ANSWERED = "question_answered"
    BOOT_ASKED = "boot_asked"
    BOOTED = "booted"
    BOOT_FAILED = "boot_failed"
    PAUSE_DUE = "pause_due"
    PAUSE_DONE = "pause_done"
    PAUSE_REFUSED = "pause_refused"
    RESUME_ASKED = "resume_asked"
    RESUME_FAILED = "resume_failed"
    SANDBOX_LOST = "sandbox_lost"
    SETUP_BEGUN = "setup_begun"


class SessionLabel(StrEnum):
    """The word a user reads."""

    STARTING = "Starting"
    RUNNING = "Running"
    IDLE = "Idle"
    WAITING = "Waiting for user"
    ERRORED = "Errored"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    RESUMING = "Resuming"


A, S, T = AgentState, SandboxState, Trigger

AGENT_MOVES: Mapping[tuple[AgentState, Trigger], AgentState] = {
    **{(a, T.TURN_STARTED): A.RUNNING for a in A},
    **{(a, T.TURN_ENDED): A.IDLE for a in (A.RUNNING, A.WAITING)},
    **{(a, T.TURN_FAILED): A.ERRORED for a in A},
    (A.RUNNING, T.QUESTION_ASKED): A.WAITING,
    (A.WAITING, T.QUESTION_ANSWERED): A.RUNNING,
    **{(a, T.SETUP_BEGUN): A.IDLE for a in (A.IDLE, A.ERRORED)},
}
"""A turn may start from every state: a message while Running steers the running turn, which stays Running.

A setup session that waits for its first sandbox is errored while the newest setup has failed.
"""

SANDBOX_MOVES: Mapping[tuple[SandboxState, Trigger], SandboxState] = {
    (S.ABSENT, T.BOOT_ASKED): S.BOOTING,
    (S.BOOTING, T.BOOTED): S.ON,
    (S.BOOTING, T.BOOT_FAILED): S.ABSENT,
    (S.ON, T.PAUSE_DUE): S.PAUSING,
    (S.PAUSING, T.PAUSE_DONE): S.PAUSED,
    (S.PAUSING, T.PAUSE_REFUSED): S.ON,
    (S.PAUSED, T.RESUME_ASKED): S.RESUMING,
    (S.RESUMING, T.BOOTED): S.ON,
    (S.RESUMING, T.RESUME_FAILED): S.PAUSED,
    **{(s, T.SANDBOX_LOST): S.PAUSED for s in (S.BOOTING, S.ON, S.PAUSING, S.RESUMING)},
}
"""A lost sandbox leaves the session paused: its disk (and perhaps an image) is there, and resuming takes the best rung.

ABSENT is the state before the first boot succeeded; a failed first boot can be asked for again.
"""

_SANDBOX_LABELS: Mapping[SandboxState, SessionLabel] = {
    S.BOOTING: SessionLabel.STARTING,
    S.PAUSING: SessionLabel.PAUSING,
    S.PAUSED: SessionLabel.PAUSED,
    S.RESUMING: SessionLabel.RESUMING,
}
_AGENT_LABELS: Mapping[AgentState, SessionLabel] = {
    A.IDLE: SessionLabel.IDLE,
    A.RUNNING: SessionLabel.RUNNING,
    A.WAITING: SessionLabel.WAITING,
    A.ERRORED: SessionLabel.ERRORED,
}


def move_agent(state: AgentState, trigger: Trigger) -> AgentState:
    """Return the agent's next state.

    Raises:
        TransitionNotAllowedError: the trigger means nothing in this state.
    """
    try:
        return AGENT_MOVES[state, trigger]
    except KeyError:
        raise TransitionNotAllowedError(f"the agent is {state}", trigger) from None


def move_sandbox(state: SandboxState, trigger: Trigger) -> SandboxState:
    """Return the sandbox's next state.

    Raises:
        TransitionNotAllowedError: the trigger means nothing in this state.
    """
    try:
        return SANDBOX_MOVES[state, trigger]
    except KeyError:
        raise TransitionNotAllowedError(f"the sandbox is {state}", trigger) from None


def label(agent: AgentState, sandbox: SandboxState) -> SessionLabel:
    """Return the word the user reads: the sandbox's while it is not on, else the agent's."""
    if sandbox is S.ABSENT:
        return SessionLabel.ERRORED if agent is A.ERRORED else SessionLabel.STARTING
    return _SANDBOX_LABELS.get(sandbox) or _AGENT_LABELS[agent]
