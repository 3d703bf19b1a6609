"""The life of one runner process, from its fork to its end."""

import json
import logging
import logging.handlers
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import uvicorn
from anyio.abc import SocketListener
from starlette.applications import Starlette

from lot.core.ids import RunnerId
from lot.log import configure_logging
from lot.runner.forwarding import forward
from lot.runner.operations import Operations
from lot.runner.parts import RunnerParts, RunnerSettings
from lot.runner.process_id import ProcessId
from lot.runner.runner import Runner
from lot.runner.server import make_app
from lot.runner.sockets import listen_at
from lot.runner.watchdog_line import WatchdogLine, fork_watchdog
from lot.runner.wire import FORWARD_SOCKET, MAX_FRAME_BYTES, RUNNER_SOCKET

logger = logging.getLogger(__name__)

PROCESSES_FILE = "processes.json"
"""In a runner's folder: `{"runner": ..., "watchdog": ...}`, each a `ProcessId`."""
LOG_FILE = "runner.log"
_LOG_BYTES = 1 << 20
_END_TIME_S = 3
"""How long open requests may take to end when the runner does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerStart:
    """What a process needs to be a runner."""

    runner: RunnerId
    """Its folder exists."""
    settings: RunnerSettings
    parts: RunnerParts
    lifeline: int
    """A descriptor that becomes readable once the control plane is gone that started this runner; an idle one ends."""
    alive: int
    """A descriptor whose lock tells others, for as long as runner or watchdog live, that they do."""
    say_ready: Callable[[], None]
    """Called once the runner can be connected to."""

    @property
    def folder(self) -> Path:
        """The runner's own folder."""
        return self.settings.runners_dir / self.runner


def run_runner(start: RunnerStart) -> None:
    """Be a runner until it is over. To be called in a process that has neither threads nor a loop."""
    own = ProcessId.of(os.getpid())
    assert own is not None
    _announce(start.folder, runner=own)
    watchdog = fork_watchdog(start.settings.holds_dir, start.parts.hands, start.alive)
    _announce(start.folder, runner=own, watchdog=watchdog.process)
    configure_logging()
    _log_to(start.folder / LOG_FILE)
    anyio.run(_serve, start, watchdog)


async def _serve(start: RunnerStart, watchdog: WatchdogLine) -> None:
    async with anyio.create_task_group() as tasks:
        ends = anyio.Event()
        runner = Runner(start.runner, start.settings, start.parts, watchdog, tasks, ends.set)
        server = _Server(make_app(runner, Operations(tasks)))
        callers = listen_at(start.folder / RUNNER_SOCKET)
        forwarding = await SocketListener.from_socket(listen_at(start.folder / FORWARD_SOCKET))
        tasks.start_soon(server.serve, [callers])
        tasks.start_soon(forwarding.serve, partial(forward, runner))
        tasks.start_soon(_end_when_idle_alone, runner, start.lifeline)
        tasks.start_soon(_retire_when_told, runner)
        start.say_ready()
        tasks.start_soon(runner.prepare)
        await ends.wait()
        server.should_exit = True
        with anyio.move_on_after(_END_TIME_S):
            await server.has_ended.wait()
        tasks.cancel_scope.cancel()


class _Server(uvicorn.Server):
    """Leaves signals alone: what they mean is the runner's affair."""

    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=MAX_FRAME_BYTES,
            ws_ping_interval=None,  # the other end is on this host: the kernel tells when it is gone
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_END_TIME_S,
        )
        super().__init__(config)
        self.has_ended = anyio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            self.has_ended.set()


async def _end_when_idle_alone(runner: Runner, lifeline: int) -> None:
    await anyio.wait_readable(lifeline)
    if not runner.is_assigned:
        await runner.retire()


async def _retire_when_told(runner: Runner) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            await runner.retire()


def _announce(folder: Path, **processes: ProcessId) -> None:
    """Write down which processes this runner is, so that they can be ended."""
    unfinished = folder / f"{PROCESSES_FILE}.partial"
    unfinished.write_text(json.dumps({name: process.as_json() for name, process in processes.items()}))
    unfinished.replace(folder / PROCESSES_FILE)


def _log_to(file: Path) -> None:
    """Log as JSON lines, two files of 1 MiB at most."""
    handler = logging.handlers.RotatingFileHandler(file, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for library in ("httpx", "uvicorn", "asyncio", "mcp", "claude_agent_sdk"):
        logging.getLogger(library).setLevel(logging.WARNING)


class _JsonLines(logging.Formatter):
    """One JSON object per record: text, level, and the facts given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
        line = {"at": self.formatTime(record), "level": record.levelname, "text": record.getMessage(), **facts}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({})))
