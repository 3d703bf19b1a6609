"""What is being written now, as live parts: merged, keyed like the events that replace them, voided when it is void."""

import json
from typing import Any

from lot.core.events import MAX_TEXT_CHARS, LivePart
from lot.harness.claude_output import Gathered
from lot.harness.harness import AgentRecord

IDLE = {"type": "system", "subtype": "session_state_changed", "state": "idle"}


def streamed(kind: str, message_id: str = "msg_1", **event: Any) -> dict[str, Any]:
    return {
        "type": "stream_event",
        "event": {"type": kind, **event},
        "parent_tool_use_id": None,
        "api_message_id": message_id,
    }


def begun(message: str = "msg_1") -> dict[str, Any]:
    return streamed("message_start", message, message={"id": message})


def opened(index: int, kind: str = "text", message: str = "msg_1", **block: Any) -> dict[str, Any]:
    return streamed("content_block_start", message, index=index, content_block={"type": kind, **block})


def text(index: int, piece: str, message: str = "msg_1") -> dict[str, Any]:
    return streamed("content_block_delta", message, index=index, delta={"type": "text_delta", "text": piece})


def said(message: str = "msg_1", **block: Any) -> dict[str, Any]:
    return {"type": "assistant", "message": {"id": message, "content": [block]}, "parent_tool_use_id": None}


class Reader:
    """Reads lines as they come, each chunk at once."""

    def __init__(self) -> None:
        self.gathered = Gathered(run=1, at=0)
        self.end = 0

    def read(self, *lines: dict[str, Any]) -> tuple[AgentRecord | None, AgentRecord | None]:
        raw = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self.gathered.add(self.end, raw)
        self.end += len(raw)
        return self.gathered.take(), self.gathered.take_live()

    def parts(self, *lines: dict[str, Any]) -> list[LivePart]:
        live = self.read(*lines)[1]
        return [] if live is None else list(live.parts)


def test_pieces_of_one_block_become_one_part_and_go_on_where_the_last_ended() -> None:
    reader = Reader()
    assert reader.parts(begun(), opened(0)) == []
    assert reader.parts(text(0, "a"), text(0, "b")) == [LivePart(kind="text", key="msg_1:0", text="ab")]
    assert reader.parts(text(0, "c")) == [LivePart(kind="text", key="msg_1:0", offset=2, text="c")]


def test_live_record_says_only_parts_and_moves_nothing() -> None:
    reader = Reader()
    record, live = reader.read(begun(), opened(0), text(0, "a"))
    assert record is None
    assert live is not None
    assert (live.is_live, live.from_offset, live.to_offset, live.events, live.lines) == (True, 0, 0, (), "")
    stored, live = reader.read(said(type="text", text="ab"), begun("msg_2"), opened(0, message="msg_2"))
    assert stored is not None
    assert (stored.from_offset, stored.to_offset) == (0, reader.end)
    assert live is None
    _, live = reader.read(text(0, "x", "msg_2"))
    assert live is not None
    assert live.from_offset == live.to_offset == stored.to_offset


def test_event_carries_the_key_of_its_parts_and_makes_them_needless() -> None:
    reader = Reader()
    think = streamed("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"})
    record, live = reader.read(
        begun(), opened(0, "thinking"), think, said(type="thinking", thinking="hm"), opened(1), text(1, "a")
    )
    assert record is not None
    assert live is not None
    assert [event.part_key for event in record.events] == ["msg_1:0"]  # type: ignore[union-attr]
    assert [part.key for part in live.parts] == ["msg_1:1"]
    record, _ = reader.read(said(type="text", text="ab"))
    assert record is not None
    assert [event.part_key for event in record.events] == ["msg_1:1"]  # type: ignore[union-attr]


def test_input_of_a_tool_has_the_key_of_its_call() -> None:
    piece = streamed("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"a'})
    parts = Reader().parts(begun(), opened(0, "tool_use", id="toolu_1", name="Bash"), piece)
    assert parts == [LivePart(kind="tool_input", key="toolu_1", text='{"a')]


def test_reader_that_begins_within_a_block_shows_nothing_of_it_but_knows_its_key() -> None:
    reader = Reader()
    assert reader.parts(text(3, "the rest")) == []
    record, _ = reader.read(said(type="text", text="all of the rest"))
    assert record is not None
    assert [event.part_key for event in record.events] == ["msg_1:3"]  # type: ignore[union-attr]
    record, _ = reader.read(said("msg_2", type="text", text="never streamed"))
    assert record is not None
    assert [event.part_key for event in record.events] == [None]  # type: ignore[union-attr]


def test_parts_are_void_when_the_answer_is_asked_for_again_and_when_the_turn_is_over() -> None:
    reset = LivePart(kind="reset")
    reader = Reader()
    reader.parts(begun(), opened(0), text(0, "a"))
    assert reader.parts(text(0, "b"), {"type": "system", "subtype": "api_retry"}) == [reset]
    assert reader.parts(text(0, "c")) == []
    reader.parts(begun("msg_2"), opened(0, message="msg_2"), text(0, "a", "msg_2"))
    again = LivePart(kind="text", key="msg_3:0", text="b")
    assert reader.parts(begun("msg_3"), opened(0, message="msg_3"), text(0, "b", "msg_3")) == [reset, again]
    assert reader.parts({"type": "result", "terminal_reason": "completed"}, IDLE) == [reset]


def test_block_without_end_is_shown_up_to_what_is_stored() -> None:
    reader = Reader()
    parts = reader.parts(begun(), opened(0), *[text(0, "x" * (MAX_TEXT_CHARS // 3)) for _ in range(5)])
    assert sum(len(part.text) for part in parts) == MAX_TEXT_CHARS
    assert reader.parts(text(0, "more")) == []
