"""Runners as processes of this machine: forked from a zygote, found again through their folders.

Each has a folder `<data_dir>/run/runners/<id>`. An idle runner ends with the control plane that started it; one that
is assigned lives on and is found by the next.
"""

import fcntl
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
from anyio import to_thread

import lot
from lot.config import Settings
from lot.core.errors import UnavailableError
from lot.core.ids import RunnerId, SandboxId, new_id
from lot.fleet.fleet import RunnerHandle
from lot.fleet.zygote import ALIVE_FILE, MAX_MESSAGE_BYTES, PARTS, Ready, ZygoteOrder, load_parts
from lot.runner.client import RunnerClient
from lot.runner.hold import SandboxHold
from lot.runner.http_client import HttpRunnerClient
from lot.runner.main import PROCESSES_FILE
from lot.runner.parts import RunnerSettings
from lot.runner.process_id import ProcessId
from lot.runner.runner import ASSIGNMENT_FILE
from lot.runner.wire import RUNNER_SOCKET
from lot.sandbox.driver import SandboxDriver

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
"""The first runner waits for the zygote's imports, on a machine that may be busy."""
END_TIMEOUT_S = 5.0
_LOOK_AGAIN_S = 0.005
_KEPT_FOLDERS = 50
"""Folders of dead runners that are kept for their logs."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""All that a runner gets of our environment: it may hold keys."""


