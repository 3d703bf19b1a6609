"""A runner's parts without a sandbox runtime: the real guest as an ordinary process tree of this host.

Everything but memory images is real: programs run, journals go on, freezing stops the processes. A pause keeps the
disk and forgets the memory, so a resume starts the guest anew. What misbehaves on demand is asked for by files in
the stand-in's folder, because runners are other processes: see `Wish`.
"""

import asyncio
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath

import anyio

from lot.core.asks import Answer
from lot.core.errors import (
    BootFailedError,
    HostFullError,
    ImageDamagedError,
    PauseFailedError,
    SandboxUnavailableError,
)
from lot.core.events import AgentText
from lot.core.ids import AskId, MessageId, SandboxId
from lot.core.records import AgentMode, Attachment
from lot.guest.build import build_guest
from lot.harness.harness import AgentOptions, AgentRecord, SessionTools
from lot.runner.parts import Credentials, RunnerSettings
from lot.runner.process_id import ProcessId
from lot.runner.protocol import DiffResult, PublishOrder, PublishResult, SyncOrder, SyncResult
from lot.sandbox.driver import (
    Capability,
    HibernationImage,
    ReadOnlyMount,
    RunningSandbox,
    SandboxSpec,
    SandboxUsage,
)
from lot.sandbox.link import CommandRequest, CommandResult, GuestLink, ProcessSpec, ProcessStatus, WhenFull
from lot.sandbox.tcp_link import TcpLink

_NOW = "2026-01-01T00:00:00+00:00"


class Wish(StrEnum):
    """A file of this name in the stand-in's folder makes the driver misbehave."""

    BOOT_FAILS = "boot-fails"
    HOST_FULL_AT_BOOT = "host-full-at-boot"
    HOST_FULL_AT_PAUSE = "host-full-at-pause"
    PAUSE_FAILS = "pause-fails"
    BOOT_WAITS = "boot-waits"
    """Boot goes on once the file is removed."""


def wishes(data_dir: Path) -> Path:
    """Return the folder for wishes; what was asked of the driver is in `calls` beside them."""
    return data_dir / "stand-in"


def make_parts(settings: RunnerSettings) -> "StandInParts":
    """Return the parts of an installation."""
    return StandInParts(settings.data_dir)


@dataclass(frozen=True)
class StandInParts:
    """See the module's first lines."""

    data_dir: Path

    def driver(self) -> "ProcessDriver":
        return ProcessDriver(self.data_dir)

    def hands(self) -> "ProcessHands":
        return ProcessHands(self.data_dir)

    def mounts(self) -> tuple[ReadOnlyMount, ...]:
        return ()

    def harness(self, program: str, tools: SessionTools) -> "EchoHarness":
        return EchoHarness()

    def control_plane(self, credentials: Credentials) -> "SilentControlPlane":
        return SilentControlPlane()

    def gateway(self, listener: socket.socket, credentials: Credentials) -> "SilentGateway":
        return SilentGateway(listener)

    def workspace(self, link: GuestLink) -> "EmptyWorkspace":
        return EmptyWorkspace(link)


