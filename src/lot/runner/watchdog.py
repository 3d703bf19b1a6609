"""The watchdog: a small process beside each runner that freezes and kills the sandbox when the lease is not renewed.

Forked from the runner before any loop or thread exists. It shares nothing with it but one socket, so it goes on
counting when the runner hangs or dies, and acts only while the runner's hold on the sandbox stands (`hold.py`).
The runner's end of the socket is `watchdog_line.py`.
"""

import logging
import select
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from lot.core.ids import RunnerId, SandboxId
from lot.runner.hold import Holder, SandboxHold
from lot.runner.lease import Due, LeaseClock
from lot.runner.process_id import ProcessId

logger = logging.getLogger(__name__)

SAVE_TIME_S = 8.0
"""How long a runner may take for the candidate image: together with `kill_after_s` less than the 40 s of a claim."""
ACKNOWLEDGE_TIME_S = 1.0
"""A runner that does not say within this time that it saves will not save."""
_TRY_AGAIN_S = 0.5
MAX_MESSAGE_BYTES = 64 << 10


class SandboxHands(Protocol):
    """What a watchdog does to a sandbox: blocking, without a loop, repeatable, nothing when it is not there."""

    def freeze_now(self, sandbox: SandboxId) -> None:
        """Stop every process of a sandbox in place."""

    def thaw_now(self, sandbox: SandboxId) -> None:
        """Let a frozen sandbox go on."""

    def kill_now(self, sandbox: SandboxId) -> None:
        """Kill every process of a sandbox, frozen or not."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Arm(_Message):
    """Runner to watchdog: watch over this sandbox from now on."""

    kind: Literal["arm"] = "arm"
    sandbox: str
    runner: str
    epoch: int
    sent_at: float
    freeze_after_s: float
    kill_after_s: float


class Renewed(_Message):
    """Runner to watchdog: a renewal sent at this instant was answered with yes."""

    kind: Literal["renewed"] = "renewed"
    sent_at: float


class Saving(_Message):
    """Runner to watchdog, answering `save`: the candidate image is being made."""

    kind: Literal["saving"] = "saving"


class Disarm(_Message):
    """Runner to watchdog: there is nothing to watch over any more; end."""

    kind: Literal["disarm"] = "disarm"


class Act(_Message):
    """Watchdog to runner: the sandbox was frozen or thawed, or its last chance to be saved has come."""

    act: Literal["frozen", "thawed", "save"]


MESSAGE: TypeAdapter[Arm | Renewed | Saving | Disarm] = TypeAdapter(
    Annotated[Arm | Renewed | Saving | Disarm, Field(discriminator="kind")]
)


@dataclass(frozen=True, slots=True)
class _Watched:
    sandbox: SandboxId
    holder: Holder
    hold: SandboxHold
    clock: LeaseClock
    hands: SandboxHands


class Watchdog:
    """Watches over one runner's sandbox until there is nothing left to watch over."""

    def __init__(
        self, channel: socket.socket, runner: ProcessId, holds: Path, make_hands: Callable[[], SandboxHands]
    ) -> None:
        self._channel = channel
        self._runner = runner
        self._holds = holds
        self._make_hands = make_hands
        self._watched: _Watched | None = None
        self._is_alone = False
        """The runner's end of the channel is closed: it is dead."""

    def run(self) -> None:
        """Return once the sandbox needs no watching: killed, taken over, given back, or never assigned."""
        while True:
            for message in self._messages(self._wait_s()):
                match message:
                    case Arm():
                        self._arm(message)
                    case Renewed() if self._watched is not None:
                        self._watched.clock.renewed(message.sent_at)
                    case Disarm():
                        return
            if self._watched is None:
                if self._is_alone:
                    return
            elif self._act(self._watched):
                return

    def _arm(self, message: Arm) -> None:
        clock = LeaseClock(message.sent_at, freeze_after_s=message.freeze_after_s, kill_after_s=message.kill_after_s)
        sandbox = SandboxId(message.sandbox)
        holder = Holder(runner=RunnerId(message.runner), epoch=message.epoch, processes=())
        hold = SandboxHold(self._holds, sandbox)
        self._watched = _Watched(sandbox, holder, hold, clock, self._make_hands())

    def _wait_s(self) -> float | None:
        return None if self._watched is None else max(0.0, self._watched.clock.next_at() - time.monotonic())

    def _messages(self, timeout_s: float | None) -> Iterator[_Message]:
        """Yield what the runner says, after waiting for it at most so long."""
        if self._is_alone:
            time.sleep(timeout_s or 0.0)
            return
        if not select.select([self._channel], [], [], timeout_s)[0]:
            return
        try:
            data = self._channel.recv(MAX_MESSAGE_BYTES)
        except ConnectionResetError:  # it died with words of ours unread
            data = b""
        if data:
            yield MESSAGE.validate_json(data)
        else:
            self._is_alone = True

    def _act(self, watched: _Watched) -> bool:
        """Do what is due; return whether that was the end."""
        due = watched.clock.due(time.monotonic())
        if due is Due.NOTHING:
            return False
        if due is Due.KILL:
            self._give_last_chance()
        try:
            with watched.hold.while_held(watched.holder) as is_held:
                if not is_held:
                    return True
                self._do(watched, due)
        except Exception:
            # Whatever went wrong, a sandbox without a lease must not go on: try again.
            logger.exception("watchdog could not act", extra={"sandbox_id": watched.sandbox, "due": due})
            time.sleep(_TRY_AGAIN_S)
            return False
        if due is Due.KILL:
            self._runner.kill()
        return due is Due.KILL

    def _do(self, watched: _Watched, due: Due) -> None:
        logger.warning("lease not renewed", extra={"sandbox_id": watched.sandbox, "due": due})
        if due is Due.KILL:
            watched.hands.kill_now(watched.sandbox)
        elif due is Due.FREEZE:
            watched.hands.freeze_now(watched.sandbox)
            watched.clock.is_frozen = True
            self._tell("frozen")
        else:
            watched.hands.thaw_now(watched.sandbox)
            watched.clock.is_frozen = False
            self._tell("thawed")

    def _give_last_chance(self) -> None:
        """Let a live runner save the memory; return once it has ended, or will not do it, or the time is over."""
        self._tell("save")
        deadline = time.monotonic() + ACKNOWLEDGE_TIME_S
        while not self._is_alone and (left_s := deadline - time.monotonic()) > 0:
            for message in self._messages(left_s):
                if isinstance(message, Saving):
                    deadline = time.monotonic() + SAVE_TIME_S

    def _tell(self, act: Literal["frozen", "thawed", "save"]) -> None:
        if self._is_alone:
            return
        try:
            self._channel.send(Act(act=act).model_dump_json().encode(), socket.MSG_DONTWAIT)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return  # it hangs or is dead; what it does not know changes nothing here
