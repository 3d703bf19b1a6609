"""What agents are just writing, passed on to whoever watches: bounded, never stored, never shown after its event.

A part carries the number of the newest event that its agent had told before it. A reader shows it after that event,
and not any more once it has shown the event that takes the part's place. A reader that is too slow loses parts; it
then gets a `reset` and what is being written as it stands. Nothing here waits, so that no reader holds up an agent.

Readers also hear that something else of the session has changed (`Change`), which they then read anew.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import anyio

from lot.core.events import (
    AgentText,
    AgentThought,
    LivePart,
    SessionEvent,
    SetupChanged,
    StoredEvent,
    SubagentChanged,
    ToolCalled,
    ToolFinished,
)
from lot.core.ids import SessionId
from lot.core.live_parts import joined

KEPT_CHARS = 64 << 10
"""So much of the end of each thing that is being written is kept for who joins in the middle."""
KEPT_KEYS = 32
"""So many things can be in the writing at once in one session; the oldest is given up first."""
QUEUE_CHARS = 256 << 10
QUEUE_PARTS = 4096

_Key = tuple[str, str]
_RESET = LivePart(kind="reset")


class Change(StrEnum):
    """What of a session may be another than it was, and is stored nowhere."""

    PORTS = "ports"
    DIFF = "diff"
    """Files of the workspace were written, so that its diff may be another; or are only now watched."""


@dataclass(slots=True)
class _Writing:
    """The newest characters of one thing that is being written."""

    part: LivePart
    pieces: deque[str] = field(default_factory=deque)
    chars: int = 0
    offset: int = 0

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.chars += len(text)
        while self.chars > KEPT_CHARS:
            first = self.pieces.popleft()
            dropped = min(len(first), self.chars - KEPT_CHARS)
            if dropped < len(first):
                self.pieces.appendleft(first[dropped:])
            self.chars, self.offset = self.chars - dropped, self.offset + dropped

    def whole(self) -> LivePart:
        return self.part.model_copy(update={"offset": self.offset, "text": "".join(self.pieces)})


class _Channel:
    """One session: what is being written in it, and who reads along."""

    def __init__(self) -> None:
        self.writing: dict[_Key, _Writing] = {}
        self.readers: set[Reader] = set()
        self.after = 0
        """Number of the newest event that the agent's records have made."""

    def take_in(self, part: LivePart) -> None:
        if part.kind == "reset":
            self.writing.clear()
            return
        key = (part.kind, part.key)
        known = self.writing.get(key)
        if known is None or part.offset != known.offset + known.chars:
            self.writing.pop(key, None)
            known = self.writing[key] = _Writing(part, offset=part.offset)
            if len(self.writing) > KEPT_KEYS:
                del self.writing[next(iter(self.writing))]
        known.add(part.text)


