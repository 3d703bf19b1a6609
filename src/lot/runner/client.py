"""The control plane's view of one runner: the protocol that `fleet` hands out; `http_client.py` implements it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from anyio.abc import ByteStream

from lot.core.asks import Answer
from lot.core.ids import AskId
from lot.harness.harness import AgentRecord
from lot.runner.protocol import (
    AgentOrder,
    Assignment,
    AttachmentBody,
    BringUpOrder,
    BringUpResult,
    CommandOrder,
    CommandOutcome,
    ConfigureOrder,
    DevOrder,
    DevStatus,
    DiffResult,
    PauseResult,
    PortBody,
    ProcessBody,
    PublishOrder,
    PublishResult,
    RunnerNews,
    RunnerState,
    SyncOrder,
    SyncResult,
    TerminalOrder,
)
from lot.sandbox.link import Chunk


class TerminalStream(Protocol):
    """A live connection to one durable process: its output from a number on, and its input."""

    def __aiter__(self) -> AsyncIterator[Chunk]: ...
    async def send(self, data: bytes) -> None: ...
    async def resize(self, rows: int, columns: int) -> None: ...


class RunnerClient(Protocol):
    """Calls to one runner, each bounded in time. Raises `RunnerGoneError` when it cannot be reached.

    Every call also raises what the runner raised, as the same class of `core.errors`.
    """

    async def state(self) -> RunnerState: ...
    async def assign(self, assignment: Assignment) -> None: ...
    async def bring_up(self, order: BringUpOrder) -> BringUpResult: ...
    async def sync(self, order: SyncOrder) -> SyncResult: ...
    async def run_command(self, order: CommandOrder) -> CommandOutcome: ...
    async def start_dev(self, order: DevOrder) -> DevStatus:
        """Start the dev server (or, with `restart`, end it first); returns at once, without waiting for an answer."""
        ...

    async def dev_status(self, wait_s: float = 0.0) -> DevStatus:
        """Return the status; with `wait_s`, once it answers over HTTP or has exited, or when the time is over."""
        ...

    async def stop_dev(self) -> None: ...
    async def pause(self, into: str) -> PauseResult:
        """Close streams and links, checkpoint into the folder; the runner stays and may be told to bring up again."""
        ...

    async def start_agent(self, order: AgentOrder) -> None: ...
    async def send_message(self, message_id: str, text: str, attachments: Sequence[AttachmentBody] = ()) -> None: ...
    async def answer(self, ask: AskId, answer: Answer) -> bool:
        """Answer what the agent asked; False when nobody waits for it any more."""
        ...

    async def configure_agent(self, order: ConfigureOrder) -> None: ...
    async def interrupt(self) -> None: ...
    async def end_agent(self, run: int) -> None:
        """End the agent program of a run with everything it started; nothing happens when it is gone."""
        ...

    def agent_records(self, run: int, offset: int, program: str = "claude") -> AsyncIterator[AgentRecord]: ...
    async def diff(self, base_commit: str, paths: Sequence[str] = ()) -> DiffResult: ...
    def file_changes(self) -> AsyncIterator[None]:
        """Yield once changes of the workspace's files are noticed, then after each; see `runner.file_changes`."""
        ...

    async def publish(self, order: PublishOrder) -> PublishResult: ...
    async def processes(self) -> tuple[ProcessBody, ...]: ...
    async def open_terminal(self, order: TerminalOrder) -> ProcessBody: ...
    async def close_terminal(self, name: str) -> None:
        """End a terminal's shell and all that it runs; what it printed can still be read."""
        ...

    def attach(
        self, name: str, *, stream: str = "out", offset: int = 0
    ) -> AbstractAsyncContextManager[TerminalStream]: ...
    async def ports(self) -> tuple[PortBody, ...]: ...
    def dial(self, port: int) -> AbstractAsyncContextManager[ByteStream]:
        """Open a raw connection to a port inside the sandbox (preview)."""
        ...

    def watch(self) -> AsyncIterator[RunnerNews]: ...
    async def destroy_sandbox(self) -> None: ...
    async def retire(self) -> None:
        """End the runner; a sandbox that is on is left running, to be adopted: destroy or pause it first otherwise."""
        ...

    async def close(self) -> None: ...