class LocalFleet:
    """The runners of one installation on this machine."""

    def __init__(self, settings: Settings, *, parts: str = PARTS) -> None:
        """Prepare; `parts` names what runners are made of, as `ZygoteOrder.parts`."""
        self._warm = settings.warm_runners
        self._settings = RunnerSettings(
            data_dir=settings.data_dir.resolve(),
            runtime_dir=settings.runtime_dir.resolve(),
            memory_reserve_bytes=settings.memory_reserve_bytes,
            disk_reserve_bytes=settings.disk_reserve_bytes,
        )
        self._parts = parts
        self._zygote: _Zygote | None = None
        self._driver: SandboxDriver | None = None
        self._lock = anyio.Lock()
        self._forked: deque[RunnerId] = deque()
        """Idle runners, the oldest first; some may not be ready yet."""
        self._clients: dict[RunnerId, HttpRunnerClient] = {}

    async def open(self) -> None:
        """Start the zygote and the idle runners; returns before they are ready."""
        for folder in (self._settings.runners_dir, self._settings.holds_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await to_thread.run_sync(self._forget_dead)
        async with self._lock:
            await self._fork(self._warm)

    async def take(self) -> tuple[RunnerHandle, RunnerClient]:
        """Return an idle runner; another is forked in its place meanwhile.

        Raises:
            UnavailableError: none came up.
        """
        async with self._lock:
            for _ in range(self._warm + 2):
                await self._fork(self._warm + 1 - len(self._forked))
                runner = self._forked.popleft()
                if await self._is_ready(runner):
                    return self._handle(runner), self._client(runner)
        raise UnavailableError(f"no runner came up; see {self._settings.runners_dir}/*/*.log")

    async def find(self, runner: RunnerId) -> tuple[RunnerHandle, RunnerClient] | None:
        """Return a runner by its id if it is alive."""
        if not self._is_alive(runner):
            return None
        return self._handle(runner), self._client(runner)

    async def is_dead(self, runner: RunnerId) -> bool:
        """Return whether the runner and its watchdog have ended: the kernel has freed the lock they share."""
        return not _is_locked(self._folder(runner) / ALIVE_FILE)

    async def list_runners(self) -> tuple[RunnerHandle, ...]:
        """Return all runners that are alive."""
        return tuple(self._handle(runner) for runner in self._runners() if self._is_alive(runner))

    async def stop(self, runner: RunnerId) -> None:
        """End a runner and its watchdog at once.

        Raises:
            UnavailableError: the kernel does not let them end in time.
        """
        if runner in self._forked:
            self._forked.remove(runner)
        if (client := self._clients.pop(runner, None)) is not None:
            await client.close()
        with anyio.move_on_after(END_TIMEOUT_S):
            while not await self.is_dead(runner):
                for process in self._processes(runner):
                    process.kill()
                    await process.wait_ended()
                await anyio.lowlevel.checkpoint()  # it may be forking its watchdog
        if not await self.is_dead(runner):
            raise UnavailableError(f"runner {runner} does not end; see its processes in {self._folder(runner)}")
        await to_thread.run_sync(self._forget_dead)

    async def list_sandboxes(self) -> tuple[SandboxId, ...]:
        """Return every sandbox of which anything is left on this machine."""
        return await (await self._get_driver()).list_sandboxes()

    async def reap_sandbox(self, sandbox: SandboxId) -> None:
        """Destroy what is left of a sandbox that no runner serves."""
        await (await self._get_driver()).destroy(sandbox)
        await to_thread.run_sync(SandboxHold(self._settings.holds_dir, sandbox).drop_dead)

    async def close(self, *, stop_idle: bool = True) -> None:
        """Let go of the runners: idle ones end by themselves; with `stop_idle` only return when they have."""
        async with self._lock:
            idle, self._forked = self._forked, deque()
            if self._zygote is not None:
                await self._zygote.close()
                self._zygote = None
        if stop_idle:
            for runner in idle:
                await self.stop(runner)
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _fork(self, count: int) -> None:
        """Ask for so many more idle runners; does not wait for them."""
        if self._zygote is not None and not self._zygote.is_alive:
            logger.error("the zygote died; starting another")
            await self._zygote.close()
            self._zygote = None
            self._forked.clear()
        if self._zygote is None:
            self._zygote = await _Zygote.start(self._settings, self._parts)
        for _ in range(count):
            runner = RunnerId(new_id())
            self._zygote.fork(runner)
            self._forked.append(runner)

    async def _is_ready(self, runner: RunnerId) -> bool:
        """Wait until a runner can be connected to; False when it cannot any more."""
        if self._zygote is None:
            return False
        with anyio.move_on_after(START_TIMEOUT_S):
            return await self._zygote.wait_ready(runner) and self._is_alive(runner)
        return False

    def _runners(self) -> list[RunnerId]:
        folder = self._settings.runners_dir
        return [RunnerId(entry.name) for entry in folder.iterdir()] if folder.is_dir() else []

    def _folder(self, runner: RunnerId) -> Path:
        return self._settings.runners_dir / runner

    def _handle(self, runner: RunnerId) -> RunnerHandle:
        return RunnerHandle(runner=runner, address=str(self._folder(runner) / RUNNER_SOCKET))

    def _processes(self, runner: RunnerId) -> list[ProcessId]:
        """Return the runner's processes as far as they are written down: itself, its watchdog."""
        record = _read_json(self._folder(runner) / PROCESSES_FILE)
        return [ProcessId(**process) for process in record.values()]

    def _is_alive(self, runner: RunnerId) -> bool:
        processes = self._processes(runner)
        return bool(processes) and processes[0].is_alive

    def _client(self, runner: RunnerId) -> HttpRunnerClient:
        """Return the client of a runner: one for all who ask, so that none is left open."""
        client = self._clients.get(runner)
        if client is None or client.is_closed:
            client = self._clients[runner] = HttpRunnerClient(self._folder(runner))
        if client.epoch is None:
            client.epoch = self._epoch(runner)
        return client

    def _epoch(self, runner: RunnerId) -> int | None:
        epoch: int | None = _read_json(self._folder(runner) / ASSIGNMENT_FILE).get("epoch")
        return epoch

    def _forget_dead(self) -> None:
        """Remove the folders of dead runners but the newest, whose logs may still tell something."""
        dead = [self._folder(runner) for runner in self._runners() if not _is_locked(self._folder(runner) / ALIVE_FILE)]
        for folder in sorted(dead, key=_changed_at, reverse=True)[_KEPT_FOLDERS:]:
            shutil.rmtree(folder, ignore_errors=True)

    async def _get_driver(self) -> SandboxDriver:
        if self._driver is None:
            self._driver = await to_thread.run_sync(lambda: load_parts(self._parts, self._settings).driver())
        return self._driver


class _Zygote:
    """The zygote process, and the line to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", channel: socket.socket, lifeline: int) -> None:
        self._process = process
        self._channel = channel
        self._lifeline = lifeline
        self._ready: set[RunnerId] = set()
        self._has_ended = False

    @classmethod
    async def start(cls, settings: RunnerSettings, parts: str) -> "_Zygote":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        watched, lifeline = os.pipe()
        order = ZygoteOrder(settings=settings, parts=parts, lifeline=watched)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with theirs, (settings.data_dir / "run" / "zygote.log").open("ab") as log:
            process = await to_thread.run_sync(
                lambda: subprocess.Popen(
                    [sys.executable, "-m", "lot.fleet.zygote", order.model_dump_json()],
                    stdin=theirs.fileno(),
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env={**environment, "PYTHONPATH": os.pathsep.join(_import_path())},
                    pass_fds=(watched,),
                    start_new_session=True,  # an interrupt typed at the control plane is not meant for it
                )
            )
        os.close(watched)
        ours.setblocking(False)
        return cls(process, ours, lifeline)

    @property
    def is_alive(self) -> bool:
        return not self._has_ended and self._process.poll() is None

    def fork(self, runner: RunnerId) -> None:
        """Ask for a runner; that the zygote is dead is learned by waiting for it."""
        try:
            self._channel.send(runner.encode())
        except (BrokenPipeError, ConnectionResetError):
            self._has_ended = True

    async def wait_ready(self, runner: RunnerId) -> bool:
        """Return once a runner is ready; False when the zygote has died before."""
        while runner not in self._ready:
            if self._has_ended:
                return False
            await anyio.wait_readable(self._channel)
            try:
                data = self._channel.recv(MAX_MESSAGE_BYTES)
            except ConnectionResetError:
                data = b""
            if data:
                self._ready.add(RunnerId(Ready.model_validate_json(data).runner))
            else:
                self._has_ended = True
        self._ready.discard(runner)
        return True

    async def close(self) -> None:
        """End it, and by closing the lifeline every runner that is idle."""
        self._process.kill()
        await to_thread.run_sync(self._process.wait)
        self._channel.close()
        os.close(self._lifeline)


def _import_path() -> list[str]:
    """Return where this package, and what names its parts, is found: a checkout need not be installed."""
    return [str(Path(lot.__file__).parents[1]), *(path for path in sys.path if path and Path(path).is_dir())]


def _is_locked(file: Path) -> bool:
    """Return whether another process holds a file's lock; a missing file has none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look at the same time do not take each other for the holder.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _changed_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read_json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    return value if isinstance(value, dict) else {}
