"""What a program has written, on disk, numbered by byte.

A stream's journal is a row of segment files named by the number of their first byte, so the end is known from the
disk alone and numbers go on when a process, or the guest, is started anew.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re

from lot.guest import wire

MAX_SEGMENT_BYTES = 4 << 20
UNLIMITED = 1 << 62


class Segment:
    """One file: bytes `start` to `end` of the stream."""

    __slots__ = ("end", "path", "start")

    def __init__(self, path: str, start: int, end: int) -> None:
        self.path, self.start, self.end = path, start, end


class Journal:
    """One stream. `blocks` tells what happens at the limit: wait for `acknowledge`, or forget the oldest bytes."""

    def __init__(self, folder: str, stream: str) -> None:
        self._folder, self._stream = folder, stream
        self._segments = _find_segments(folder, stream)
        self._file = -1
        self._limit, self._segment_bytes, self._blocks = 0, 0, False
        self._waiters: list[asyncio.Future[bool]] = []
        self._dirty: list[str] = []
        self.end = self._segments[-1].end if self._segments else 0
        self._acknowledged = self.start
        self.configure(16 << 20, blocks=False)

    @property
    def start(self) -> int:
        """The oldest byte still kept."""
        return self._segments[0].start if self._segments else self.end

    def configure(self, limit_bytes: int, blocks: bool) -> None:
        """Set how much is kept, from the next byte on."""
        self._limit, self._blocks = limit_bytes, blocks
        self._segment_bytes = min(MAX_SEGMENT_BYTES, limit_bytes // 8)

    def room(self) -> int:
        """Return how many bytes may be appended now."""
        if not self._blocks:
            return UNLIMITED
        return self._limit - (self.end - max(self._acknowledged, self.start))

    def append(self, data: memoryview) -> int:
        """Write `data` behind the end, wake the readers, and return how much was written: less on a full disk."""
        taken = 0
        while taken < len(data):
            try:
                taken += self._write(data[taken:])
            except OSError as error:
                if error.errno != errno.ENOSPC or self._blocks or len(self._segments) < 2:
                    break
                self._forget_first()
        while not self._blocks and self.end - self.start > self._limit and len(self._segments) > 1:
            self._forget_first()
        self.wake()
        return taken

    def read(self, offset: int, max_bytes: int) -> tuple[int, bytes]:
        """Return bytes from `offset` on, or from the oldest kept byte behind it, with the number of the first."""
        for segment in self._segments:
            if offset < segment.end:
                first = max(offset, segment.start)
                count = min(max_bytes, segment.end - first)
                if segment is self._segments[-1] and self._file >= 0:
                    return first, os.pread(self._file, count, first - segment.start)
                file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    return first, os.pread(file, count, first - segment.start)
                finally:
                    os.close(file)
        return self.end, b""

    async def wait(self, timeout_s: float) -> bool:
        """Return True when something was appended or the stream's state has changed, False after `timeout_s`."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(timeout_s, _settle, waiter, False)
        self._waiters.append(waiter)
        try:
            return await waiter
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def wake(self) -> None:
        """Let all readers look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _settle(waiter, True)

    def acknowledge(self, offset: int) -> None:
        """Forget what lies before `offset`, if this journal blocks."""
        if not self._blocks:
            return
        self._acknowledged = max(self._acknowledged, min(offset, self.end))
        while len(self._segments) > 1 and self._segments[0].end <= self._acknowledged:
            self._forget_first()

    def skip_to(self, offset: int) -> None:
        """Go on at `offset`: a disk that lost its tail must not give numbers out twice."""
        if offset > self.end:
            self.end = offset
            self._segments.append(self._new_segment())

    def forget_all(self) -> None:
        """Free the disk; numbers still go on."""
        if self.start < self.end:
            self._segments.append(self._new_segment())
            while len(self._segments) > 1:
                self._forget_first()
        self._close_file()

    def sync(self) -> None:
        """Bring everything written to disk."""
        dirty, self._dirty = self._dirty, []
        for path in dirty:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            os.fdatasync(file)
            os.close(file)
        if self._segments and self._file >= 0:
            self._dirty.append(self._segments[-1].path)

    def _write(self, data: memoryview) -> int:
        segment = self._current()
        space = segment.start + self._segment_bytes - segment.end
        written = os.pwrite(self._file, data[:space], segment.end - segment.start)
        segment.end += written
        self.end += written
        return written

    def _current(self) -> Segment:
        """Return the segment that is written, a new one when the last is full or the numbers have jumped."""
        last = self._segments[-1] if self._segments else None
        if last is not None and last.end == self.end and last.end - last.start < self._segment_bytes:
            if self._file < 0:
                self._file = os.open(last.path, os.O_RDWR | os.O_CLOEXEC)
                self._dirty.append(last.path)
            return last
        self._segments.append(self._new_segment())
        return self._segments[-1]

    def _new_segment(self) -> Segment:
        self._close_file()
        path = os.path.join(self._folder, f"{self._stream}.{self.end:020d}")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._dirty.append(path)
        return Segment(path, self.end, self.end)

    def _forget_first(self) -> None:
        segment = self._segments.pop(0)
        if segment.path in self._dirty:
            self._dirty.remove(segment.path)
        os.unlink(segment.path)

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _settle(waiter: asyncio.Future[bool], value: bool) -> None:
    if not waiter.done():
        waiter.set_result(value)


def _find_segments(folder: str, stream: str) -> list[Segment]:
    segments: list[Segment] = []
    for name in sorted(os.listdir(folder)):
        if re.fullmatch(stream + r"\.\d{20}", name):
            path = os.path.join(folder, name)
            start = int(name[-20:])
            if start <= wire.MAX_OFFSET and os.path.isfile(path):
                segments.append(Segment(path, start, start + os.path.getsize(path)))
    return segments
