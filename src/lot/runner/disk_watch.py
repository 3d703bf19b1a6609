"""Stops a long command before it fills the host's disk: what Lot keeps there, and other sandboxes, need the rest.

A command that ran on would take the store's own room, and then not even its failure could be recorded.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio

from lot.core.errors import HostFullError, LotError
from lot.sandbox.host_room import free_disk

T = TypeVar("T")

LOOK_EVERY_S = 0.1
"""A disk takes some 100 MB in that time; the reserve is larger."""
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class DiskWatch:
    """Looks after the file system of a folder."""

    folder: Path
    reserve_bytes: int

    async def while_room(self, name: str, run: Callable[[], Awaitable[T]], stop: Callable[[], Awaitable[None]]) -> T:
        """Return what `run` returns, unless the disk is down to its reserve before: then `stop` is called.

        Raises:
            HostFullError: with the figures and the next step.
        """
        done: list[T] = []
        failed: LotError | None = None
        async with anyio.create_task_group() as tasks:

            async def carry_out() -> None:
                nonlocal failed
                try:
                    done.append(await run())
                except LotError as error:
                    failed = error
                tasks.cancel_scope.cancel()

            tasks.start_soon(carry_out)
            while (free := free_disk(self.folder)) >= self.reserve_bytes:  # noqa: ASYNC110 - a disk tells nobody
                await anyio.sleep(LOOK_EVERY_S)
            tasks.cancel_scope.cancel()
        if failed is not None:
            raise failed
        if done:
            return done[0]
        await stop()
        raise HostFullError(
            f"the disk is full: {free // _MIB} MiB are free in {self.folder} and {self.reserve_bytes // _MIB} MiB are "
            f"kept in reserve, so {name} was stopped. Free some disk, or lower LOT_DISK_RESERVE_BYTES, then retry"
        )
