"""Moves bytes between a program's streams and the guest: `Pump` what it writes, `Feed` what it reads."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Protocol

from lot.guest.refusal import Refused

TURN_BYTES = 256 << 10
"""Read from one program before others have their turn."""
NAP_S = 0.004
"""While output flows it is fetched this often, so that thousands of small writes become few large ones."""
RETRY_S = 1.0
"""A full disk is tried again this often; the program waits meanwhile."""
MAX_PENDING_BYTES = 16 << 20
"""Input that a program has not read yet; further writes wait."""

_buffer = memoryview(bytearray(TURN_BYTES))
"""Shared by all pumps: there is one thread, and it is empty between their turns."""


class Sink(Protocol):
    """Where a pump puts what it has read."""

    def room(self) -> int:
        """Return how many bytes may come now."""

    def append(self, data: memoryview) -> int:
        """Take from `data`, which is only valid during the call; the pump tries later with what was not taken."""


class Bounded:
    """A sink in memory that keeps the first bytes and counts the others away."""

    def __init__(self, max_bytes: int) -> None:
        self.data, self.is_truncated = bytearray(), False
        self._max_bytes = max_bytes

    def room(self) -> int:
        """Return that it never blocks."""
        return TURN_BYTES

    def append(self, data: memoryview) -> int:
        """Keep what fits."""
        space = self._max_bytes - len(self.data)
        self.data += data[:space]
        self.is_truncated = self.is_truncated or len(data) > space
        return len(data)


class Pump:
    """Reads one descriptor, which it owns, into a sink until end of file, at the pace the sink allows."""

    def __init__(self, file: int, sink: Sink, on_drained: Callable[[], None], *, outlives_program: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._file, self._sink, self._on_drained = file, sink, on_drained
        self._outlives_program = outlives_program
        self._is_registered, self._is_ending = False, False
        self._timer: asyncio.TimerHandle | None = None
        self._held = b""
        self.is_drained = False
        """End of file, or the program has ended and all it wrote was read. What its descendants write later still
        comes, if the pump outlives the program."""
        os.set_blocking(file, False)
        self._register()

    def finish(self) -> None:
        """The program has ended: read what is left."""
        self._is_ending = True
        self.poll()

    def poll(self) -> None:
        """Read now; also called when the sink has room again."""
        self._cancel_timer()
        if self._file < 0 or not self._store_held():
            return
        budget = TURN_BYTES
        while budget > 0:
            room = min(self._sink.room(), TURN_BYTES)
            if room <= 0:
                self._unregister()
                return
            try:
                count = os.readv(self._file, [_buffer[:room]])
            except BlockingIOError:
                if self._is_ending and not self._outlives_program:
                    self._end()
                    return
                self._tell_drained(self._is_ending)
                if budget == TURN_BYTES:
                    self._register()
                else:
                    self._call_later(NAP_S)
                return
            except OSError:  # EIO: the last holder of a terminal has gone
                count = 0
            if count == 0:
                self._end()
                return
            if not self._store(_buffer[:count]):
                return
            budget -= count
        self._call_later(0.0)

    def close(self) -> None:
        """Stop reading; repeatable."""
        self._cancel_timer()
        self._unregister()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _end(self) -> None:
        self.close()
        self._tell_drained(True)

    def _tell_drained(self, is_drained: bool) -> None:
        if is_drained and not self.is_drained:
            self.is_drained = True
            self._on_drained()

    def _store_held(self) -> bool:
        held, self._held = self._held, b""
        return not held or self._store(memoryview(held))

    def _store(self, data: memoryview) -> bool:
        taken = self._sink.append(data)
        if taken == len(data):
            return True
        self._held = bytes(data[taken:])
        self._call_later(RETRY_S)
        return False

    def _call_later(self, delay_s: float) -> None:
        self._unregister()
        self._timer = self._loop.call_later(delay_s, self.poll)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _register(self) -> None:
        if not self._is_registered:
            self._is_registered = True
            self._loop.add_reader(self._file, self.poll)

    def _unregister(self) -> None:
        if self._is_registered:
            self._is_registered = False
            self._loop.remove_reader(self._file)


class Feed:
    """Writes a program's standard input through one descriptor, which it owns."""

    def __init__(self, file: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._file = file
        self._pending = bytearray()
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._is_registered, self._closes_when_empty = False, False
        self.offset = 0
        os.set_blocking(file, False)

    async def accept(self, data: bytes, offset: int | None) -> int:
        """Take all of `data` that was not taken before, once there is room, and return the new offset."""
        async with self._turn:
            if offset is not None:
                if offset > self.offset:
                    raise Refused("invalid", f"input from {offset} on, but only {self.offset} bytes were accepted")
                data = data[self.offset - offset :]
            while self._file >= 0 and self._pending and len(self._pending) + len(data) > MAX_PENDING_BYTES:
                self._changed.clear()
                await self._changed.wait()
            if data and self._file < 0:
                raise Refused("not_found", "the process no longer reads its standard input")
            self.offset += len(data)
            self._pending += data
            self._flush()
            return self.offset

    def finish(self) -> None:
        """Close when all that was accepted has been written."""
        self._closes_when_empty = True
        self._flush()

    def close(self) -> None:
        """Close at once; repeatable."""
        self._watch(False)
        self._pending.clear()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._changed.set()

    def _flush(self) -> None:
        while self._pending and self._file >= 0:
            try:
                count = os.write(self._file, self._pending[:TURN_BYTES])
            except BlockingIOError:
                self._watch(True)
                return
            except OSError:  # EPIPE: the program closed its end
                self.close()
                return
            del self._pending[:count]
            self._changed.set()
        self._watch(False)
        if self._closes_when_empty:
            self.close()

    def _watch(self, is_wanted: bool) -> None:
        if is_wanted and not self._is_registered:
            self._loop.add_writer(self._file, self._flush)
        elif self._is_registered and not is_wanted:
            self._loop.remove_writer(self._file)
        self._is_registered = is_wanted
