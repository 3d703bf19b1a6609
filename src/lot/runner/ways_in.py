"""Every way into a sandbox that is on: the link to its guest, and all that the runner does over it.

Closed as a whole before a checkpoint, and opened anew after one that was refused: no connection may be open then.
The gateway, which the sandbox itself connects to, is apart: it stays with the sandbox.
"""

import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace

import anyio
from anyio.abc import ByteStream, TaskGroup, TaskStatus

from lot.core.asks import Answer
from lot.core.errors import AgentError, InvalidInputError, LotError, NotFoundError, SandboxUnavailableError
from lot.core.ids import AskId, MessageId
from lot.core.records import Attachment, FileLines
from lot.guest.wire import GUEST_PORT
from lot.harness.closing import closing
from lot.harness.harness import AgentOptions, AgentRecord, Harness
from lot.runner.commands import Commands
from lot.runner.dev_processes import DevProcesses
from lot.runner.dev_server import DevServer
from lot.runner.first_error import first_error
from lot.runner.parts import WORKSPACE, ControlPlane, RunnerParts, Workspace
from lot.runner.protocol import (
    TERMINAL_PREFIX,
    AgentOrder,
    AttachmentBody,
    ConfigureOrder,
    DevStatus,
    RunnerNews,
    TerminalOrder,
)
from lot.runner.session_tools import RunnerTools
from lot.sandbox.link import GuestLink, ProcessSpec, ProcessStatus

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 5.0
AGENT_GRACE_S = 2.0
"""How long an agent program that is to end may take."""
TERMINAL_GRACE_S = 1.0
"""How long a shell and what it runs may take to end; an interactive one ignores to be asked."""
_ACKNOWLEDGE_EVERY_BYTES = 256 << 10
"""A reader confirms every record; the guest hears of it this often, and whenever a reader attaches."""
_REASON_BYTES = 2000
PORTS_PAUSE_S = 0.5
"""Between two news of ports."""


