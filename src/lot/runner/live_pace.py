"""Holds what is being written back for a moment, so that many small pieces cross to the control plane as few frames.

Each frame costs the control plane and whoever watches about as much as its text is short: without this, twenty agents
that write at once keep a small machine busy with frames alone.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from lot.core.live_parts import joined
from lot.harness.harness import AgentRecord

LIVE_EVERY_S = 0.04
"""Between two frames of what is being written; a person sees no difference."""
_AHEAD = 16
"""Records that are read before the last one is sent; then reading waits."""


async def send_paced(
    records: AsyncIterator[AgentRecord],
    send: Callable[[AgentRecord], Awaitable[None]],
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Send records in their order; those that only say what is being written joined, and at most so often.

    The first one after a while is sent at once, and none is held back when a record comes that lasts.
    """
    put, get = anyio.create_memory_object_stream[AgentRecord](_AHEAD)
    pace = _Pace(get, send, now)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, records, put, pace)
        await pace.run()


async def _read(records: AsyncIterator[AgentRecord], put: MemoryObjectSendStream[AgentRecord], pace: "_Pace") -> None:
    with put:
        async for record in records:
            await put.send(record)
            pace.wake()
    pace.wake()


class _Pace:
    def __init__(
        self,
        records: MemoryObjectReceiveStream[AgentRecord],
        send: Callable[[AgentRecord], Awaitable[None]],
        now: Callable[[], float],
    ) -> None:
        self._records, self._send, self._now = records, send, now
        self._held: AgentRecord | None = None
        self._next_at = 0.0
        self._woken = anyio.Event()

    def wake(self) -> None:
        """Say that there may be more."""
        self._woken.set()

    async def run(self) -> None:
        """Send until everything is sent and nothing comes any more."""
        with self._records:
            while True:
                # Only the waiting is cut short: what was received is never lost by that.
                self._woken = anyio.Event()
                try:
                    await self._take(self._records.receive_nowait())
                except anyio.EndOfStream:
                    return await self._send_held()
                except anyio.WouldBlock:
                    await self._wait()

    async def _take(self, record: AgentRecord) -> None:
        if not record.is_live:
            await self._send_held()
            await self._send(record)
            return
        held = self._held
        self._held = record if held is None else replace(record, parts=joined((*held.parts, *record.parts)))
        if self._now() >= self._next_at:
            await self._send_held()

    async def _wait(self) -> None:
        if self._held is None:
            await self._woken.wait()
            return
        with anyio.move_on_after(max(0.0, self._next_at - self._now())):
            await self._woken.wait()
        if self._now() >= self._next_at:
            await self._send_held()

    async def _send_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._next_at = self._now() + LIVE_EVERY_S
            await self._send(held)
