"""What Lot asks of an agent program: the protocol that every harness implements, and its value types.

A harness turns a program's raw output, read from a durable pipe, into our events by a pure function; it keeps
nothing that the pipe and the store do not have, so that it can be made anew at any moment while the agent lives on.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from lot.core.events import SessionEvent
from lot.core.ids import MessageId
from lot.core.session import AgentState
from lot.sandbox.link import GuestLink


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """How the agent program of one session is started."""

    run: int
    """Its durable process is `agent-<run>`."""
    agent_session: str
    """A UUID, the program's own name of the conversation."""
    is_continuation: bool
    """Whether that conversation exists already and is to be continued."""
    cwd: PurePosixPath
    model: str | None
    provider: str
    """`anthropic` or `rehearsal`; for labels only, the gateway decides where requests go."""
    is_scripted: bool = False
    max_retries: int = 4
    """How often the program itself tries a failed request to the model again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """What one stretch of the agent's output means; applied to the store as a whole or not at all."""

    run: int
    from_offset: int
    to_offset: int
    events: tuple[SessionEvent, ...]
    delivered: tuple[MessageId, ...] = ()
    """Messages that the agent has now taken."""
    agent: AgentState | None = None
    """The agent's state after this record, where it says so."""
    is_end: bool = False
    """The program has ended; nothing follows in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBinary:
    """The agent program on the host, mounted read-only into sandboxes."""

    source: Path
    target: PurePosixPath
    version: str


class Harness(Protocol):
    """Drives one agent program in one sandbox."""

    async def start(self, link: GuestLink, options: AgentOptions) -> None:
        """Start the program, or attach to the one of this run that is already up; repeatable.

        Raises:
            AgentError: it did not come up, with what it said.
        """

    async def send(self, message: MessageId, text: str) -> None:
        """Hand over a user's message; the program ignores an id that it has seen.

        Raises:
            AgentError: the program is gone.
        """

    async def interrupt(self) -> None:
        """Stop the running turn and the commands it started; nothing happens when none runs."""

    async def set_model(self, model: str | None) -> None:
        """Use another model from the next request on."""

    def records(self, link: GuestLink, run: int, offset: int) -> AsyncIterator[AgentRecord]:
        """Yield everything from byte `offset` of a run's output on, then what comes; independent of `start`."""

    async def detach(self) -> None:
        """Let go of the program without ending it: before a checkpoint, or when the runner retires."""
