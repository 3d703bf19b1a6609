"""What Lot asks of an agent program: the protocol that every harness implements, and its value types.

A harness turns a program's raw output, read from a durable pipe, into our events by a pure function; it keeps
nothing that the pipe and the store do not have, so that it can be made anew at any moment while the agent lives on.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from lot.core.asks import Answer
from lot.core.events import LivePart, SessionEvent
from lot.core.ids import AskId, MessageId
from lot.core.records import AgentMode, Attachment, FileLines, SetupCommands
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
    effort: str | None = None
    """low, medium, high, xhigh or max; None: as the model does by itself."""
    mode: AgentMode = AgentMode.FULL
    program: str = "claude"
    """As `core.records.Session.program`."""
    preview_url: str | None = None
    """Where people see the app; told to the agent."""
    has_browser: bool = False
    """Whether the tool that takes a screenshot is offered."""
    is_setup: bool = False
    """Whether the tool is offered by which the agent says how the project is set up."""
    transcript: tuple[FileLines, ...] = ()
    """The program's own transcript as the store has it, put in place where the sandbox has none."""


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
    is_lost: bool = False
    """It ended with its sandbox: what became of its turn was decided when that was seen, and a question stays open."""
    parts: tuple[LivePart, ...] = ()
    """What is still being written, to be shown and forgotten. In a record with `is_live` nothing else is set."""
    is_live: bool = False
    """Only `parts` are said: nothing is stored, and the next record begins at the same `from_offset`."""
    lines: str = ""
    """The program's own lines between the two offsets, as far as they are worth keeping: whole, one below another."""
    files: tuple[FileLines, ...] = ()
    """What the program wrote to its own transcript, where it says so."""


class SessionTools(Protocol):
    """What Lot offers its agents as tools, carried out outside the sandbox."""

    async def create_pull_request(self, title: str | None, body: str | None) -> str:
        """Open the session's pull request or update it; return what to tell the agent, with its address."""

    async def propose_setup(self, commands: SetupCommands) -> str:
        """Have the project's snapshot built by these commands, or go on waiting for that; return how it went so far."""

    async def restart_dev_server(self) -> str:
        """Restart the dev server and wait until it answers or has failed; return which, with the end of its log."""

    async def read_dev_log(self, lines: int, process: str | None) -> str:
        """Return the newest lines of the dev server's log, or of a process's that runs beside it."""

    async def screenshot(self, path: str, width: int, height: int) -> bytes:
        """Return the app's page as a PNG."""


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

    async def send(self, message: MessageId, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Hand over a user's message; the program ignores an id that it has seen.

        Raises:
            AgentError: the program is gone.
        """

    async def interrupt(self) -> None:
        """Stop the running turn and the commands it started; nothing happens when none runs."""

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        """Answer what the agent asked; repeatable.

        Returns:
            False when the program that asked is gone or no longer waits for it: the answer must reach the agent
            otherwise.
        """

    async def configure(self, *, model: str | None, effort: str | None, mode: AgentMode) -> None:
        """Use these from the next request on; what is as it was already is left alone.

        Raises:
            AgentError: the provider does not have the model, or the program does not know the mode; all stays as it
                was.
        """

    def records(self, link: GuestLink, run: int, offset: int) -> AsyncIterator[AgentRecord]:
        """Yield everything from byte `offset` of a run's output on, then what comes; independent of `start`."""

    async def detach(self) -> None:
        """Let go of the program without ending it: before a checkpoint, or when the runner retires."""
