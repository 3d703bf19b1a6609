"""What an ACP agent's output means: opencode's, as it was recorded, and what only a stranger would write."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lot.core.events import MAX_TEXT_CHARS, LivePart
from lot.harness import acp_patch
from lot.harness.acp_lines import MAX_LINE_BYTES, Line, Lines
from lot.harness.acp_output import Gathered
from lot.harness.acp_settings import MODES, mode_of, model_value, offered
from lot.harness.harness import AgentRecord
from lot.sandbox.link import Chunk

GOLDEN = Path(__file__).parents[2] / "golden/acp"
RECORDED = (GOLDEN / "opencode.ndjson").read_bytes()
AT = datetime(2026, 11, 22, tzinfo=UTC)


def gathered(at: int = 0) -> Gathered:
    return Gathered(run=1, begin=0, at=at, now=lambda: AT)


def read(data: bytes, *, at: int = 0, size: int = 1 << 20) -> list[AgentRecord]:
    reader = gathered(at)
    records: list[AgentRecord] = []
    for offset in range(0, len(data), size):
        reader.add(Chunk(offset=offset, data=data[offset : offset + size]))
        records += reader.take()
    return [*records, reader.close(None)]


def events(records: list[AgentRecord]) -> list[dict[str, Any]]:
    return [event.model_dump(mode="json", exclude_none=True) for record in records for event in record.events]


def begun(*updates: dict[str, Any]) -> bytes:
    """Return a conversation that has begun, with updates."""
    lines: list[dict[str, Any]] = [{"id": "session/new", "result": {"sessionId": "s"}}]
    for update in updates:
        lines.append({"method": "session/update", "params": {"sessionId": "s", "update": update}})
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def test_recorded_output_means_what_it_meant() -> None:
    assert events(read(RECORDED)) == json.loads((GOLDEN / "opencode.events.json").read_text())


@pytest.mark.parametrize("size", [7, 300, 5000])
def test_meaning_does_not_depend_on_how_the_bytes_arrive(size: int) -> None:
    whole, cut = read(RECORDED), read(RECORDED, size=size)
    plain = [{**event, "part_key": None} for event in events(whole)]
    assert [{**event, "part_key": None} for event in events(cut)] == plain
    stored = [record for record in cut if not record.is_live]
    assert [r.from_offset for r in stored] == [0, *(r.to_offset for r in stored[:-1])]
    assert stored[-1].to_offset == len(RECORDED)


def test_reading_may_begin_at_the_end_of_any_record() -> None:
    stored = [record for record in read(RECORDED, size=300) if not record.is_live]
    for number, record in enumerate(stored):
        assert events(read(RECORDED, at=record.to_offset)) == events(stored[number + 1 :])


def test_parts_are_the_text_that_takes_their_place() -> None:
    records = read(RECORDED, size=300)
    parts: dict[str, list[LivePart]] = {}
    for record in records:
        assert record.is_live == bool(record.parts)
        for part in record.parts:
            parts.setdefault(part.key, []).append(part)
    for event in (event for record in records for event in record.events):
        if event.kind == "agent_text":
            pieces = parts[event.part_key or ""]
            assert "".join(piece.text for piece in pieces) == event.text
            assert [p.offset for p in pieces] == [sum(len(q.text) for q in pieces[:n]) for n in range(len(pieces))]


def test_conversation_that_is_loaded_is_not_told_again() -> None:
    said = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "old"}}
    replayed = begun(said, said).splitlines(keepends=True)[1:]
    loaded = b"".join([b'{"id":"initialize","result":{}}\n', *replayed, b'{"id":"session/load","result":{}}\n'])
    assert events(read(loaded, size=50)) == []
    assert len([record for record in read(loaded, size=50) if not record.is_end]) == 1


def test_text_without_end_becomes_several() -> None:
    chunk = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "x" * 90_000}}
    found = events(read(begun(*[chunk] * 5)))
    assert [len(event["text"]) for event in found] == [180_000, 180_000, 90_000]
    assert all(len(event["text"]) <= MAX_TEXT_CHARS for event in found)


@pytest.mark.parametrize(
    "update",
    [
        {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": 5}},
        {"sessionUpdate": "agent_message_chunk"},
        {"sessionUpdate": "tool_call", "toolCallId": 7, "title": None},
        {"sessionUpdate": "plan", "entries": "none"},
        {"sessionUpdate": "what"},
        {"sessionUpdate": "tool_call_update", "toolCallId": ["t"], "content": [{"type": "content", "content": []}]},
        {},
    ],
)
def test_updates_of_no_shape_are_no_harm(update: dict[str, Any]) -> None:
    assert events(read(begun(update))) == []


def test_line_that_is_too_long_is_skipped_and_the_next_is_read() -> None:
    lines = Lines(0)
    half = b"x" * (MAX_LINE_BYTES // 2 + 1)
    found: list[Line] = []
    offset = 0
    for data in (half, half, half, b"y\nnext\n"):
        found += lines.add(Chunk(offset=offset, data=data))
        offset += len(data)
    assert [bool(line.trouble) for line in found] == [True, False]
    assert (found[1].raw, found[1].end) == (b"next", offset)


def test_bytes_that_are_lost_cost_the_line_they_fall_into() -> None:
    lines = Lines(0)
    found = [*lines.add(Chunk(offset=0, data=b"a\nb")), *lines.add(Chunk(offset=100, data=b"c\nd\n"))]
    assert [line.raw for line in found if line.trouble is None] == [b"a", b"d"]


def test_hunks_hold_what_changed_and_three_lines_around() -> None:
    old = "".join(f"{number}\n" for number in range(1, 31))
    new = old.replace("15\n", "fifteen\n").replace("30\n", "")
    first, second = acp_patch.hunks(old, new)
    assert first == {
        "oldStart": 12,
        "oldLines": 7,
        "newStart": 12,
        "newLines": 7,
        "lines": [" 12", " 13", " 14", "-15", "+fifteen", " 16", " 17", " 18"],
    }
    assert (second["oldStart"], second["lines"]) == (27, [" 27", " 28", " 29", "-30"])
    assert acp_patch.hunks(old, old) == []
    assert len(acp_patch.hunks("a\n" * 3_000, "b\n" * 3_000)) == 1


def test_settings_are_found_in_both_forms_and_under_their_names() -> None:
    line = next(line for line in RECORDED.splitlines() if b'"id":"session/new"' in line)
    offers = offered(json.loads(line)["result"])
    assert model_value(offers["model"], "rehearsal") == "anthropic/rehearsal"
    assert model_value(offers["model"], "hearsal") is None
    old = offered({"modes": {"currentModeId": "plan", "availableModes": [{"id": "plan", "name": "Plan"}]}})
    assert (old["mode"].config_id, old["mode"].values) == (None, ["plan"])
    assert {mode_of(names[0]) for names in MODES.values()} == set(MODES)
