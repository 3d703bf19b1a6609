"""The runner's end of the line to its watchdog, and the forking of it."""

import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import anyio
from pydantic import BaseModel

from lot.runner.process_id import ProcessId, name_process
from lot.runner.protocol import Assignment
from lot.runner.watchdog import MAX_MESSAGE_BYTES, Act, Arm, Disarm, Renewed, SandboxHands, Saving, Watchdog

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchdogLine:
    """Tells the watchdog what it has to know; none of it waits."""

    process: ProcessId
    _channel: socket.socket

    def arm(self, assignment: Assignment, sent_at: float) -> None:
        """Have it watch over the assignment's sandbox, counting from `sent_at`."""
        self._say(
            Arm(
                sandbox=assignment.sandbox,
                runner=assignment.runner,
                epoch=assignment.epoch,
                sent_at=sent_at,
                freeze_after_s=assignment.freeze_after_s,
                kill_after_s=assignment.kill_after_s,
            )
        )

    def renewed(self, sent_at: float) -> None:
        """Tell of a good renewal."""
        self._say(Renewed(sent_at=sent_at))

    def saving(self) -> None:
        """Answer `save`: the candidate image is being made; the end of this process says that it is done."""
        self._say(Saving())

    def disarm(self) -> None:
        """Let it end: there is no sandbox any more, or none of ours."""
        self._say(Disarm())

    async def acts(self) -> AsyncIterator[Act]:
        """Yield what it did; end when it is dead."""
        while True:
            await anyio.wait_readable(self._channel)
            try:
                data = self._channel.recv(MAX_MESSAGE_BYTES)
            except ConnectionResetError:
                return
            if not data:
                return
            yield Act.model_validate_json(data)

    def _say(self, message: BaseModel) -> None:
        try:
            self._channel.send(message.model_dump_json().encode())
        except (BrokenPipeError, ConnectionResetError, BlockingIOError):
            logger.error("the watchdog cannot be reached", extra={"pid": self.process.pid})


def fork_watchdog(holds: Path, make_hands: Callable[[], SandboxHands], alive: int) -> WatchdogLine:
    """Fork the watchdog of this process; to be called before any thread or loop exists.

    Args:
        alive: The descriptor whose lock says that runner or watchdog live; all others are closed in the watchdog.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    runner = ProcessId.of(os.getpid())
    assert runner is not None
    pid = os.fork()
    if pid == 0:
        _close_all_but(0, 1, 2, alive, theirs.fileno())
        _be_watchdog(theirs, runner, holds, make_hands)
    theirs.close()
    ours.setblocking(False)
    process = ProcessId.of(pid)
    if process is None:
        raise RuntimeError("the watchdog ended at once")
    return WatchdogLine(process, ours)


def _close_all_but(*kept: int) -> None:
    """Close what was inherited: somebody else waits for its end."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor not in kept:
            with suppress(OSError):  # the one that the folder was read through
                os.close(descriptor)


def _be_watchdog(
    channel: socket.socket, runner: ProcessId, holds: Path, make_hands: Callable[[], SandboxHands]
) -> NoReturn:
    name_process("lot-watchdog")
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(PermissionError):
        # Of all processes it is the one that must outlive a shortage. It starts none that would inherit this.
        Path("/proc/self/oom_score_adj").write_text("-1000")
    try:
        Watchdog(channel, runner, holds, make_hands).run()
        os._exit(0)
    except BaseException:
        logger.exception("watchdog ended")
        os._exit(1)
