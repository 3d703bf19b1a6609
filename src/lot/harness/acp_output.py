"""An ACP agent's journal as records: whole lines, translated and put together, with the bytes they stand for."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lot.core.events import AgentGone
from lot.core.live_parts import joined
from lot.core.session import AgentState
from lot.harness import acp_wire as wire
from lot.harness.acp_events import Translation
from lot.harness.acp_lines import Line, Lines, feeding
from lot.harness.claude_output import process_name
from lot.harness.harness import AgentRecord
from lot.harness.program_end import end_of
from lot.sandbox.link import Chunk, GuestLink

MAX_KEPT_LINE_CHARS = 200_000
"""The longest line that is kept beside the events."""
HELD_S = 1.0
"""How long a tool call is held back for its input."""
_BEFORE_BYTES = 8 << 20
"""The most of what was stored already that is read again."""
_NOT_KEPT = (b"agent_message_chunk", b"agent_thought_chunk", b"available_commands_update", b"config_option_update")


async def read_records(link: GuestLink, run: int, offset: int) -> AsyncIterator[AgentRecord]:
    """Yield a run's output from byte `offset`, where a record ended, and what comes, until the program has ended.

    Nothing is acknowledged: only who stores records knows how far they are stored.
    """
    name = process_name(run)
    status = next((status for status in await link.processes() if status.name == name), None)
    oldest = status.starts.get("out", 0) if status is not None else 0
    begin = min(offset, max(oldest, offset - _BEFORE_BYTES))
    gathered = Gathered(run=run, begin=begin, at=offset)
    async with feeding(link, name, begin) as feed:
        while True:
            try:
                chunk = await feed.next(HELD_S if gathered.is_holding else None)
            except TimeoutError:
                gathered.hold_no_longer()
            else:
                if chunk is None:
                    break
                gathered.add(chunk)
            for record in gathered.take():
                yield record
    end = await end_of(link, name)
    yield gathered.close(end.death, is_lost=end.is_lost)


@dataclass(slots=True, kw_only=True)
class Gathered:
    """Lines that are not in a record yet. Those from `begin` to `at` were in one, and are only remembered."""

    run: int
    begin: int
    at: int
    """Where the next record begins."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _lines: Lines = field(init=False)
    _translation: Translation = field(init=False)
    _whole: int = field(init=False)
    """Behind the last whole line."""
    _kept: list[str] = field(default_factory=list)
    _ready: list[AgentRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._whole = self.at
        self._lines = Lines(self.begin, is_skipping=0 < self.begin < self.at)
        self._translation = Translation(run=self.run, is_starting=self.begin == 0)

    @property
    def is_holding(self) -> bool:
        """Whether a tool call waits for its input."""
        return self._translation.has_untold_tools

    def add(self, chunk: Chunk) -> None:
        """Take in the next bytes."""
        for line in self._lines.add(chunk):
            self._take_in(line)

    def hold_no_longer(self) -> None:
        """Tell of tool calls without their input, if nothing else is open."""
        self._translation.tell_tools(self.now())

    def take(self) -> Iterator[AgentRecord]:
        """Yield what is being written, to be shown; then the whole lines so far, unless what they mean is open."""
        ready, self._ready = self._ready, []
        yield from ready
        parts, self._translation.parts = self._translation.parts, []
        if parts:
            yield AgentRecord(
                run=self.run, from_offset=self.at, to_offset=self.at, events=(), parts=joined(parts), is_live=True
            )
        if self._whole > self.at and not self._translation.is_open:
            yield self._record(self._whole)

    def close(self, death: str | None, *, is_lost: bool = False) -> AgentRecord:
        """Return what is left, as the last record of the run."""
        self._translation.finish(self.now())
        if death is not None:
            self._translation.events.append(AgentGone(at=self.now(), reason=death))
            self._translation.agent = AgentState.ERRORED
        return self._record(max(self.at, self._lines.end), is_end=True, is_lost=is_lost)

    def _take_in(self, line: Line) -> None:
        message = wire.read(line.raw) if line.trouble is None else None
        was_open = self._translation.is_open
        self._translation.take_in(message, line.start, self.now())
        if line.end <= self.at:
            self._translation.forget()
            return
        if self._whole > self.at and self._translation.is_open and not was_open:
            # A line that opens something means nothing else: what came before need not wait for its end.
            self._ready.append(self._record(self._whole))
        self._whole = line.end
        if line.trouble is not None:
            self._translation.notice(line.trouble, self.now())
        elif message is not None and len(line.raw) <= MAX_KEPT_LINE_CHARS and not _is_chatter(line.raw):
            self._kept.append(line.raw.decode("utf-8", "replace").replace("\0", "\ufffd") + "\n")

    def _record(self, to: int, *, is_end: bool = False, is_lost: bool = False) -> AgentRecord:
        events, delivered, agent = self._translation.take_out()
        record = AgentRecord(
            run=self.run,
            from_offset=self.at,
            to_offset=to,
            events=events,
            delivered=delivered,
            agent=agent,
            is_end=is_end,
            is_lost=is_lost,
            lines="".join(self._kept),
        )
        self._kept = []
        self.at = self._whole = to
        return record


def _is_chatter(raw: bytes) -> bool:
    """Return whether a line is not worth keeping: its events say all of it."""
    head = raw[:400]
    return any(b'"' + kind + b'"' in head for kind in _NOT_KEPT)
