"""What tests of the guest share: a guest as an ordinary process on loopback, or as PID 1 of a real sandbox."""

import asyncio
import os
import pwd
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import anyio
from anyio.from_thread import start_blocking_portal
from sandbox_rig import rig as open_rig

from lot.core.errors import LotError
from lot.guest.build import build_guest
from lot.guest.wire import GUEST_PORT
from lot.sandbox import network
from lot.sandbox.driver import GUEST_ADDRESS
from lot.sandbox.link import Chunk, CommandRequest, ProcessSpec, ProcessStatus
from lot.sandbox.tcp_link import TcpLink

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Guest:
    """A running guest, and how to reach it."""

    open_socket: Callable[[], Awaitable[socket.socket]]
    user: str
    """Who programs run as: a process of ours cannot become anyone else, unless we are root."""
    folder: PurePosixPath
    """A folder that the guest may fill."""
    python: str = "python3"

    @asynccontextmanager
    async def linked(self) -> AsyncIterator[TcpLink]:
        """Keep a link for the length of the block."""
        link = TcpLink(self.open_socket)
        try:
            yield link
        finally:
            await link.close()

    def spec(self, script: str, *, name: str | None = None, **changes: object) -> ProcessSpec:
        """Return a durable process that runs a shell script."""
        return ProcessSpec(
            name=name or f"p-{secrets.token_hex(4)}",
            argv=("bash", "-c", script),
            cwd=PurePosixPath("/"),
            user=self.user,
            **changes,  # type: ignore[arg-type]
        )

    def python_spec(self, script: str, **changes: object) -> ProcessSpec:
        """Return a durable process that runs a Python script."""
        return ProcessSpec(
            name=f"p-{secrets.token_hex(4)}",
            argv=(self.python, "-u", "-c", script),
            cwd=PurePosixPath("/"),
            user=self.user,
            **changes,  # type: ignore[arg-type]
        )

    def command(self, script: str, **changes: object) -> CommandRequest:
        """Return a command that runs a shell script."""
        return CommandRequest(argv=("bash", "-c", script), user=self.user, **changes)  # type: ignore[arg-type]

    async def output(self, link: TcpLink, script: str) -> str:
        """Return what a shell script prints; it must succeed."""
        result = await link.run(self.command(script))
        assert result.exit_code == 0, result
        return result.stdout.decode().strip()


class Reader:
    """Reads a journal in a task of its own; offers what it has read so far."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self._changed, self._ended = anyio.Event(), anyio.Event()

    @property
    def data(self) -> bytes:
        """All bytes read."""
        return b"".join(chunk.data for chunk in self.chunks)

    async def follow(self, link: TcpLink, name: str, stream: str = "out", offset: int = 0) -> None:
        """Read to the end."""
        async for chunk in link.attach(name, stream, offset):
            self.chunks.append(chunk)
            self._changed.set()
            self._changed = anyio.Event()
        self._ended.set()

    async def until(self, wanted: bytes) -> None:
        """Return when `wanted` has been read."""
        with anyio.fail_after(PATIENCE_S):
            while wanted not in self.data:
                await self._changed.wait()

    async def ended(self) -> None:
        """Return when the journal has come to its end."""
        with anyio.fail_after(PATIENCE_S):
            await self._ended.wait()


@asynccontextmanager
async def reading(link: TcpLink, name: str, stream: str = "out", offset: int = 0) -> AsyncIterator[Reader]:
    """Follow a journal for the length of the block."""
    reader = Reader()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.follow, link, name, stream, offset)
        yield reader
        tasks.cancel_scope.cancel()


async def read_all(link: TcpLink, name: str, stream: str = "out", offset: int = 0) -> list[Chunk]:
    """Return a journal up to the end of its process."""
    with anyio.fail_after(PATIENCE_S):
        return [chunk async for chunk in link.attach(name, stream, offset)]


async def status_of(link: TcpLink, name: str) -> ProcessStatus:
    """Return one process."""
    return next(status for status in await link.processes() if status.name == name)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once a condition holds that the guest tells no event of."""
    with anyio.fail_after(PATIENCE_S):
        while not await condition():  # noqa: ASYNC110
            await anyio.sleep(0.02)


@dataclass
class GuestProcess:
    """A guest as an ordinary process; `state` outlives it."""

    folder: Path
    address: str = "127.0.0.1"
    port: int = 0

    @contextmanager
    def running(self) -> Iterator[Guest]:
        """Keep the guest running for the length of the block."""
        with socket.create_server((self.address, 0)) as free:
            self.port = free.getsockname()[1]
        command = [sys.executable, "-I", "-S", build_guest(self.folder), "--listen", f"{self.address}:{self.port}"]
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen([*command, "--peer", "127.0.0.1", "--state", self.folder / "state"], stderr=log)
        try:
            self._wait_ready()
            user = pwd.getpwuid(os.geteuid()).pw_name
            yield Guest(self.open_socket, user, PurePosixPath(self.folder), sys.executable)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)

    async def open_socket(self) -> socket.socket:
        """Connect to the guest."""
        connection = socket.socket()
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, (self.address, self.port))
        except BaseException:
            connection.close()
            raise
        return connection

    def _wait_ready(self) -> None:
        give_up_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection((self.address, self.port)).close()
                return
            except ConnectionRefusedError:
                assert time.monotonic() < give_up_at, (self.folder / "log").read_text()
                time.sleep(0.01)


@contextmanager
def guest_in_sandbox() -> Iterator[Guest]:
    """Keep a sandbox with the guest as PID 1 for the length of the block."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(open_rig()) as rig:
        spec = rig.spec()
        running = portal.call(rig.driver.boot, spec)
        yield Guest(lambda: socket_into(running.network), "lot", PurePosixPath("/workspace"))


async def socket_into(namespace: str) -> socket.socket:
    """Connect to the guest of a sandbox, once it listens."""
    connection = network.socket_in(namespace)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (GUEST_ADDRESS, GUEST_PORT))
    except BaseException:
        connection.close()
        raise
    return connection


async def wait_ready(guest: Guest) -> None:
    """Return once a guest answers that was started just now."""

    async def answers() -> bool:
        try:
            async with guest.linked() as link:
                return (await link.health()).protocol > 0
        except LotError:
            return False

    await eventually(answers)
