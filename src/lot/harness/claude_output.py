"""Claude's journal as records: whole lines, translated and put together, with the bytes they stand for.

A record never ends between a turn's result and the line that says what the program does next, so that every record
can be read on its own and reading may begin at the end of any. What is remembered across records can be missed: which
messages the program has echoed but perhaps not yet written to its transcript (its result names them again), and what
is being written now (`claude_parts.py`).
"""

import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from lot.core.events import AgentGone, Notice
from lot.core.ids import MessageId
from lot.core.records import FileLines
from lot.core.session import AgentState
from lot.harness.claude_events import NOTHING, Meaning, parse, together, translate
from lot.harness.claude_lines import kept
from lot.harness.claude_parts import LiveParts
from lot.harness.claude_transcript import mirrored
from lot.harness.harness import AgentRecord
from lot.harness.program_end import end_of
from lot.sandbox.link import Chunk, GuestLink, ProcessStatus

MAX_LINE_BYTES = 64 << 20
"""A longer line is skipped, and a notice says so."""
JOURNAL_BYTES = 128 << 20
"""Of output that is not stored yet; holds a longest line whole."""
SKIPPED_BYTES = 1 << 20
"""So much that means nothing is read again at most by who begins at the last record; then an empty record passes it."""
_TAIL_BYTES = 4_096
ECHO_S = 1.0
"""So long after its echo a message is in the program's transcript (0 to 85 ms were seen), also where the line that says
so was passed over. Killed before, it would not know the message when it is continued; so the message is not yet called
delivered, and the next run is sent it again."""
_WRITTEN_KEPT = 64


def process_name(run: int) -> str:
    """Return the name of a run's durable process."""
    return f"agent-{run}"


async def read_records(
    link: GuestLink, run: int, offset: int, see: Callable[[Mapping[str, Any]], None] | None = None
) -> AsyncIterator[AgentRecord]:
    """Yield a run's output from byte `offset`, where a record ended, and what comes, until the program has ended.

    Nothing is acknowledged: only who stores records knows how far they are stored. `see` is shown every line but
    streamed pieces.
    """
    name = process_name(run)
    gathered = Gathered(run=run, at=offset, see=see)
    async with attached(link, name, "out", offset) as chunks:
        async for chunk in chunks:
            gathered.add(chunk.offset, chunk.data)
            for record in (gathered.take(), gathered.take_live()):
                if record is not None:
                    yield record
    gathered.void_live()
    if (last := gathered.take_live()) is not None:
        yield last
    end = await end_of(link, name)
    yield gathered.end(end.death, is_lost=end.is_lost)


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
    see: Callable[[Mapping[str, Any]], None] | None = None
    """Shown every line."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    _line: bytearray = field(default_factory=bytearray)
    _end: int = -1
    """Behind the last byte that was added."""
    _lines_end: int = -1
    """Behind the last whole line."""
    _is_skipping: bool = False
    _meaning: Meaning = NOTHING
    _kept: list[str] = field(default_factory=list)
    _files: list[FileLines] = field(default_factory=list)
    _live: LiveParts = field(default_factory=LiveParts)
    _echoed_at: dict[MessageId, float] = field(default_factory=dict)
    _written: deque[MessageId] = field(default_factory=lambda: deque(maxlen=_WRITTEN_KEPT))
    """The newest entries of the transcript, for a message may be written before it is echoed."""

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
            if (meaning := self._close_line()) is not None:
                meanings.append(meaning)
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
        self._written.extend(message for message in self._meaning.written if message not in self._written)
        for message in self._meaning.echoed:
            self._echoed_at.setdefault(message, self.monotonic())

    def take(self) -> AgentRecord | None:
        """Return the whole lines so far as a record, unless they say nothing that lasts or are still open."""
        if self._lines_end == self.at or self._meaning.is_open:
            return None
        written = [
            message
            for message, at in self._echoed_at.items()
            if message in self._written or self.monotonic() - at >= ECHO_S
        ]
        meaning = self._meaning
        has_news = bool(meaning.events or meaning.delivered or meaning.agent or self._kept or self._files)
        if not has_news and not written and self._lines_end - self.at < SKIPPED_BYTES:
            return None
        for message in (*written, *self._meaning.delivered):
            self._echoed_at.pop(message, None)
        delivered = dict.fromkeys((*written, *self._meaning.delivered))
        return self._record(self._lines_end, replace(self._meaning, delivered=tuple(delivered)))

    def take_live(self) -> AgentRecord | None:
        """Return what has been written since and is not finished; to be taken after the record, if there is one."""
        parts = self._live.take()
        if not parts:
            return None
        return AgentRecord(run=self.run, from_offset=self.at, to_offset=self.at, events=(), parts=parts, is_live=True)

    def void_live(self) -> None:
        """Nobody finishes what is being written: the program has ended."""
        self._live.reset()

    def end(self, death: str | None, *, is_lost: bool = False) -> AgentRecord:
        """Return what is left, as the last record of the run."""
        meaning = self._meaning
        if death is not None:
            gone = AgentGone(at=self.now(), reason=death)
            meaning = replace(meaning, events=(*meaning.events, gone), agent=AgentState.ERRORED)
        return self._record(self._end, meaning, is_end=True, is_lost=is_lost)

    def _close_line(self) -> Meaning | None:
        raw, is_skipped = bytes(self._line), self._is_skipping
        self._line.clear()
        self._is_skipping = False
        line = None if is_skipped else parse(raw)
        if line is None:
            return NOTHING
        if line.get("type") == "stream_event":
            self._live.add(line)
            return None  # thousands come in a turn, and they mean nothing else
        if self.see is not None:
            self.see(line)
        if (written := mirrored(line)) is not None:
            self._files.append(written)
        if (text := kept(raw, line)) is not None:
            self._kept.append(text)
        return self._followed(line, translate(line, self.now()))

    def _followed(self, line: Mapping[str, Any], meaning: Meaning) -> Meaning:
        """Let a line tell what is being written now; return its meaning with what only this knows."""
        kind = line.get("type")
        if kind == "assistant":
            return replace(meaning, events=self._live.finish(line, meaning.events))
        if kind == "result" or line.get("subtype") == "api_retry":
            self._live.reset()
        return meaning

    def _record(self, to: int, meaning: Meaning, *, is_end: bool = False, is_lost: bool = False) -> AgentRecord:
        record = AgentRecord(
            run=self.run,
            from_offset=self.at,
            to_offset=to,
            events=meaning.events,
            delivered=meaning.delivered,
            agent=meaning.agent,
            is_end=is_end,
            is_lost=is_lost,
            lines="".join(f"{line}\n" for line in self._kept),
            files=tuple(self._files),
        )
        self.at, self._meaning = to, NOTHING
        self._kept.clear()
        self._files.clear()
        return record


async def last_words(link: GuestLink, status: ProcessStatus) -> str:
    """Return the end of what an ended program wrote to its standard error."""
    end, start = status.ends.get("err", 0), status.starts.get("err", 0)
    tail = b""
    async with attached(link, status.name, "err", max(start, end - _TAIL_BYTES)) as chunks:
        async for chunk in chunks:
            tail = (tail + chunk.data)[-_TAIL_BYTES:]
    return tail.decode("utf-8", "replace").strip()
