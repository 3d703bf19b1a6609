"""What Claude is writing now, as live parts: streamed pieces, merged, and forgotten once their block is finished.

Knows what the lines of the present message have said so far, which nobody else has to remember: whoever begins to read
within a block gets no parts of that block, and its event all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lot.core.events import MAX_TEXT_CHARS, AgentText, AgentThought, LivePart, SessionEvent
from lot.harness.claude_fields import mapping, mappings, name, plain

_MAX_BLOCKS = 256
"""Of all messages that are being written at once: the agent's and its sub-agents'."""

_KINDS: Mapping[str, Literal["text", "thought", "tool_input"]] = {
    "text": "text",
    "thinking": "thought",
    "tool_use": "tool_input",
}
_PIECES: Mapping[str, str] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}


@dataclass(slots=True, kw_only=True)
class _Block:
    """A block of a message that is being written."""

    kind: Literal["text", "thought", "tool_input"]
    key: str
    parent: str | None
    chars: int = 0
    """Streamed so far, pieces included."""
    pieces: list[str] = field(default_factory=list)
    """What was not taken yet."""


class LiveParts:
    """Gathers streamed pieces until they are taken."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, int], _Block] = {}
        self._newest: dict[str, int] = {}
        """Message to the number of its block that was written last."""
        self._is_void = False

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in a `stream_event` line."""
        event, message = mapping(line.get("event")), name(line.get("api_message_id"))
        kind, index = event.get("type"), event.get("index")
        if message is None:
            return
        if kind == "message_start":
            self._begin(name(line.get("parent_tool_use_id")))
        elif isinstance(index, int):
            if kind == "content_block_delta":
                self._newest[message] = index
                self._extend(self._blocks.get((message, index)), mapping(event.get("delta")))
            elif kind == "content_block_start":
                self._newest[message] = index
                self._open(message, index, mapping(event.get("content_block")), name(line.get("parent_tool_use_id")))

    def finish(self, line: Mapping[str, Any], events: tuple[SessionEvent, ...]) -> tuple[SessionEvent, ...]:
        """Return the events of an `assistant` line, which finishes a block, with the key of its parts."""
        message = name(mapping(line.get("message")).get("id"))
        index = None if message is None else self._newest.get(message)
        if message is None or index is None or len(mappings(mapping(line.get("message")).get("content"))) != 1:
            return events
        self._blocks.pop((message, index), None)
        key = _key(message, index)
        return tuple(
            event.model_copy(update={"part_key": key}) if isinstance(event, AgentText | AgentThought) else event
            for event in events
        )

    def reset(self) -> None:
        """Void everything that is not finished: it is asked for again, or nobody writes it any more."""
        self._blocks.clear()
        self._newest.clear()
        self._is_void = True

    def take(self) -> tuple[LivePart, ...]:
        """Return what was written since the last time, one part for each block."""
        parts = [LivePart(kind="reset")] if self._is_void else []
        self._is_void = False
        for block in self._blocks.values():
            if block.pieces:
                written = "".join(block.pieces)
                block.pieces.clear()
                parts.append(
                    LivePart(
                        kind=block.kind,
                        key=block.key,
                        offset=block.chars - len(written),
                        text=written,
                        parent_tool_call_id=block.parent,
                    )
                )
        return tuple(parts)

    def _begin(self, parent: str | None) -> None:
        """Void what the same writer has left unfinished: this message is asked for again."""
        if any(block.parent == parent for block in self._blocks.values()):
            self.reset()
        if len(self._newest) > _MAX_BLOCKS:
            self._newest.clear()

    def _open(self, message: str, index: int, block: Mapping[str, Any], parent: str | None) -> None:
        kind = _KINDS.get(plain(block.get("type")))
        key = name(block.get("id")) if kind == "tool_input" else _key(message, index)
        if kind is not None and key is not None and len(self._blocks) < _MAX_BLOCKS:
            self._blocks[message, index] = _Block(kind=kind, key=key, parent=parent)

    def _extend(self, block: _Block | None, delta: Mapping[str, Any]) -> None:
        if block is None:
            return
        piece = delta.get(_PIECES.get(plain(delta.get("type")), ""))
        if isinstance(piece, str) and piece and block.chars < MAX_TEXT_CHARS:
            piece = piece[: MAX_TEXT_CHARS - block.chars]
            block.chars += len(piece)
            block.pieces.append(piece)


def _key(message: str, index: int) -> str:
    return f"{message}:{index}"
