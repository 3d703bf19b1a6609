"""A durable pipe as whole lines with the bytes they stand for, and as chunks that can be waited for with a limit."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from lot.harness.claude_output import attached
from lot.sandbox.link import Chunk, GuestLink

MAX_LINE_BYTES = 32 << 20
"""A longer line is skipped."""
_CHUNKS_AHEAD = 4
_TOO_LONG = f"The agent wrote a line of more than {MAX_LINE_BYTES} bytes, which is skipped."


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A whole line; or, with `trouble`, bytes that make none, and why."""

    start: int
    end: int
    """Behind its newline."""
    raw: bytes = b""
    trouble: str | None = None


@dataclass(slots=True)
class Lines:
    """Splits a journal from byte `end` on."""

    end: int
    """Behind the last byte that was added."""
    is_skipping: bool = False
    """Begins in the middle of a line, which is left out."""
    _start: int = field(init=False)
    _line: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._start = self.end

    def add(self, chunk: Chunk) -> Iterator[Line]:
        """Yield the lines that a chunk completes; a gap before it costs the line it falls into."""
        if chunk.offset > self.end:
            text = f"{chunk.offset - self.end} bytes of the agent's output are lost."
            yield self._skip(chunk.offset, text)
        *whole, rest = chunk.data.split(b"\n")
        position = chunk.offset
        self.end = chunk.offset + len(chunk.data)
        for piece in whole:
            position += len(piece) + 1
            if not self.is_skipping and len(self._line) + len(piece) > MAX_LINE_BYTES:
                yield Line(start=self._start, end=position, trouble=_TOO_LONG)
            elif not self.is_skipping:
                yield Line(start=self._start, end=position, raw=bytes(self._line) + piece)
            self._line.clear()
            self.is_skipping, self._start = False, position
        if self.is_skipping:
            return
        self._line += rest
        if len(self._line) > MAX_LINE_BYTES:
            yield self._skip(self.end, _TOO_LONG)

    def _skip(self, end: int, trouble: str) -> Line:
        skipped = Line(start=self._start, end=end, trouble=trouble)
        self._line.clear()
        self.is_skipping, self._start = True, end
        return skipped


class Feed:
    """Chunks of a journal, read ahead a little by a task of its own."""

    def __init__(self) -> None:
        self._chunks: asyncio.Queue[Chunk | Exception | None] = asyncio.Queue(_CHUNKS_AHEAD)

    async def next(self, limit_s: float | None) -> Chunk | None:
        """Return the next chunk; None at the journal's end.

        Raises:
            TimeoutError: none came within `limit_s`.
        """
        found = await asyncio.wait_for(self._chunks.get(), limit_s)
        if isinstance(found, Exception):
            raise found
        return found

    async def fill(self, link: GuestLink, name: str, offset: int) -> None:
        """Read standard output to its end."""
        try:
            async with attached(link, name, "out", offset) as chunks:
                async for chunk in chunks:
                    await self._chunks.put(chunk)
        except Exception as error:  # given to whoever waits for the next chunk
            await self._chunks.put(error)
        else:
            await self._chunks.put(None)


@asynccontextmanager
async def feeding(link: GuestLink, name: str, offset: int) -> AsyncIterator[Feed]:
    """Read a program's standard output for the length of the block.

    The task is no task group's: a generator that yields within one would be torn when its reader goes away.
    """
    feed = Feed()
    task = asyncio.create_task(feed.fill(link, name, offset))
    try:
        yield feed
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
