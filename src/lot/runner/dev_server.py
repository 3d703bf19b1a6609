"""The workspace's dev server: started, restarted, stopped, and asked over HTTP whether it answers.

A silent or dead one is told of with the end of its log. Once it has answered it is asked again only on demand: a
dev server may log every request.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import PurePosixPath

import anyio

from lot.core.errors import NotFoundError, SandboxUnavailableError
from lot.runner.dev_processes import PTY, DevProcesses
from lot.runner.log_tail import LogTail
from lot.runner.protocol import DevOrder, DevStatus
from lot.sandbox.link import GuestLink, ProcessSpec, ProcessStatus

NAME = "dev"
SILENT_AFTER_S = 60.0
"""From the start; a dev server that has not answered by then is called silent, and still asked."""
_ASK_EVERY_S = (0.05, 0.1, 0.2, 0.5)
"""Pauses between questions; the last one from then on."""
_ANSWER_TIME_S = 15.0
"""The first request makes some dev servers compile the whole page."""
THAW_LIMIT_S = 2.0
"""From when it was found; the longest that others wait for its first answer to us."""
_STATUS_LINE_BYTES = 256


class DevServer:
    """The dev server of one sandbox that is on, as long as the link lasts. `tell` gets every change of status.

    What runs beside it (`beside`) is started, restarted and ended with it.
    """

    def __init__(
        self,
        link: GuestLink,
        workspace: PurePosixPath,
        start_soon: Callable[..., None],
        tell: Callable[[DevStatus], None],
        beside: DevProcesses,
    ) -> None:
        self._link = link
        self._beside = beside
        self._workspace = workspace
        self._start_soon = start_soon
        self._tell = tell
        self._status = DevStatus(status="absent")
        self._followed: ProcessStatus | None = None
        self._port: int | None = None
        """Where it is asked; None: wherever its processes listen."""
        self._ports_found: list[int] = []
        """Where they listened when it was found, which is asked first."""
        self._settled = anyio.Event()
        """Set while the status is one that a waiting caller waits for."""
        self._settled.set()
        self._thawed_at = 0.0
        """Until then, on the monotonic clock, others wait for the first answer of one that came along."""
        self._scope = anyio.CancelScope()
        self._log = LogTail()

    async def find(self) -> None:
        """Follow a dev server that came along with the sandbox, if there is one, and what runs beside it."""
        async with anyio.create_task_group() as questions:
            questions.start_soon(self._note_ports)
            processes = await self._link.processes()
        self._beside.take_up(processes)
        process = _dev_among(processes)
        if process is not None and process.is_running:
            self._follow(process, port=None)
            self._thawed_at = time.monotonic() + THAW_LIMIT_S

    async def until_thawed(self) -> None:
        """Wait, for a moment, until a dev server that came along with the sandbox has answered us once.

        Connections that reach Node at the same time in its first milliseconds after a restore have made it close every
        connection without an answer, for seconds or for good; one at a time, none did.
        """
        with anyio.move_on_after(self._thawed_at - time.monotonic()):
            await self._settled.wait()

    async def start(self, order: DevOrder) -> DevStatus:
        """Have it running, ended first if asked so; returns without waiting for an answer."""
        if order.restart:
            await self.stop()
        process = self._running or await self._link.start(
            ProcessSpec(
                name=NAME,
                argv=("bash", "-lc", order.command),
                cwd=self._workspace,
                environment={"TERM": "xterm-256color", **order.environment},
                pty=PTY,
            )
        )
        known = self._status
        if self._running is process and known.status == "starting":
            # It is being asked already: one that has just been restored is not to be asked twice at once.
            self._port = order.port or self._port
        elif (known.status, known.pid) != ("answering", process.pid) or order.port not in (None, known.port):
            self._follow(process, order.port)
        await self._beside.start(order)
        return self._status

    async def status(self, wait_s: float) -> DevStatus:
        """Return its status, asking anew; with `wait_s`, once it answers or has ended or the time is over."""
        if self._status.status == "answering" and self._status.port is not None:
            answer = await self._ask(self._status.port)
            if answer is not None:
                self._status = self._status.model_copy(update={"http_status": answer})
        with anyio.move_on_after(wait_s):
            await self._settled.wait()
        return self._status

    async def stop(self) -> None:
        """End it and what runs beside it, with all their children; nothing happens when there is none."""
        self._scope.cancel()
        await self._beside.stop()
        with suppress(NotFoundError):
            await self._link.stop(NAME)
        self._change(DevStatus(status="absent"))

    @property
    def _running(self) -> ProcessStatus | None:
        """The process that is followed, as long as nothing is known of its end: no need to ask for it again."""
        return self._followed if self._status.status in ("starting", "answering", "silent") else None

    def _follow(self, process: ProcessStatus, port: int | None) -> None:
        self._scope.cancel()
        self._followed, self._port = process, port
        self._scope = anyio.CancelScope()
        self._log = LogTail()
        self._status = DevStatus(status="starting", port=port, pid=process.pid)
        self._settled = anyio.Event()
        self._start_soon(self._watch, process, self._scope)

    async def _watch(self, process: ProcessStatus, scope: anyio.CancelScope) -> None:
        """Ask until it answers, and wait for its end."""
        with scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._ask_until_answered, process)
                await self._log.read(self._link, NAME, process)
                tasks.cancel_scope.cancel()
            ended = _dev_among(await self._link.processes())
            exit_code = None if ended is None else ended.exit_code
            self._change(
                DevStatus(
                    status="exited",
                    pid=process.pid,
                    exit_code=exit_code,
                    detail=f"the dev server ended with exit code {exit_code}\n{self._log}",
                )
            )

    async def _ask_until_answered(self, process: ProcessStatus) -> None:
        # A dev server that came along with a memory image is asked from now on, not from its start.
        began = time.monotonic()
        for attempt in range(1 << 30):
            for candidate in await self._candidates():
                answer = await self._ask(candidate)
                if answer is not None and self._port in (None, candidate):
                    seconds = time.monotonic() - began
                    self._change(
                        DevStatus(
                            status="answering", port=candidate, pid=process.pid, http_status=answer, seconds=seconds
                        )
                    )
                    return
            if time.monotonic() - began > SILENT_AFTER_S and self._status.status == "starting":
                where = "any port" if self._port is None else f"port {self._port}"
                detail = f"no HTTP answer on {where} after {SILENT_AFTER_S:.0f} s\n{self._log}"
                self._change(DevStatus(status="silent", port=self._port, pid=process.pid, detail=detail))
            await anyio.sleep(_ASK_EVERY_S[min(attempt, len(_ASK_EVERY_S) - 1)])

    async def _candidates(self) -> list[int]:
        if self._port is not None:
            return [self._port]
        found, self._ports_found = self._ports_found, []
        return found or await self._own_ports()

    async def _note_ports(self) -> None:
        self._ports_found = await self._own_ports()

    async def _own_ports(self) -> list[int]:
        return [listening.port for listening in await self._link.ports() if listening.process == NAME]

    async def _ask(self, port: int) -> int | None:
        """Return the HTTP status of the front page, or None when there was no answer."""
        with anyio.move_on_after(_ANSWER_TIME_S):
            try:
                async with self._link.dial(port) as stream:
                    await stream.send(
                        f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html,*/*\r\n"
                        "User-Agent: lot\r\nConnection: close\r\n\r\n".encode()
                    )
                    return _http_status(await stream.receive(_STATUS_LINE_BYTES))
            except (SandboxUnavailableError, anyio.EndOfStream, anyio.BrokenResourceError):
                return None
        return None

    def _change(self, status: DevStatus) -> None:
        is_news = status.status != self._status.status
        self._status = status
        if status.status in ("answering", "exited", "absent"):
            self._settled.set()
        if is_news:
            self._tell(status)


def _dev_among(processes: Iterable[ProcessStatus]) -> ProcessStatus | None:
    return next((process for process in processes if process.name == NAME), None)


def _http_status(beginning: bytes) -> int | None:
    """Return the status that an answer begins with; what is no HTTP answer has none."""
    version, _, rest = beginning.partition(b" ")
    code = rest[:3]
    return int(code) if version.startswith(b"HTTP/1.") and code.isdigit() and len(code) == 3 else None
