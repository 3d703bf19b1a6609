"""Who holds a sandbox on this host: newer epochs take it and end who held it, older ones are refused."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lot.core.errors import StaleEpochError
from lot.core.ids import RunnerId, SandboxId
from lot.runner.hold import Holder, SandboxHold
from lot.runner.process_id import ProcessId


@pytest.fixture
def hold(tmp_path: Path) -> SandboxHold:
    return SandboxHold(tmp_path, SandboxId("s"))


@pytest.fixture
def process() -> Iterator[ProcessId]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        identity = ProcessId.of(child.pid)
        assert identity is not None
        try:
            yield identity
        finally:
            child.kill()


def holder(runner: str, epoch: int, *processes: ProcessId) -> Holder:
    return Holder(runner=RunnerId(runner), epoch=epoch, processes=processes)


def is_held(hold: SandboxHold, by: Holder) -> bool:
    with hold.while_held(by) as held:
        return held


def test_newer_epoch_takes_the_sandbox_and_ends_the_processes_of_the_older(
    hold: SandboxHold, process: ProcessId
) -> None:
    old, new = holder("one", 1, process), holder("two", 2)
    hold.take(old)
    assert process.is_alive
    hold.take(new)
    assert not process.is_alive
    assert (is_held(hold, old), is_held(hold, new)) == (False, True)


@pytest.mark.parametrize("epoch", [1, 2])
def test_older_or_same_epoch_of_another_runner_is_refused(hold: SandboxHold, process: ProcessId, epoch: int) -> None:
    hold.take(holder("one", 2, process))
    with pytest.raises(StaleEpochError):
        hold.take(holder("two", epoch))
    assert process.is_alive


def test_same_runner_may_take_again(hold: SandboxHold, process: ProcessId) -> None:
    for _ in range(2):
        hold.take(holder("one", 1, process))
    assert process.is_alive


def test_number_that_belongs_to_another_process_by_now_is_left_alone(hold: SandboxHold, process: ProcessId) -> None:
    hold.take(holder("one", 1, ProcessId(pid=process.pid, started_ticks=process.started_ticks - 1)))
    hold.take(holder("two", 2))
    assert process.is_alive


def test_drop_leaves_no_file_and_only_the_holder_can(hold: SandboxHold, tmp_path: Path) -> None:
    hold.take(holder("one", 1))
    hold.drop(holder("two", 2))
    assert is_held(hold, holder("one", 1))
    hold.drop(holder("one", 1))
    assert not is_held(hold, holder("one", 1))
    hold.drop_dead()
    assert list(tmp_path.iterdir()) == []


def test_drop_dead_keeps_the_hold_of_a_live_holder(hold: SandboxHold, process: ProcessId) -> None:
    hold.take(holder("one", 1, process))
    hold.drop_dead()
    assert is_held(hold, holder("one", 1))
    process.kill()
    assert process.ends_within(5)
    hold.drop_dead()
    assert not is_held(hold, holder("one", 1))
