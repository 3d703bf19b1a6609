"""`RunnerClient` over a runner's sockets: the control plane's side of `server.py` and `forwarding.py`."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import anyio
import httpx
from anyio.abc import ByteStream
from pydantic import BaseModel, TypeAdapter
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosedOK, WebSocketException

from lot.core.asks import Answer
from lot.core.errors import LotError, RunnerGoneError
from lot.core.ids import AskId
from lot.harness.harness import AgentRecord
from lot.runner.client import TerminalStream
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
from lot.runner.wire import (
    EPOCH_HEADER,
    FORWARD_SOCKET,
    MAX_FRAME_BYTES,
    OFFSET,
    RECORD,
    RUNNER_SOCKET,
    AnswerBody,
    DiffQuery,
    Empty,
    MessageBody,
    PauseQuery,
    ProcessQuery,
    Reached,
    Resize,
    RunQuery,
    StatusQuery,
    Stored,
)
from lot.runner.wire_errors import error_from
from lot.sandbox.link import Chunk

T = TypeVar("T")

CALL_TIMEOUT_S = 30.0
BRING_UP_TIMEOUT_S = 180.0
WORKSPACE_TIMEOUT_S = 600.0
PAUSE_TIMEOUT_S = 360.0
_SLACK_S = 30.0
_CONNECT_TIMEOUT_S = 5.0
_MAX_ANSWER_LINE_BYTES = 4096
_NONE: TypeAdapter[None] = TypeAdapter(None)
_PROCESSES: TypeAdapter[tuple[ProcessBody, ...]] = TypeAdapter(tuple[ProcessBody, ...])
_PORTS: TypeAdapter[tuple[PortBody, ...]] = TypeAdapter(tuple[PortBody, ...])


class HttpRunnerClient:
    """Calls to the runner whose sockets are in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            RunnerGoneError: there is no such folder.
        """
        try:
            # By descriptor: the path of a socket may be too long for the kernel.
            self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise RunnerGoneError(f"there is no runner at {folder}") from error
        self._name = folder.name
        self.epoch: int | None = None
        """Named by every call; `assign` sets it."""
        self._http = httpx.AsyncClient(
            # No TLS on a unix socket: loading the certificate authorities would take longer than most calls.
            transport=httpx.AsyncHTTPTransport(uds=self._socket(RUNNER_SOCKET), verify=False),
            trust_env=False,
            base_url="http://runner",
        )

    async def state(self) -> RunnerState:
        return await self._call("state", Empty(), RunnerState)

    async def assign(self, assignment: Assignment) -> None:
        await self._call("assign", assignment, None)
        self.epoch = assignment.epoch

    async def bring_up(self, order: BringUpOrder) -> BringUpResult:
        return await self._call("bring_up", order, BringUpResult, BRING_UP_TIMEOUT_S)

    async def sync(self, order: SyncOrder) -> SyncResult:
        return await self._call("sync", order, SyncResult, WORKSPACE_TIMEOUT_S)

    async def run_command(self, order: CommandOrder) -> CommandOutcome:
        return await self._call("run_command", order, CommandOutcome, order.timeout_s + _SLACK_S)

    async def start_dev(self, order: DevOrder) -> DevStatus:
        return await self._call("start_dev", order, DevStatus)

    async def dev_status(self, wait_s: float = 0.0) -> DevStatus:
        return await self._call("dev_status", StatusQuery(wait_s=wait_s), DevStatus, wait_s + _SLACK_S)

    async def stop_dev(self) -> None:
        await self._call("stop_dev", Empty(), None)

    async def pause(self, into: str) -> PauseResult:
        return await self._call("pause", PauseQuery(into=into), PauseResult, PAUSE_TIMEOUT_S)

    async def start_agent(self, order: AgentOrder) -> None:
        await self._call("start_agent", order, None, BRING_UP_TIMEOUT_S)

    async def send_message(self, message_id: str, text: str, attachments: Sequence[AttachmentBody] = ()) -> None:
        body = MessageBody(message_id=message_id, text=text, attachments=tuple(attachments))
        await self._call("send_message", body, None)

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        return (await self._call("answer", AnswerBody(ask=ask, answer=answer), Reached)).reached

    async def configure_agent(self, order: ConfigureOrder) -> None:
        await self._call("configure_agent", order, None)

    async def end_agent(self, run: int) -> None:
        await self._call("end_agent", RunQuery(run=run), None)

    async def interrupt(self) -> None:
        await self._call("interrupt", Empty(), None)

    async def agent_records(self, run: int, offset: int, program: str = "claude") -> AsyncIterator[AgentRecord]:
        """Yield records; asking for the next one says that the one before is stored."""
        async with self._socket_to(f"/records/{run}?{urlencode({'offset': offset, 'program': program})}") as socket:
            async for frame in _frames(socket):
                record = RECORD.validate_python(_json(frame)["record"])
                yield record
                if record.is_live:
                    continue
                await _send(socket, Stored(ack=record.to_offset).model_dump_json())

    async def diff(self, base_commit: str, paths: Sequence[str] = ()) -> DiffResult:
        query = DiffQuery(base_commit=base_commit, paths=tuple(paths))
        return await self._call("diff", query, DiffResult, WORKSPACE_TIMEOUT_S)

    async def file_changes(self) -> AsyncIterator[None]:
        async with self._socket_to("/file-changes") as socket:
            async for _ in _frames(socket):
                yield

    async def publish(self, order: PublishOrder) -> PublishResult:
        return await self._call("publish", order, PublishResult, WORKSPACE_TIMEOUT_S)

    async def processes(self) -> tuple[ProcessBody, ...]:
        return await self._call("processes", Empty(), _PROCESSES)

    async def open_terminal(self, order: TerminalOrder) -> ProcessBody:
        return await self._call("open_terminal", order, ProcessBody)

    async def close_terminal(self, name: str) -> None:
        await self._call("close_terminal", ProcessQuery(name=name), None)

    @asynccontextmanager
    async def attach(self, name: str, *, stream: str = "out", offset: int = 0) -> AsyncIterator[TerminalStream]:
        async with self._socket_to(f"/attach/{name}?stream={stream}&offset={offset}") as socket:
            yield _Attached(socket)

    async def ports(self) -> tuple[PortBody, ...]:
        return await self._call("ports", Empty(), _PORTS)

    @asynccontextmanager
    async def dial(self, port: int) -> AsyncIterator[ByteStream]:
        try:
            with anyio.fail_after(CALL_TIMEOUT_S):
                connection = await anyio.connect_unix(self._socket(FORWARD_SOCKET))
        except (OSError, TimeoutError) as error:
            raise self._gone(error) from error
        async with connection:
            try:
                with anyio.fail_after(CALL_TIMEOUT_S):
                    await connection.send(f"{self.epoch or 0} {port}\n".encode())
                    answer = await _read_line(connection)
            except (anyio.EndOfStream, anyio.BrokenResourceError, TimeoutError) as error:
                raise self._gone(error) from error
            if answer != "ok":
                _, _, refusal = answer.partition("error ")
                code, _, message = refusal.partition(" ")
                raise error_from({"code": code, "message": message})
            yield connection

    async def watch(self) -> AsyncIterator[RunnerNews]:
        async with self._socket_to("/watch") as socket:
            async for frame in _frames(socket):
                yield RunnerNews.model_validate(_json(frame)["news"])

    async def destroy_sandbox(self) -> None:
        await self._call("destroy_sandbox", Empty(), None, BRING_UP_TIMEOUT_S)

    async def retire(self) -> None:
        await self._call("retire", Empty(), None)

    @property
    def is_closed(self) -> bool:
        """Whether it can be used no more."""
        return self._folder < 0

    async def close(self) -> None:
        await self._http.aclose()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    def _socket(self, name: str) -> str:
        return f"/proc/self/fd/{self._folder}/{name}"

    @property
    def _headers(self) -> dict[str, str]:
        return {} if self.epoch is None else {EPOCH_HEADER: str(self.epoch)}

    async def _call(
        self, name: str, body: BaseModel, answer: type[T] | TypeAdapter[T] | None, timeout_s: float = CALL_TIMEOUT_S
    ) -> T:
        if self.is_closed:
            raise RunnerGoneError(f"runner {self._name} was let go of")
        try:
            response = await self._http.post(
                f"/calls/{name}",
                content=body.model_dump_json(),
                headers=self._headers,
                timeout=httpx.Timeout(timeout_s, connect=_CONNECT_TIMEOUT_S),
            )
        except httpx.HTTPError as error:
            raise self._gone(error) from error
        if not response.is_success:
            raise error_from(_json(response.text))
        adapter: TypeAdapter[Any] = answer if isinstance(answer, TypeAdapter) else TypeAdapter(answer or None)
        result: T = adapter.validate_json(response.content)
        return result

    @asynccontextmanager
    async def _socket_to(self, target: str) -> AsyncIterator[ClientConnection]:
        """Open a WebSocket; what breaks it in the block is that the runner is gone."""
        try:
            async with unix_connect(
                self._socket(RUNNER_SOCKET),
                f"ws://runner{target}",
                additional_headers=self._headers,
                compression=None,
                max_size=MAX_FRAME_BYTES,
                open_timeout=_CONNECT_TIMEOUT_S,
                close_timeout=1,
                ping_interval=None,
            ) as socket:
                yield socket
        except (OSError, WebSocketException, TimeoutError) as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception) -> RunnerGoneError:
        return RunnerGoneError(f"runner {self._name} cannot be reached: {error!r}")


class _Attached:
    """A live connection to one durable process."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        async for frame in _frames(self._socket):
            if isinstance(frame, bytes):
                yield Chunk(offset=OFFSET.unpack_from(frame)[0], data=frame[OFFSET.size :])

    async def send(self, data: bytes) -> None:
        """Type into it."""
        await _send(self._socket, data)

    async def resize(self, rows: int, columns: int) -> None:
        """Tell its PTY the size."""
        await _send(self._socket, Resize(rows=rows, columns=columns).model_dump_json())


async def _send(socket: ClientConnection, frame: bytes | str) -> None:
    """Send, unless the runner has closed the socket in order: whoever reads it learns why."""
    with suppress(ConnectionClosedOK):
        await socket.send(frame)


async def _frames(socket: ClientConnection) -> AsyncIterator[bytes | str]:
    """Yield frames until the runner closes the socket in order; raise the error that a frame tells of."""
    while True:
        try:
            frame = await socket.recv()
        except ConnectionClosedOK:
            return
        if isinstance(frame, str) and (error := _json(frame).get("error")) is not None:
            raise error_from(error)
        yield frame


def _json(text: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise LotError(f"the runner's answer is no JSON: {text[:200]!r}") from error
    return value if isinstance(value, dict) else {}


async def _read_line(connection: ByteStream) -> str:
    line = bytearray()
    while not line.endswith(b"\n") and len(line) < _MAX_ANSWER_LINE_BYTES:
        line += await connection.receive(1)
    return line.decode(errors="replace").rstrip("\n")
