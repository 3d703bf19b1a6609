"""The zygote: one process that has imported everything and forks runners on request, ready within milliseconds.

`python -m lot.fleet.zygote ORDER` with one end of a socket pair as standard input; each message on it is the id of a
runner to fork, each answer a `Ready` of a runner that can be connected to. It never has a thread or a loop, and ends
with the control plane that started it, whose end of the socket is closed then.
"""

import fcntl
import gc
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, cast

from pydantic import BaseModel, ConfigDict

from lot.core.ids import RunnerId
from lot.runner.main import RunnerStart, run_runner
from lot.runner.parts import RunnerParts, RunnerSettings
from lot.runner.process_id import name_process

logger = logging.getLogger(__name__)

ALIVE_FILE = "alive.lock"
"""Locked by a runner and its watchdog together for as long as one of them lives: the proof of their death."""
OUTPUT_FILE = "output.log"
"""What a runner prints, which it should not; its log is apart."""
MAX_MESSAGE_BYTES = 4096
PARTS = "lot.runner.compose:make_parts"

_IMPORTED_LATE = (
    "anyio._backends._asyncio",
    "httpcore",
    "uvicorn.lifespan.off",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
)
"""What libraries import when first used: 60 ms that each runner would spend between its fork and its first call."""


class ZygoteOrder(BaseModel):
    """What a zygote is told at its start. Holds no secret: command lines can be read by everyone."""

    model_config = ConfigDict(frozen=True)
    settings: RunnerSettings
    parts: str
    """`module:function` that makes `RunnerParts` from settings."""
    lifeline: int
    """Descriptor of a pipe whose other end the control plane holds."""


class Ready(BaseModel):
    """A runner can be connected to."""

    model_config = ConfigDict(frozen=True)
    runner: str


def load_parts(name: str, settings: RunnerSettings) -> RunnerParts:
    """Import and make the parts that `module:function` names."""
    module, _, function = name.partition(":")
    make = cast(Callable[[RunnerSettings], RunnerParts], getattr(importlib.import_module(module), function))
    return make(settings)


def main() -> None:
    """Fork runners until the control plane is gone."""
    order = ZygoteOrder.model_validate_json(sys.argv[1])
    name_process("lot-zygote")
    os.environ.pop("PYTHONPATH", None)  # was for finding this package; children need their own
    parts = load_parts(order.parts, order.settings)
    for module in _IMPORTED_LATE:
        importlib.import_module(module)
    if len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError("an import has started a thread: runners could not be forked safely")
    # Children are reaped by the kernel. Objects of the imports are never looked at by a child's collector, which
    # would write into pages that all runners share.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    channel = socket.socket(fileno=0)
    while runner := _next_order(channel):
        try:
            _fork(runner, order, parts, channel)
        except OSError:
            logger.exception("runner not forked")


def _next_order(channel: socket.socket) -> RunnerId | None:
    """Return the next runner to fork; None: the control plane is gone."""
    try:
        return RunnerId(channel.recv(MAX_MESSAGE_BYTES).decode()) or None
    except ConnectionResetError:  # it left without reading everything that was said
        return None


def _fork(runner: RunnerId, order: ZygoteOrder, parts: RunnerParts, channel: socket.socket) -> None:
    folder = order.settings.runners_dir / runner
    folder.mkdir(mode=0o700, parents=True)
    alive = os.open(folder / ALIVE_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fork() == 0:
            _be_runner(runner, order, parts, channel, alive)  # has the lock too, which belongs to the open file
    finally:
        os.close(alive)


def _be_runner(
    runner: RunnerId, order: ZygoteOrder, parts: RunnerParts, channel: socket.socket, alive: int
) -> NoReturn:
    def say_ready() -> None:
        answers.send(Ready(runner=runner).model_dump_json().encode())
        answers.close()

    code = 1
    try:
        answers = channel.dup()
        channel.detach()  # `_redirect` puts something else in its place
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        name_process("lot-runner")
        os.setsid()
        os.chdir("/")
        _redirect(order.settings.runners_dir / runner / OUTPUT_FILE)
        start = RunnerStart(
            runner=runner,
            settings=order.settings,
            parts=parts,
            lifeline=order.lifeline,
            alive=alive,
            say_ready=say_ready,
        )
        run_runner(start)
        code = 0
    except BaseException:
        logger.exception("runner ended", extra={"runner_id": runner})
    finally:
        os._exit(code)


def _redirect(output: Path) -> None:
    """Have no standard input, and keep what is printed."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, source in ((0, nothing), (1, file), (2, file)):
        os.dup2(source, descriptor)
    os.close(nothing)
    os.close(file)


if __name__ == "__main__":
    main()