class Reader:
    """Reads one session's parts along with its events; see `bus.follow`."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel
        self._queue: deque[tuple[int, LivePart]] = deque()
        self._chars = 0
        self._is_behind = True
        self._has_shown = False
        self._replaced: dict[_Key, int] = {}
        self._has_news = True
        self._changes: set[Change] = set()
        self._woken = anyio.Event()

    def tell_change(self, change: Change) -> None:
        """Say that something has changed; said again before the reader has heard of it, it is heard once."""
        self._changes.add(change)
        self._woken.set()

    def take_changes(self) -> list[Change]:
        """Return what has changed; asked again: only what has changed since."""
        changes, self._changes = sorted(self._changes), set()
        return changes

    def tell_news(self) -> None:
        """Say that there may be more events in the store."""
        self._has_news = True
        self._woken.set()

    def take_news(self) -> bool:
        """Return whether there may be events that were not read; asked again: only newer ones."""
        has_news, self._has_news = self._has_news, False
        return has_news

    def put(self, part: LivePart) -> None:
        """Queue a part; what does not fit is lost, and replaced as a whole when the reader comes."""
        if part.kind == "reset":
            self._clear()
        if not self._is_behind:
            self._queue.append((self._channel.after, part))
            self._chars += len(part.text)
            if self._chars > QUEUE_CHARS or len(self._queue) > QUEUE_PARTS:
                self._clear()
                self._is_behind = True
        self._woken.set()

    def note(self, stored: StoredEvent) -> None:
        """Drop the parts in whose place an event stands that is now being shown."""
        for key in replaced_by(stored.event):
            self._replaced[key] = stored.number

    def take(self, up_to: int) -> list[LivePart]:
        """Return the parts to be shown by a reader who has shown the events up to a number; neighbours are joined."""
        if self._is_behind:
            return self._catch_up(up_to)
        taken: list[LivePart] = []
        while self._queue and self._queue[0][0] <= up_to:
            after, part = self._queue.popleft()
            self._chars -= len(part.text)
            if after >= self._replaced.get((part.kind, part.key), 0):
                taken.append(part)
        self._has_shown = self._has_shown or bool(taken)
        self._forget_old()
        return list(joined(taken))

    async def wait(self) -> None:
        """Return once there may be more; at once when there is news of events already."""
        if not self._has_news:
            self._woken = anyio.Event()
            await self._woken.wait()

    def _catch_up(self, up_to: int) -> list[LivePart]:
        after = self._channel.after
        if after > up_to:
            return []
        self._is_behind = False
        begun = [
            writing.whole() for key, writing in self._channel.writing.items() if after >= self._replaced.get(key, 0)
        ]
        reset = [_RESET] if self._has_shown else []
        self._has_shown = self._has_shown or bool(begun)
        return [*reset, *begun]

    def _clear(self) -> None:
        self._queue.clear()
        self._chars = 0

    def _forget_old(self) -> None:
        # Parts that come from now on were written after these events.
        after = self._queue[0][0] if self._queue else self._channel.after
        self._replaced = {key: number for key, number in self._replaced.items() if number > after}


class LiveDesk:
    """Everything that is being written in this process's sessions."""

    def __init__(self) -> None:
        self._channels: dict[SessionId, _Channel] = {}
        self._audience_changed = anyio.Event()

    def broadcast(self, session: SessionId, parts: Iterable[LivePart]) -> None:
        """Pass parts on to a session's readers."""
        channel = self._channels.setdefault(session, _Channel())
        for part in parts:
            channel.take_in(part)
            for reader in channel.readers:
                reader.put(part)

    def stored(self, session: SessionId, events: Sequence[StoredEvent]) -> None:
        """Take note of events that stand in the place of parts from now on; call it before anything newer is said."""
        channel = self._channels.get(session)
        if channel is None or not events:
            return
        channel.after = max(channel.after, events[-1].number)
        for stored in events:
            for key in replaced_by(stored.event):
                channel.writing.pop(key, None)

    def begin(self, session: SessionId, after: int) -> None:
        """An agent's records are read from now on; `after` is the session's newest event."""
        channel = self._channels.setdefault(session, _Channel())
        channel.after = max(channel.after, after)

    def reset(self, session: SessionId) -> None:
        """What is being written will not be finished."""
        if session in self._channels:
            self.broadcast(session, [_RESET])

    def forget(self, session: SessionId) -> None:
        """Drop everything of a session that is gone."""
        channel = self._channels.pop(session, None)
        for reader in channel.readers if channel else ():
            reader.tell_news()

    def tell_news(self, session: SessionId) -> None:
        """Wake a session's readers, as there may be more events."""
        channel = self._channels.get(session)
        for reader in channel.readers if channel else ():
            reader.tell_news()

    def tell_change(self, session: SessionId, change: Change) -> None:
        """Tell a session's readers that something has changed that they may want to read anew."""
        channel = self._channels.get(session)
        for reader in channel.readers if channel else ():
            reader.tell_change(change)

    @contextmanager
    def reading(self, session: SessionId) -> Iterator[Reader]:
        """Read along for the length of the block."""
        channel = self._channels.setdefault(session, _Channel())
        reader = Reader(channel)
        channel.readers.add(reader)
        self._tell_audience()
        try:
            yield reader
        finally:
            channel.readers.discard(reader)
            self._tell_audience()
            if not channel.readers and not channel.writing and channel.after == 0:
                self._channels.pop(session, None)

    async def until_followed(self, session: SessionId, is_followed: bool) -> None:
        """Return once anybody reads along, or nobody does; at once where that is so."""
        while self._is_followed(session) is not is_followed:
            await self._audience_changed.wait()

    def _is_followed(self, session: SessionId) -> bool:
        channel = self._channels.get(session)
        return channel is not None and bool(channel.readers)

    def _tell_audience(self) -> None:
        self._audience_changed.set()
        self._audience_changed = anyio.Event()


def replaced_by(event: SessionEvent) -> tuple[_Key, ...]:
    """Return kind and key of the parts in whose place an event stands."""
    match event:
        case AgentText(part_key=str(key)):
            return (("text", key),)
        case AgentThought(part_key=str(key)):
            return (("thought", key),)
        case ToolCalled(tool_call_id=key):
            return (("tool_input", key),)
        case ToolFinished(tool_call_id=key):
            return (("tool_input", key), ("tool_output", key))
        case SubagentChanged(tool_call_id=str(key), status=status) if status != "running":
            return (("tool_output", key),)
        case SetupChanged(snapshot_id=key, status=status) if status != "step":
            return (("setup_output", key),)
    return ()
