"""How the end of an agent program is told."""

from typing import cast

import pytest

from lot.harness.program_end import ProgramEnd, end_of
from lot.sandbox.link import GuestLink, ProcessStatus

pytestmark = pytest.mark.anyio

NAME = "agent-1"


class OneProcess:
    """A guest with one process, which notes what it is asked to stop."""

    def __init__(self, *, is_running: bool, exit_code: int | None) -> None:
        self.status = ProcessStatus(
            name=NAME,
            pid=7,
            is_running=is_running,
            exit_code=exit_code,
            started_at=0.0,
            stdin_offset=0,
            ends={},
            starts={},
        )
        self.stopped: list[str] = []

    async def processes(self) -> tuple[ProcessStatus, ...]:
        return (self.status,)

    async def stop(self, name: str, grace_s: float) -> None:
        self.stopped.append(name)


@pytest.mark.parametrize(
    ("is_running", "exit_code", "end"),
    [
        (False, 0, ProgramEnd()),
        (False, 143, ProgramEnd()),
        (True, None, ProgramEnd()),  # its output is closed, its end comes a moment later
        (False, None, ProgramEnd(is_lost=True)),
    ],
)
async def test_orderly_end_and_loss_with_the_sandbox_are_no_death(
    is_running: bool, exit_code: int | None, end: ProgramEnd
) -> None:
    guest = OneProcess(is_running=is_running, exit_code=exit_code)
    assert await end_of(cast(GuestLink, guest), NAME) == end
    assert guest.stopped == []
    assert await end_of(cast(GuestLink, guest), "agent-2") == ProgramEnd()


@pytest.mark.parametrize(("exit_code", "words"), [(-9, "was killed by signal 9"), (3, "ended with exit code 3")])
async def test_death_is_told_and_what_is_left_of_it_ended(exit_code: int, words: str) -> None:
    guest = OneProcess(is_running=False, exit_code=exit_code)
    end = await end_of(cast(GuestLink, guest), NAME)
    assert words in (end.death or "")
    assert guest.stopped == [NAME]