@dataclass(frozen=True)
class _Home:
    """The folder of one stand-in for a sandbox."""

    folder: Path

    @property
    def process(self) -> ProcessId | None:
        """The guest, which leads a process group and session of its own, if it lives."""
        record = self._record()
        process = ProcessId(**record["process"]) if record else None
        return process if process is not None and process.is_alive else None

    @property
    def port(self) -> int:
        record = self._record()
        return int(record["port"]) if record else 0

    def members(self) -> list[int]:
        """Return every live process of the sandbox: programs in sessions of their own are found by their parents."""
        process = self.process
        return [] if process is None else [process.pid, *_descendants(process.pid)]

    def signal_all(self, number: signal.Signals) -> None:
        for pid in self.members():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def _record(self) -> dict | None:  # type: ignore[type-arg]
        try:
            return json.loads((self.folder / "running.json").read_text())
        except FileNotFoundError:
            return None


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(stat[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        todo += (below := children.get(todo.pop(), []))
        found += below
    return found


@dataclass(frozen=True)
class ProcessHands:
    """What the watchdog does to a stand-in."""

    data_dir: Path

    def freeze_now(self, sandbox: SandboxId) -> None:
        _home(self.data_dir, sandbox).signal_all(signal.SIGSTOP)

    def thaw_now(self, sandbox: SandboxId) -> None:
        _home(self.data_dir, sandbox).signal_all(signal.SIGCONT)

    def kill_now(self, sandbox: SandboxId) -> None:
        home = _home(self.data_dir, sandbox)
        process = home.process
        home.signal_all(signal.SIGKILL)
        if process is not None:
            process.ends_within(5.0)


@dataclass(frozen=True)
class ProcessDriver:
    """`SandboxDriver` whose sandboxes are the guest as an ordinary process."""

    data_dir: Path
    capabilities: frozenset[Capability] = frozenset({Capability.FREEZE})

    async def boot(self, spec: SandboxSpec) -> RunningSandbox:
        self._note("boot", spec.sandbox)
        await self._while_wished(Wish.BOOT_WAITS)
        self._refuse(Wish.BOOT_FAILS, BootFailedError)
        self._refuse(Wish.HOST_FULL_AT_BOOT, HostFullError)
        return await self.find(spec.sandbox) or self._start(spec)

    async def resume(self, spec: SandboxSpec, image: Path) -> RunningSandbox:
        self._note("resume", spec.sandbox)
        if not (image / "manifest.json").exists():
            raise ImageDamagedError(f"there is no complete image in {image}")
        return await self.find(spec.sandbox) or self._start(spec)

    async def pause(self, sandbox: SandboxId, into: Path) -> HibernationImage:
        self._note("pause", sandbox)
        if (into / "manifest.json").exists():
            return HibernationImage(folder=into, total_bytes=1, created_at=_NOW, manifest={})
        if await self.find(sandbox) is None:
            raise SandboxUnavailableError(f"there is no running sandbox {sandbox}")
        self._refuse(Wish.HOST_FULL_AT_PAUSE, HostFullError)
        await self.destroy(sandbox)
        self._refuse(Wish.PAUSE_FAILS, PauseFailedError)
        into.mkdir(parents=True)
        (into / "manifest.json").write_text("{}")
        return HibernationImage(folder=into, total_bytes=1, created_at=_NOW, manifest={})

    async def destroy(self, sandbox: SandboxId) -> None:
        self._note("destroy", sandbox)
        ProcessHands(self.data_dir).kill_now(sandbox)
        (_home(self.data_dir, sandbox).folder / "running.json").unlink(missing_ok=True)

    async def freeze(self, sandbox: SandboxId) -> None:
        self._note("freeze", sandbox)
        ProcessHands(self.data_dir).freeze_now(sandbox)

    async def thaw(self, sandbox: SandboxId) -> None:
        self._note("thaw", sandbox)
        ProcessHands(self.data_dir).thaw_now(sandbox)

    async def find(self, sandbox: SandboxId) -> RunningSandbox | None:
        process = _home(self.data_dir, sandbox).process
        return None if process is None else RunningSandbox(sandbox=sandbox, pid=process.pid, network="host")

    async def list_sandboxes(self) -> tuple[SandboxId, ...]:
        return tuple(SandboxId(file.parent.name) for file in wishes(self.data_dir).glob("*/running.json"))

    async def usage(self, sandbox: SandboxId) -> SandboxUsage:
        return SandboxUsage(memory_bytes=1, cpu_s=0.0)

    def listen(self, sandbox: SandboxId, port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", 0))

    async def link(self, sandbox: SandboxId) -> GuestLink:
        home = _home(self.data_dir, sandbox)

        async def open_socket() -> socket.socket:
            connection = socket.socket()
            connection.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", home.port))
            except BaseException:
                connection.close()
                raise
            return connection

        link = _LocalLink(open_socket)
        while True:
            try:
                await link.health()
                return link
            except SandboxUnavailableError:
                if home.process is None:
                    raise
            await anyio.sleep(0.01)

    async def wait_gone(self, sandbox: SandboxId) -> int:
        process = _home(self.data_dir, sandbox).process
        if process is not None:
            await process.wait_ended()
        return -1

    def _start(self, spec: SandboxSpec) -> RunningSandbox:
        home = _home(self.data_dir, spec.sandbox)
        home.folder.mkdir(parents=True, exist_ok=True)
        spec.upper.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        guest = build_guest(self.data_dir / "guest")
        with open(home.folder / "log", "ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", guest, "--listen", f"127.0.0.1:{port}"),
                    *("--peer", "127.0.0.1", "--state", home.folder / "state"),
                ],
                stderr=log,
                start_new_session=True,
            )
        identity = ProcessId.of(process.pid)
        assert identity is not None
        unfinished = home.folder / "running.partial"
        unfinished.write_text(json.dumps({"process": identity.as_json(), "port": port}))
        unfinished.rename(home.folder / "running.json")
        return RunningSandbox(sandbox=spec.sandbox, pid=process.pid, network="host")

    def _refuse(self, wish: Wish, error: type[Exception]) -> None:
        if (wishes(self.data_dir) / wish).exists():
            raise error(f"as wished: {wish}")

    async def _while_wished(self, wish: Wish) -> None:
        while (wishes(self.data_dir) / wish).exists():  # noqa: ASYNC110 - the wish is another process's file
            await anyio.sleep(0.01)

    def _note(self, call: str, sandbox: SandboxId) -> None:
        folder = wishes(self.data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "calls", "a") as calls:
            calls.write(f"{time.monotonic()} {call} {sandbox}\n")


class _LocalLink(TcpLink):
    """Programs run as whoever runs the tests, in a folder that exists."""

    async def start(self, spec: ProcessSpec) -> ProcessStatus:
        return await super().start(replace(spec, user=_user(), cwd=PurePosixPath("/tmp")))

    async def run(self, request: CommandRequest) -> CommandResult:
        return await super().run(replace(request, user=_user(), cwd=PurePosixPath("/tmp")))


class SilentGateway:
    """A gateway that answers nothing."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    async def open(self) -> None:
        """Be open."""

    async def quiesce(self) -> None:
        """Be quiet."""

    async def close(self) -> None:
        """Let go of the socket."""
        self._listener.close()


class SilentControlPlane:
    """A control plane that does nothing for its session."""

    async def create_pull_request(self, title: str | None, body: str | None) -> str:
        return "nothing was done"


class EchoHarness:
    """An agent that is `cat`: each line it is sent is a record."""

    def __init__(self) -> None:
        self._link: GuestLink | None = None
        self._name = ""

    async def start(self, link: GuestLink, options: AgentOptions) -> None:
        self._link, self._name = link, f"agent-{options.run}"
        await link.start(ProcessSpec(name=self._name, argv=("cat",), cwd=PurePosixPath("/"), when_full=WhenFull.BLOCK))

    async def send(self, message: MessageId, text: str, attachments: Sequence[Attachment] = ()) -> None:
        assert self._link is not None
        await self._link.write(self._name, f"{text}\n".encode())

    async def interrupt(self) -> None:
        """There is never a turn."""

    async def answer(self, ask: AskId, answer: Answer) -> bool:
        return False

    async def configure(self, *, model: str | None, effort: str | None, mode: AgentMode) -> None:
        """There is no model."""

    async def records(self, link: GuestLink, run: int, offset: int) -> AsyncIterator[AgentRecord]:
        line = b""
        async for chunk in link.attach(f"agent-{run}", "out", offset):
            for byte in chunk.data:
                line += bytes([byte])
                if byte == ord("\n"):
                    event = AgentText(at=_NOW, text=line.decode().strip())  # type: ignore[arg-type]
                    yield AgentRecord(run=run, from_offset=offset, to_offset=offset + len(line), events=(event,))
                    offset, line = offset + len(line), b""
        yield AgentRecord(run=run, from_offset=offset, to_offset=offset, events=(), is_end=True)

    async def detach(self) -> None:
        self._link = None


class EmptyWorkspace:
    """A workspace without a repository."""

    def __init__(self, link: GuestLink) -> None:
        self._link = link

    async def sync(self, order: SyncOrder) -> SyncResult:
        return SyncResult(commit="0" * 40, is_changed=False)

    async def diff(self, base_commit: str, paths: Sequence[str] = ()) -> DiffResult:
        return DiffResult(base_commit=base_commit, head_commit=base_commit, patch="", is_truncated=False, files=())

    async def ignored_folders(self) -> frozenset[str]:
        return frozenset()

    async def publish(self, order: PublishOrder) -> PublishResult:
        return PublishResult(commit="0" * 40, is_changed=False)


def _home(data_dir: Path, sandbox: SandboxId) -> _Home:
    return _Home(wishes(data_dir) / sandbox)


def _user() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
