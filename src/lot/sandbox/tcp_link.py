"""The link to a guest over TCP: a connection per call, as `guest/wire.py` describes it."""

import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import PurePosixPath
from typing import Any, TypeVar

import anyio
from anyio.abc import ByteStream, SocketStream

from lot.core.errors import SandboxUnavailableError, TooLargeError
from lot.guest import wire
from lot.sandbox import answers
from lot.sandbox.answers import Answer
from lot.sandbox.link import (
    MAX_FILE_BYTES,
    Chunk,
    CommandRequest,
    CommandResult,
    FileGrowth,
    GuestHealth,
    ListeningPort,
    ProcessSpec,
    ProcessStatus,
)

CONNECT_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 15.0
TRANSFER_TIMEOUT_S = 60.0
"""Of a file, or of input that a program is slow to read."""
SILENCE_TIMEOUT_S = 6 * wire.BEAT_S
"""An attached guest that says nothing for so long is gone: it gives a sign of life every `BEAT_S`."""
CLOCK_TOLERANCE_S = 2.0

logger = logging.getLogger(__name__)

T = TypeVar("T")


class TcpLink:
    """Implements `GuestLink`. Once closed it stays closed: after a restore a new link is made.

    Args:
        open_socket: Gives a connected, non-blocking TCP socket to the guest; called for each call.
    """

    def __init__(self, open_socket: Callable[[], Awaitable[socket.socket]]) -> None:
        self._open_socket = open_socket
        self._streams: set[SocketStream] = set()
        self._is_closed = False

    async def health(self) -> GuestHealth:
        """Return the guest's state."""
        return await self._ask(answers.health, {"call": "health"})

    async def run(self, request: CommandRequest) -> CommandResult:
        """Run one command to its end."""
        head = {
            "call": "run",
            "argv": request.argv,
            "cwd": _path_text(request.cwd),
            "environment": dict(request.environment),
            "user": request.user,
            "timeout_s": request.timeout_s,
            "max_output_bytes": request.max_output_bytes,
        }
        async with self._call(head, request.stdin, wire.MAX_INPUT_BYTES) as exchange:
            with _reaching(request.timeout_s + CALL_TIMEOUT_S):
                return answers.command_result(*await exchange.receive(2 * request.max_output_bytes))

    async def start(self, spec: ProcessSpec) -> ProcessStatus:
        """Start a durable process, or return the one of that name that runs."""
        rows, columns = spec.pty or (None, None)
        head = {
            "call": "start",
            "name": spec.name,
            "argv": spec.argv,
            "cwd": str(spec.cwd),
            "environment": dict(spec.environment),
            "user": spec.user,
            "rows": rows,
            "columns": columns,
            "journal_bytes": spec.journal_bytes,
            "when_full": spec.when_full.value,
        }
        return await self._ask(answers.process_status, head)

    async def processes(self) -> tuple[ProcessStatus, ...]:
        """Return all durable processes."""

        def statuses(answer: Answer) -> tuple[ProcessStatus, ...]:
            return tuple(answers.process_status(part) for part in answer.parts("processes"))

        return await self._ask(statuses, {"call": "processes"})

    async def attach(self, name: str, stream: str = "out", offset: int = 0) -> AsyncIterator[Chunk]:
        """Yield a journal from byte `offset` on, then what comes."""
        async with self._call({"call": "attach", "name": name, "stream": stream, "offset": offset}) as exchange:
            while True:
                with _reaching(SILENCE_TIMEOUT_S):
                    answer, data = await exchange.receive(wire.MAX_CHUNK_BYTES)
                    if answer.flag("end"):
                        return
                    if answer.flag("beat"):
                        continue
                    chunk = Chunk(offset=answer.integer("offset", lowest=offset), data=data)
                offset = chunk.offset + len(data)
                yield chunk

    async def acknowledge(self, name: str, stream: str, offset: int) -> None:
        """Say that everything before `offset` has been stored."""
        await self._tell({"call": "acknowledge", "name": name, "stream": stream, "offset": offset})

    async def write(self, name: str, data: bytes, *, offset: int | None = None) -> int:
        """Write to a process's standard input; return the new `stdin_offset`."""
        head = {"call": "write", "name": name, "offset": -1 if offset is None else offset}
        async with self._call(head, data, wire.MAX_INPUT_BYTES) as exchange:
            with _reaching(TRANSFER_TIMEOUT_S):
                answer, _ = await exchange.receive(0)
                return answer.integer("stdin_offset")

    async def resize(self, name: str, rows: int, columns: int) -> None:
        """Tell a PTY its size."""
        await self._tell({"call": "resize", "name": name, "rows": rows, "columns": columns})

    async def signal(self, name: str, number: int) -> None:
        """Send a signal to a process's whole group and its descendants."""
        await self._tell({"call": "signal", "name": name, "number": number})

    async def stop(self, name: str, grace_s: float = 5.0) -> ProcessStatus:
        """End a process and all its descendants."""
        head = {"call": "stop", "name": name, "grace_s": grace_s}
        return await self._ask(answers.process_status, head, timeout_s=grace_s + CALL_TIMEOUT_S)

    async def read_file(self, path: PurePosixPath, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return a file's content."""
        content = bytearray()
        async with self._call({"call": "read_file", "path": str(path), "max_bytes": max_bytes}) as exchange:
            with _reaching(TRANSFER_TIMEOUT_S):
                while True:
                    answer, data = await exchange.receive(wire.MAX_CHUNK_BYTES)
                    if answer.flag("end"):
                        return bytes(content)
                    content += data
                    if len(content) > max_bytes:
                        raise wire.WireError(f"more than the {max_bytes} bytes asked for")

    async def write_file(self, path: PurePosixPath, data: bytes, *, mode: int = 0o644, user: str = "lot") -> None:
        """Replace a file atomically."""
        head = {"call": "write_file", "path": str(path), "mode": mode, "user": user}
        async with self._call(head, data, wire.MAX_FILE_BYTES) as exchange:
            with _reaching(TRANSFER_TIMEOUT_S):
                await exchange.receive(0)

    async def remove_file(self, path: PurePosixPath) -> None:
        """Remove a file."""
        await self._tell({"call": "remove_file", "path": str(path)})

    async def follow_files(
        self, pattern: PurePosixPath, *, max_age_s: float, max_bytes: int
    ) -> AsyncIterator[FileGrowth]:
        """Yield what the files of one folder gain, as it comes; for ever."""
        head = {"call": "follow_files", "path": str(pattern), "max_age_s": max_age_s, "max_bytes": max_bytes}
        async with self._call(head) as exchange:
            while True:
                with _reaching(SILENCE_TIMEOUT_S):
                    answer, data = await exchange.receive(wire.MAX_CHUNK_BYTES)
                    if answer.flag("beat"):
                        continue
                    growth = answers.file_growth(answer, data)
                yield growth

    async def ports(self) -> tuple[ListeningPort, ...]:
        """Return what listens in the sandbox."""
        return await self._ask(answers.listening_ports, {"call": "ports"})

    async def follow_ports(self) -> AsyncIterator[tuple[ListeningPort, ...]]:
        """Yield what listens in the sandbox, and again whenever that has changed; for ever."""
        async with self._call({"call": "follow_ports"}) as exchange:
            while True:
                with _reaching(SILENCE_TIMEOUT_S):
                    answer, _ = await exchange.receive(0)
                    if answer.flag("beat"):
                        continue
                    listening = answers.listening_ports(answer)
                yield listening

    @asynccontextmanager
    async def dial(self, port: int) -> AsyncIterator[ByteStream]:
        """Open a raw connection to a port inside the sandbox."""
        async with self._call({"call": "dial", "port": port}) as exchange:
            with _reaching(CALL_TIMEOUT_S):
                await exchange.receive(0)
            yield exchange.stream

    async def quiesce(self) -> None:
        """Bring journals to disk and have the guest drop every connection, this call's own last."""
        async with self._call({"call": "quiesce"}) as exchange:
            with _reaching(CALL_TIMEOUT_S):
                await exchange.receive(0)
                await exchange.wait_closed()

    async def wake(self) -> None:
        """After a restore: check the clock and the network."""
        head = {"call": "wake", "clock_ms": time.time_ns() // 1_000_000}
        async with self._call(head) as exchange:
            with _reaching(CALL_TIMEOUT_S):
                answer, _ = await exchange.receive(0)
                ahead_s, has_interface = answers.seconds_ahead(answer), answer.flag("has_interface")
        if abs(ahead_s) > CLOCK_TOLERANCE_S:
            logger.warning("the sandbox's clock differs from ours", extra={"ahead_s": ahead_s})
        if not has_interface:
            raise SandboxUnavailableError("the sandbox has lost its network interface; boot it anew from its disk")

    async def close(self) -> None:
        """Close all connections of this link; repeatable."""
        self._is_closed = True
        for stream in tuple(self._streams):
            await stream.aclose()

    async def _tell(self, head: dict[str, Any]) -> None:
        await self._ask(lambda _: None, head)

    async def _ask(self, decode: Callable[[Answer], T], head: dict[str, Any], timeout_s: float = CALL_TIMEOUT_S) -> T:
        async with self._call(head) as exchange:
            with _reaching(timeout_s):
                answer, _ = await exchange.receive(0)
                return decode(answer)

    @asynccontextmanager
    async def _call(
        self, head: dict[str, Any], body: bytes = b"", max_body_bytes: int = 0
    ) -> AsyncIterator["_Exchange"]:
        """Connect, send a request, and close the connection at the end of the block."""
        if len(body) > max_body_bytes:
            raise TooLargeError(f"{head['call']}: {len(body)} bytes are more than {max_body_bytes}")
        try:
            prefix = wire.prefix({"v": wire.PROTOCOL, **head}, len(body))
        except wire.WireError as error:
            raise TooLargeError(f"{head['call']}: {error}") from error
        stream = await self._connect()
        try:
            with _reaching(TRANSFER_TIMEOUT_S):
                await stream.send(prefix + body if len(body) < wire.MAX_CHUNK_BYTES else prefix)
                if len(body) >= wire.MAX_CHUNK_BYTES:
                    await stream.send(body)
            yield _Exchange(stream)
        finally:
            self._streams.discard(stream)
            with anyio.CancelScope(shield=True):  # closing does not wait for the other side
                await stream.aclose()

    async def _connect(self) -> SocketStream:
        self._require_open()
        with _reaching(CONNECT_TIMEOUT_S):
            stream = await SocketStream.from_socket(await self._open_socket())
        self._streams.add(stream)
        if self._is_closed:  # meanwhile
            await stream.aclose()
            self._require_open()
        return stream

    def _require_open(self) -> None:
        if self._is_closed:
            raise SandboxUnavailableError("the link to the sandbox was closed")


class _Exchange:
    """A connection whose request has been sent."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream

    async def receive(self, max_body_bytes: int) -> tuple[Answer, bytes]:
        """Return the next message of the answer; raise the error that it is, if it is one."""
        prefix = await self._exactly(wire.PREFIX.size)
        head_bytes, body_bytes = wire.lengths(prefix, max_body_bytes)
        answer = Answer(wire.decode(await self._exactly(head_bytes)))
        answer.raise_error()
        return answer, await self._exactly(body_bytes)

    async def wait_closed(self) -> None:
        """Return when the guest has closed the connection."""
        try:
            await self.stream.receive(1)
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return
        raise wire.WireError("bytes after the answer")

    async def _exactly(self, count: int) -> bytes:
        data = await self.stream.receive(count) if count else b""
        if len(data) == count:
            return data
        parts = bytearray(data)
        while len(parts) < count:
            parts += await self.stream.receive(count - len(parts))
        return bytes(parts)


@contextmanager
def _reaching(timeout_s: float) -> Iterator[None]:
    """Bound a wait for the guest and say in our own words what went wrong."""
    try:
        with anyio.fail_after(timeout_s):
            yield
    except TimeoutError as error:
        raise SandboxUnavailableError(f"the guest did not answer within {timeout_s:g} s") from error
    except wire.WireError as error:
        raise SandboxUnavailableError(f"the guest broke its protocol: {error}") from error
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
        raise SandboxUnavailableError(f"the connection to the guest ended: {error}") from error


def _path_text(path: PurePosixPath | None) -> str | None:
    return None if path is None else str(path)
