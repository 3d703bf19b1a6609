"""Claude's journal as records: whole lines, translated and put together, with the bytes they stand for.

A record never ends between a turn's result and the line that says what the program does next, so that every record
can be read on its own and reading may begin at the end of any. What is remembered across records can be missed: which
messages the program has echoed but perhaps not yet written to its transcript; its result names them again.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from lot.core.events import AgentGone, Notice
from lot.core.ids import MessageId
from lot.core.session import AgentState
from lot.harness.claude_events import NOTHING, Meaning, parse, together, translate
from lot.harness.harness import AgentRecord
from lot.sandbox.link import Chunk, GuestLink, ProcessStatus

MAX_LINE_BYTES = 64 << 20
"""A longer line is skipped, and a notice says so."""
JOURNAL_BYTES = 128 << 20
"""Of output that is not stored yet; holds a longest line whole."""
_TAIL_BYTES = 4_096
_LEFTOVERS_GRACE_S = 1.0
ECHO_S = 1.0
"""So long after its echo a message is in the program's transcript (0 to 85 ms were seen). Killed before, it would not
know the message when it is continued; so the message is not yet called delivered, and the next run is sent it again."""
_ORDERLY = (0, 143, -15)
"""Exit codes of a program that was asked to end: by the end of its input, or by SIGTERM."""


def process_name(run: int) -> str:
    """Return the name of a run's durable process."""
    return f"agent-{run}"


async def read_records(link: GuestLink, run: int, offset: int) -> AsyncIterator[AgentRecord]:
    """Yield a run's output from byte `offset`, where a record ended, and what comes, until the program has ended.

    Nothing is acknowledged: only who stores records knows how far they are stored.
    """
    name = process_name(run)
    gathered = Gathered(run=run, at=offset)
    async with attached(link, name, "out", offset) as chunks:
        async for chunk in chunks:
            gathered.add(chunk.offset, chunk.data)
            record = gathered.take()
            if record is not None:
                yield record
    yield gathered.end(await _death(link, name))


@asynccontextmanager
async def attached(link: GuestLink, name: str, stream: str, offset: int) -> AsyncIterator[AsyncIterator[Chunk]]:
    """Read a journal for the length of the block; its connection is closed at the block's end, not some time later."""
    chunks = link.attach(name, stream, offset)
    try:
        yield chunks
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()


@dataclass(slots=True, kw_only=True)
class Gathered:
    """Bytes that are not in a record yet."""

    run: int
    at: int
    """Where the next record begins."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    _line: bytearray = field(default_factory=bytearray)
    _end: int = -1
    """Behind the last byte that was added."""
    _lines_end: int = -1
    """Behind the last whole line."""
    _is_skipping: bool = False
    _meaning: Meaning = NOTHING
    _echoed_at: dict[MessageId, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._end = self._lines_end = self.at

    def add(self, start: int, data: bytes) -> None:
        """Take in the next bytes; a gap before them costs the line it falls into."""
        meanings = [self._meaning]
        if start > self._end:
            text = f"{start - self._end} bytes of the agent's output are lost."
            meanings.append(Meaning(events=(Notice(at=self.now(), text=text),)))
            self._line.clear()
            self._is_skipping = True
        self._end = start + len(data)
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._line += piece
            meanings.append(self._close_line())
        if whole:
            self._lines_end = self._end - len(rest)
        if not self._is_skipping:
            self._line += rest
            if len(self._line) > MAX_LINE_BYTES:
                text = f"The agent wrote a line of more than {MAX_LINE_BYTES} bytes, which is skipped."
                meanings.append(Meaning(events=(Notice(at=self.now(), text=text),)))
                self._line.clear()
                self._is_skipping = True
        self._meaning = together(meanings)
        for message in self._meaning.echoed:
            self._echoed_at.setdefault(message, self.monotonic())

    def take(self) -> AgentRecord | None:
        """Return the whole lines so far as a record, unless what they mean is still open."""
        if self._lines_end == self.at or self._meaning.is_open:
            return None
        written = [message for message, at in self._echoed_at.items() if self.monotonic() - at >= ECHO_S]
        for message in (*written, *self._meaning.delivered):
            self._echoed_at.pop(message, None)
        delivered = dict.fromkeys((*written, *self._meaning.delivered))
        return self._record(self._lines_end, replace(self._meaning, delivered=tuple(delivered)))

    def end(self, death: str | None) -> AgentRecord:
        """Return what is left, as the last record of the run."""
        meaning = self._meaning
        if death is not None:
            gone = AgentGone(at=self.now(), reason=death)
            meaning = replace(meaning, events=(*meaning.events, gone), agent=AgentState.ERRORED)
        return self._record(self._end, meaning, is_end=True)

    def _close_line(self) -> Meaning:
        raw, is_skipped = bytes(self._line), self._is_skipping
        self._line.clear()
        self._is_skipping = False
        line = None if is_skipped else parse(raw)
        return NOTHING if line is None else translate(line, self.now())

    def _record(self, to: int, meaning: Meaning, *, is_end: bool = False) -> AgentRecord:
        record = AgentRecord(
            run=self.run,
            from_offset=self.at,
            to_offset=to,
            events=meaning.events,
            delivered=meaning.delivered,
            agent=meaning.agent,
            is_end=is_end,
        )
        self.at, self._meaning = to, NOTHING
        return record


async def _death(link: GuestLink, name: str) -> str | None:
    """Return how a program ended in words, or None when it was asked to, or ended with its sandbox.

    What a program that died has left running is ended.
    """
    status = next((status for status in await link.processes() if status.name == name), None)
    if status is None or status.exit_code is None or status.exit_code in _ORDERLY:
        return None
    await link.stop(name, _LEFTOVERS_GRACE_S)
    return f"The agent program {ending(status)}. The next message continues the conversation."


def ending(status: ProcessStatus) -> str:
    """Return how a program ended, to be read after its name."""
    if status.exit_code is None or status.exit_code >= 0:
        return f"ended with exit code {status.exit_code}"
    return f"was killed by signal {-status.exit_code}"


async def last_words(link: GuestLink, status: ProcessStatus) -> str:
    """Return the end of what an ended program wrote to its standard error."""
    end, start = status.ends.get("err", 0), status.starts.get("err", 0)
    tail = b""
    async with attached(link, status.name, "err", max(start, end - _TAIL_BYTES)) as chunks:
        async for chunk in chunks:
            tail = (tail + chunk.data)[-_TAIL_BYTES:]
    return tail.decode("utf-8", "replace").strip()