class WaysIn:
    """One link's worth of access to a sandbox."""

    def __init__(
        self, link: GuestLink, parts: RunnerParts, control: ControlPlane, tell: Callable[[RunnerNews], None]
    ) -> None:
        self.link = link
        self.workspace: Workspace = parts.workspace(link)
        self.commands = Commands(link, WORKSPACE)
        beside = DevProcesses(link, WORKSPACE, self._start_soon, self._tell_dev_process)
        self.dev = DevServer(link, WORKSPACE, self._start_soon, self._tell_dev, beside)
        self._parts = parts
        self._tools = RunnerTools(link, self.dev, control)
        self._harness: Harness | None = None
        self._agent: AgentOptions | None = None
        self._stored = (0, 0)
        self._tell = tell
        self._is_closing = False
        self._streams: set[anyio.CancelScope] = set()
        self._no_stream = anyio.Event()
        self._tasks: TaskGroup | None = None
        self._all_closed = anyio.Event()

    async def hold_open(self, *, task_status: TaskStatus[None]) -> None:
        """Be the parent of everything that goes on here, until `close`."""
        try:
            async with anyio.create_task_group() as self._tasks:
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._all_closed.set()

    async def close(self, *, quiesce: bool) -> None:
        """End everything that goes on here; with `quiesce` have the guest bring its journals to disk. Repeatable."""
        self._is_closing = True
        with anyio.move_on_after(CLOSE_TIMEOUT_S):
            if self._harness is not None:
                await self._harness.detach()
            await self._end_streams()
            if self._tasks is not None:
                self._tasks.cancel_scope.cancel()
                await self._all_closed.wait()
            if quiesce:
                await self.link.quiesce()
        await self.link.close()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a lasting connection into the sandbox, which `close` ends.

        Raises:
            SandboxUnavailableError: everything is being closed, also in the middle of the block.
        """
        if self._is_closing:
            raise SandboxUnavailableError("the sandbox is being paused")
        with anyio.CancelScope() as scope:
            self._streams.add(scope)
            try:
                yield
            finally:
                self._streams.discard(scope)
                if not self._streams:
                    self._no_stream.set()
        if scope.cancelled_caught:
            raise SandboxUnavailableError("the connection was closed because the sandbox is being paused")

    def watch_ports(self) -> None:
        """Tell from now on whenever other ports are listened on; a guest older than us is not watched."""
        self._start_soon(self._watch_ports)

    async def start_agent(self, order: AgentOrder) -> None:
        """Have the agent program of this run up."""
        await self._start_agent(
            AgentOptions(
                run=order.run,
                agent_session=order.agent_session,
                is_continuation=order.is_continuation,
                cwd=WORKSPACE,
                model=order.model,
                provider=order.provider,
                is_scripted=order.is_scripted,
                effort=order.effort,
                mode=order.mode,
                program=order.program,
                preview_url=order.preview_url,
                has_browser=order.has_browser,
                is_setup=order.is_setup,
                transcript=tuple(FileLines(path=file.path, lines=file.text) for file in order.transcript),
            )
        )

    async def restore_agent(self, before: "WaysIn") -> None:
        """Take up the agent program that earlier ways in had attached to."""
        if before._agent is not None:
            await self._start_agent(before._agent)

    async def _start_agent(self, options: AgentOptions) -> None:
        if self._harness is None or self._agent is None or self._agent.program != options.program:
            self._harness = self._parts.harness(options.program, self._tools)
        await self._harness.start(self.link, options)
        is_new = self._agent is None or self._agent.run != options.run
        self._agent = options
        if is_new:
            self._start_soon(self._watch_agent, options.run)

    async def send_message(self, message_id: str, text: str, attachments: Sequence[AttachmentBody] = ()) -> None:
        """Hand a message to the agent."""
        files = [
            Attachment(name=file.name, media_type=file.media_type, data=base64.b64decode(file.data))
            for file in attachments
        ]
        await self._started_harness().send(MessageId(message_id), text, files)

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        """Answer what the agent asked; False when nobody waits for it any more."""
        return await self._started_harness().answer(ask, answer)

    async def configure_agent(self, order: ConfigureOrder) -> None:
        """Have the agent use another model, effort or mode."""
        await self._started_harness().configure(model=order.model, effort=order.effort, mode=order.mode)
        if self._agent is not None:
            self._agent = replace(self._agent, model=order.model, effort=order.effort, mode=order.mode)

    async def end_agent(self, run: int) -> None:
        """End the agent program of a run with everything it started; nothing happens when it is gone."""
        if self._agent is not None and self._agent.run == run and self._harness is not None:
            await self._harness.detach()
            self._agent = None
        with suppress(NotFoundError):
            await self.link.stop(f"agent-{run}", AGENT_GRACE_S)

    async def interrupt(self) -> None:
        """Stop the running turn."""
        await self._started_harness().interrupt()

    async def records(self, run: int, offset: int, program: str) -> AsyncIterator[AgentRecord]:
        """Yield what the agent says from `offset` on, which is stored for certain, as the reader asks from there."""
        await self._acknowledge(run, offset)
        async with closing(self._parts.harness(program, self._tools).records(self.link, run, offset)) as records:
            async for record in records:
                yield record

    async def stored(self, run: int, offset: int) -> None:
        """Take note that everything before `offset` is stored."""
        known_run, known = self._stored
        if run != known_run or offset - known >= _ACKNOWLEDGE_EVERY_BYTES:
            await self._acknowledge(run, offset)

    async def open_terminal(self, order: TerminalOrder) -> ProcessStatus:
        """Have a terminal of that name."""
        _require_terminal(order.name)
        return await self.link.start(
            ProcessSpec(
                name=order.name,
                argv=("bash", "-l"),
                cwd=WORKSPACE,
                environment={"TERM": "xterm-256color"},
                pty=(order.rows, order.columns),
            )
        )

    async def close_terminal(self, name: str) -> None:
        """End a terminal's shell and all that it runs; nothing happens when it has ended.

        Raises:
            NotFoundError: there is none of that name.
        """
        _require_terminal(name)
        await self.link.stop(name, TERMINAL_GRACE_S)

    @asynccontextmanager
    async def dial(self, port: int) -> AsyncIterator[ByteStream]:
        """Open a raw connection to a port inside the sandbox.

        Raises:
            InvalidInputError: the port is the guest's own, or none. SandboxUnavailableError: nothing listens there.
        """
        if port == GUEST_PORT or not 0 < port < 1 << 16:
            raise InvalidInputError(f"port {port} cannot be forwarded")
        with self.stream():
            await self.dev.until_thawed()
            async with self.link.dial(port) as connection:
                yield connection

    def _started_harness(self) -> Harness:
        if self._harness is None:
            raise AgentError("the agent program is not attached: start it first")
        return self._harness

    async def _acknowledge(self, run: int, offset: int) -> None:
        self._stored = (run, offset)
        try:
            await self.link.acknowledge(f"agent-{run}", "out", offset)
        except NotFoundError:
            return  # said again, and better, by whoever reads the records

    async def _watch_agent(self, run: int) -> None:
        """Tell when the agent program ends, with the end of what it complained of."""
        name, complaint = f"agent-{run}", bytearray()
        process = next((process for process in await self.link.processes() if process.name == name), None)
        if process is None:
            return
        async for chunk in self.link.attach(
            name, "err", max(process.starts["err"], process.ends["err"] - _REASON_BYTES)
        ):
            complaint += chunk.data
            del complaint[:-_REASON_BYTES]
        if self._agent is not None and self._agent.run == run:
            self._tell(RunnerNews(news="agent_gone", detail=complaint.decode(errors="replace") or None))

    def _tell_dev(self, status: DevStatus) -> None:
        self._tell(RunnerNews(news="dev_server", detail=status.detail, dev=status))

    def _tell_dev_process(self, name: str, detail: str) -> None:
        self._tell(RunnerNews(news="dev_process", detail=detail, process=name))

    async def _watch_ports(self) -> None:
        """Tell whenever other ports are listened on than before."""
        async with closing(self.link.follow_ports()) as changes:
            await anext(changes)
            async for _ in changes:
                self._tell(RunnerNews(news="ports"))
                # A sandbox sets the pace of its changes, but not of our work.
                await anyio.sleep(PORTS_PAUSE_S)

    async def _end_streams(self) -> None:
        self._no_stream = anyio.Event()
        for scope in self._streams:
            scope.cancel()
        if self._streams:
            await self._no_stream.wait()

    def _start_soon(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        if self._tasks is None or self._is_closing:
            raise SandboxUnavailableError("the sandbox is being paused")
        self._tasks.start_soon(self._carry_out, work, arguments)

    async def _carry_out(self, work: Callable[..., Awaitable[None]], arguments: tuple[object, ...]) -> None:
        try:
            await work(*arguments)
        except Exception as error:
            cause = first_error(error)
            if isinstance(cause, SandboxUnavailableError):
                return  # told by whoever watches the sandbox
            if isinstance(cause, LotError):
                logger.warning("task ended", extra={"task": work.__name__, "reason": str(cause)})
            else:
                logger.exception("task failed", extra={"task": work.__name__})


def _require_terminal(name: str) -> None:
    if not name.startswith(TERMINAL_PREFIX):
        raise InvalidInputError(f"{name!r} is no name of a terminal: use terminal-<number>")
