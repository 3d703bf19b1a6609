"""A command is stopped before the disk is full, and left alone otherwise."""

from pathlib import Path

import anyio
import pytest

from lot.core.errors import CommandTimedOutError, HostFullError
from lot.runner.disk_watch import DiskWatch

pytestmark = pytest.mark.anyio

TERABYTE = 1 << 40


class Command:
    """Runs until it is told to end, or not at all."""

    def __init__(self) -> None:
        self.stops = 0

    async def run_for_ever(self) -> int:
        await anyio.sleep_forever()
        return 0

    async def fail(self) -> int:
        await anyio.lowlevel.checkpoint()
        raise CommandTimedOutError("too long")

    async def succeed(self) -> int:
        await anyio.lowlevel.checkpoint()
        return 7

    async def stop(self) -> None:
        self.stops += 1


async def test_command_is_stopped_when_the_reserve_is_reached_with_figures_and_next_step(tmp_path: Path) -> None:
    command = Command()
    with pytest.raises(HostFullError, match=r"disk is full: \d+ MiB .*setup was stopped.*LOT_DISK_RESERVE_BYTES"):
        await DiskWatch(tmp_path, TERABYTE << 10).while_room("setup", command.run_for_ever, command.stop)
    assert command.stops == 1


async def test_with_room_the_commands_own_end_counts(tmp_path: Path) -> None:
    command, watch = Command(), DiskWatch(tmp_path, 0)
    assert await watch.while_room("setup", command.succeed, command.stop) == 7
    with pytest.raises(CommandTimedOutError):
        await watch.while_room("setup", command.fail, command.stop)
    assert command.stops == 0
