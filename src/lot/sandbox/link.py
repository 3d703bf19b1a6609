"""The host's side of the one way into a sandbox: the protocol of the link to its guest, and its value types.

Everything a guest says is treated as data from a stranger: sizes are bounded, nothing it says chooses a path or a
class on the host. The implementation over TCP is `tcp_link.py`; the wire format is `guest/wire.py`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol

from anyio.abc import ByteStream

MAX_FILE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """One short command; its output comes back whole (bounded). A new option is a new field with a default."""

    argv: tuple[str, ...]
    cwd: PurePosixPath | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the guest's own environment."""
    user: str = "lot"
    stdin: bytes = b""
    timeout_s: float = 120.0
    max_output_bytes: int = 1 << 20
    """Of stdout and of stderr each; what is beyond is dropped and `is_truncated` says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended; a non-zero exit is a result, not an error."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    is_truncated: bool
    duration_s: float


class WhenFull(StrEnum):
    """What a durable pipe does when its journal has reached its limit."""

    DROP_OLDEST = "drop_oldest"
    """Forget the oldest bytes: logs and terminals."""
    BLOCK = "block"
    """Let the program wait until the reader has acknowledged: agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """A long-lived program behind durable pipes, or a PTY. Its name is its identity within the sandbox."""

    name: str
    """`[a-z0-9-]{1,40}`, such as `dev`, `agent-1`, `terminal-2`."""
    argv: tuple[str, ...]
    cwd: PurePosixPath
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "lot"
    pty: tuple[int, int] | None = None
    """Rows and columns; None means pipes, with stdout and stderr journaled apart and standard input held open."""
    journal_bytes: int = 16 << 20
    """The most of each stream that is kept."""
    when_full: WhenFull = WhenFull.DROP_OLDEST


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One process as the guest sees it."""

    name: str
    pid: int
    """Inside the sandbox."""
    is_running: bool
    exit_code: int | None
    """Negative: the signal that ended it, as in `subprocess`."""
    started_at: float
    """Unix time."""
    stdin_offset: int
    """Bytes of standard input accepted so far."""
    ends: Mapping[str, int]
    """Per stream (`out`, `err`): the number of the byte after the last one journaled."""
    starts: Mapping[str, int]
    """Per stream: the oldest byte still kept."""
    run: int = 1
    """Counts the starts of this name; `stdin_offset` begins at 0 with each, journal numbers go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Bytes of one journal. Numbers are byte offsets: `offset + len(data)` is where the next chunk begins."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGrowth:
    """New bytes of a file that is being written."""

    name: str
    """Without its folder."""
    offset: int
    data: bytes
    writer: str
    """With the first bytes: the beginning of the command line that writes it, "" where none was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningPort:
    """A TCP port on which something in the sandbox listens."""

    port: int
    address: str
    process: str | None
    """Name of the durable process whose tree listens, if it is one of ours."""
    pid: int | None = None
    """Of the process that listens, inside the sandbox; None: not found, or the guest is older than its host."""
    command: str | None = None
    """Name of its program, at most 64 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestHealth:
    """What the guest says of itself."""

    protocol: int
    uptime_s: float
    clock: float
    """Unix time as the sandbox sees it."""
    processes: int
    memory_available_bytes: int


class GuestLink(Protocol):
    """One connection's worth of access to a guest; safe for concurrent use.

    Every call raises `SandboxUnavailableError` when the guest cannot be reached, and `InvalidInputError` when the
    guest refuses the request as malformed.
    """

    async def health(self) -> GuestHealth:
        """Return the guest's state."""

    async def run(self, request: CommandRequest) -> CommandResult:
        """Run one command to its end.

        Raises:
            CommandTimedOutError: killed, with its children, after `timeout_s`.
        """

    async def start(self, spec: ProcessSpec) -> ProcessStatus:
        """Start a durable process; when one of that name runs already, return it untouched.

        One of that name that has ended is replaced: its journals go on, numbers never restart.
        """

    async def processes(self) -> tuple[ProcessStatus, ...]:
        """Return all durable processes, ended ones included."""

    async def attach(self, name: str, stream: str = "out", offset: int = 0) -> AsyncIterator[Chunk]:
        """Yield a journal from byte `offset` on, then what comes; end when the process has ended and all was read.

        A first chunk with a later offset than asked for means that the bytes between are no longer kept.
        A journal that ends before `offset` goes on there: its disk has lost a tail, and numbers are never given twice.

        Raises:
            NotFoundError: no process has that name.
        """
        raise NotImplementedError
        yield

    async def acknowledge(self, name: str, stream: str, offset: int) -> None:
        """Say that everything before `offset` has been stored; a `BLOCK` journal may forget it."""

    async def write(self, name: str, data: bytes, *, offset: int | None = None) -> int:
        """Write to a process's standard input; return the new `stdin_offset`.

        With `offset` the write is exactly-once: bytes before the accepted offset are skipped.

        Raises:
            InvalidInputError: `offset` lies beyond what was accepted (bytes would be missing).
            NotFoundError: no such process runs.
        """

    async def resize(self, name: str, rows: int, columns: int) -> None:
        """Tell a PTY its size."""

    async def signal(self, name: str, number: int) -> None:
        """Send a signal to a process's whole group and its descendants; nothing happens when it has ended."""

    async def stop(self, name: str, grace_s: float = 5.0) -> ProcessStatus:
        """End a process and all its descendants: SIGTERM, then SIGKILL after `grace_s`; return how it ended."""

    async def read_file(self, path: PurePosixPath, max_bytes: int = MAX_FILE_BYTES) -> bytes:
        """Return a file's content.

        Raises:
            NotFoundError: there is none. TooLargeError: it has more than `max_bytes`.
        """

    async def write_file(self, path: PurePosixPath, data: bytes, *, mode: int = 0o644, user: str = "lot") -> None:
        """Replace a file atomically; missing folders are made."""

    async def remove_file(self, path: PurePosixPath) -> None:
        """Remove a file; nothing happens when there is none."""

    async def follow_files(
        self, pattern: PurePosixPath, *, max_age_s: float, max_bytes: int
    ) -> AsyncIterator[FileGrowth]:
        """Yield what the files of one folder gain, each from its beginning up to `max_bytes`, as it comes; for ever.

        Args:
            pattern: May have the wildcards of a shell; those in folders stand for the first folder that is found.
            max_age_s: Files that were last written longer ago are left out until they are written again.

        Raises:
            InvalidInputError: also when a guest does not know how: it may be older than its host.
        """
        raise NotImplementedError
        yield

    async def ports(self) -> tuple[ListeningPort, ...]:
        """Return what listens in the sandbox, without the guest itself."""

    async def follow_ports(self) -> AsyncIterator[tuple[ListeningPort, ...]]:
        """Yield what listens in the sandbox, and again whenever that has changed, looked at each second; for ever.

        Raises:
            InvalidInputError: also when a guest does not know how: it may be older than its host.
        """
        raise NotImplementedError
        yield

    def dial(self, port: int) -> AbstractAsyncContextManager[ByteStream]:
        """Open a raw connection to a port inside the sandbox, on whatever loopback address it listens.

        Raises (on entering):
            SandboxUnavailableError: nothing listens on the port (`refused` in the message).
        """

    async def quiesce(self) -> None:
        """Bring journals to disk before a checkpoint."""

    async def wake(self) -> None:
        """After a restore: check the clock and the network, and let waiting timers catch up."""

    async def close(self) -> None:
        """Close all connections of this link; repeatable."""
