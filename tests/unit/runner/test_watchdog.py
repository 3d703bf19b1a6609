"""The watchdog over a real process tree, in a process of its own, with shortened times."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import BaseModel

from lot.core.ids import RunnerId, SandboxId
from lot.runner.hold import Holder, SandboxHold
from lot.runner.process_id import ProcessId
from lot.runner.watchdog import Act, Arm, Disarm, Renewed, Saving, Watchdog

PATIENCE_S = 10.0
SANDBOX = SandboxId("s")

_TREE = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("up", flush=True)
time.sleep(600)
"""
_RUNNER = "import time; time.sleep(600)"


@dataclass(frozen=True)
class GroupHands:
    """Acts on a process group."""

    group: int

    def freeze_now(self, sandbox: SandboxId) -> None:
        os.killpg(self.group, signal.SIGSTOP)

    def thaw_now(self, sandbox: SandboxId) -> None:
        os.killpg(self.group, signal.SIGCONT)

    def kill_now(self, sandbox: SandboxId) -> None:
        os.killpg(self.group, signal.SIGKILL)


@dataclass
class Scene:
    """A sandbox, a runner that says what the test has it say, and the watchdog over both."""

    holds: Path
    sandbox: "subprocess.Popen[str]"
    runner: "subprocess.Popen[bytes]"
    line: socket.socket
    watchdog: ProcessId
    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.holder = Holder(runner=RunnerId("one"), epoch=1, processes=())
        self.hold.take(self.holder)

    @property
    def hold(self) -> SandboxHold:
        return SandboxHold(self.holds, SANDBOX)

    def say(self, message: BaseModel) -> None:
        self.line.send(message.model_dump_json().encode())

    def arm(self, freeze_after_s: float, kill_after_s: float) -> None:
        self.say(
            Arm(
                sandbox=SANDBOX,
                runner="one",
                epoch=1,
                sent_at=time.monotonic(),
                freeze_after_s=freeze_after_s,
                kill_after_s=kill_after_s,
            )
        )

    def hear(self) -> str:
        """Return the next thing that the watchdog says it did."""
        self.line.settimeout(PATIENCE_S)
        return Act.model_validate_json(self.line.recv(4096)).act

    def runner_dies(self) -> None:
        self.runner.kill()
        self.runner.wait()
        self.line.close()

    @property
    def states(self) -> set[str]:
        """Return how the live processes of the sandbox are: `stopped`, or `up`."""
        states = set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == self.sandbox.pid and fields[0] != "Z":
                states.add("stopped" if fields[0] == "T" else "up")
        return states

    def wait_stopped(self) -> None:
        give_up_at = time.monotonic() + PATIENCE_S
        while self.states != {"stopped"}:
            assert time.monotonic() < give_up_at
            time.sleep(0.01)

    def wait_killed(self) -> None:
        """Wait until no process of the sandbox lives: the kernel ends a killed one a moment after the call."""
        give_up_at = time.monotonic() + PATIENCE_S
        while self.states:
            assert time.monotonic() < give_up_at, self.states
            time.sleep(0.005)

    def wait_watchdog(self) -> None:
        assert self.watchdog_ends_within(PATIENCE_S)

    def watchdog_ends_within(self, seconds: float) -> bool:
        return self.watchdog.ends_within(seconds)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    sandbox = subprocess.Popen([sys.executable, "-c", _TREE], stdout=subprocess.PIPE, text=True, start_new_session=True)
    runner = subprocess.Popen([sys.executable, "-c", _RUNNER])
    assert sandbox.stdout is not None
    sandbox.stdout.readline()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    runner_id = ProcessId.of(runner.pid)
    assert runner_id is not None
    pid = os.fork()
    if pid == 0:
        ours.close()
        try:
            Watchdog(theirs, runner_id, tmp_path, lambda: GroupHands(sandbox.pid)).run()
        finally:
            os._exit(0)
    theirs.close()
    watchdog = ProcessId.of(pid)
    assert watchdog is not None
    try:
        yield Scene(tmp_path, sandbox, runner, ours, watchdog)
    finally:
        ours.close()
        watchdog.kill()
        os.waitpid(pid, 0)
        for process in (sandbox, runner):
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):
            os.killpg(sandbox.pid, signal.SIGKILL)
        sandbox.stdout.close()


def test_without_renewals_the_sandbox_is_frozen_then_killed_and_the_runner_ended(scene: Scene) -> None:
    scene.arm(0.2, 2.0)
    assert scene.hear() == "frozen"
    scene.wait_stopped()
    assert scene.hear() == "save"
    scene.wait_watchdog()
    scene.wait_killed()
    assert scene.runner.wait(PATIENCE_S) == -signal.SIGKILL


def test_late_good_renewal_thaws(scene: Scene) -> None:
    scene.arm(0.2, 60.0)
    assert scene.hear() == "frozen"
    scene.say(Renewed(sent_at=time.monotonic() + 60.0))
    assert scene.hear() == "thawed"
    assert scene.states == {"up"}


def test_renewals_keep_the_sandbox_going(scene: Scene) -> None:
    scene.arm(0.2, 0.4)
    scene.say(Renewed(sent_at=time.monotonic() + 60.0))
    assert not scene.watchdog_ends_within(0.6)
    assert scene.states == {"up"}


def test_runner_that_saves_is_waited_for(scene: Scene) -> None:
    scene.arm(0.1, 0.2)
    assert [scene.hear(), scene.hear()] == ["frozen", "save"]
    scene.say(Saving())
    assert not scene.watchdog_ends_within(1.5)
    assert scene.states == {"stopped"}
    scene.runner_dies()
    scene.wait_watchdog()
    scene.wait_killed()


def test_dead_runners_sandbox_is_still_frozen_and_killed(scene: Scene) -> None:
    scene.arm(0.2, 3.0)
    scene.runner_dies()
    scene.wait_stopped()
    scene.wait_watchdog()
    scene.wait_killed()


def test_hung_runner_is_ended_with_its_sandbox(scene: Scene) -> None:
    scene.arm(0.1, 0.2)
    scene.runner.send_signal(signal.SIGSTOP)
    scene.wait_watchdog()
    assert scene.runner.wait(PATIENCE_S) == -signal.SIGKILL
    scene.wait_killed()


def test_sandbox_that_a_newer_epoch_has_taken_is_left_alone(scene: Scene) -> None:
    scene.arm(0.3, 0.4)
    scene.hold.take(Holder(runner=RunnerId("two"), epoch=2, processes=()))
    scene.wait_watchdog()
    assert scene.states == {"up"}


def test_disarmed_watchdog_ends_and_touches_nothing(scene: Scene) -> None:
    scene.arm(60.0, 60.0)
    scene.say(Disarm())
    scene.wait_watchdog()
    assert scene.states == {"up"}


def test_watchdog_of_an_idle_runner_ends_with_it(scene: Scene) -> None:
    scene.runner_dies()
    scene.wait_watchdog()
    assert scene.states == {"up"}
