"""What Claude's output means: recorded output, and output that no program of good will would write."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lot.core.events import EVENT, MAX_TEXT_CHARS
from lot.core.session import AgentState
from lot.harness.claude_events import Meaning, parse, together, translate
from lot.harness.claude_output import ECHO_S, MAX_LINE_BYTES, SKIPPED_BYTES, Gathered
from lot.harness.harness import AgentRecord

GOLDEN = Path(__file__).parents[2] / "golden" / "claude"
RECORDED = ["turns", "conversation"]
AT = datetime(2026, 1, 2, tzinfo=UTC)
MESSAGE = "d09c5e83-c19e-4c1c-9c11-8401af6bdfb9"
OTHER = "b4b7e0a4-2f0f-4b53-8b0a-3f5c4f1b7f6e"

RESULT = {"type": "result", "is_error": False, "terminal_reason": "completed", "user_message_uuids": [MESSAGE]}
FAILED = {"type": "result", "is_error": True, "terminal_reason": "api_error", "api_error_status": 401, "result": "no"}
IDLE = {"type": "system", "subtype": "session_state_changed", "state": "idle"}
INIT = {"type": "system", "subtype": "init"}
ECHO = {"type": "user", "isReplay": True, "uuid": MESSAGE, "message": {"content": "hi"}}


def said(line: dict[str, Any]) -> Meaning:
    return translate(line, AT)


def lines(*given: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in given)


def records(raw: bytes, size: int, start: int = 0) -> list[AgentRecord]:
    """Read bytes in pieces of a size, from an offset on."""
    gathered = Gathered(run=1, at=start)
    found = []
    for at in range(start, len(raw), size):
        gathered.add(at, raw[at : min(at + size, len(raw))])
        record = gathered.take()
        if record is not None:
            found.append(record)
    return [*found, gathered.end(None)]


def timeless(found: list[AgentRecord]) -> list[dict[str, Any]]:
    return [event.model_dump(mode="json", exclude={"at"}) for record in found for event in record.events]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_output_means_what_it_meant(name: str) -> None:
    raw = (GOLDEN / f"{name}.ndjson").read_bytes()
    assert timeless(records(raw, len(raw))) == json.loads((GOLDEN / f"{name}.events.json").read_text())


@pytest.mark.parametrize("size", [17, 4096, 65536])
@pytest.mark.parametrize("name", RECORDED)
def test_records_do_not_depend_on_how_output_arrives(name: str, size: int) -> None:
    raw = (GOLDEN / f"{name}.ndjson").read_bytes()
    found = records(raw, size)
    assert timeless(found) == json.loads((GOLDEN / f"{name}.events.json").read_text())
    assert [record.from_offset for record in found[1:]] == [record.to_offset for record in found[:-1]]
    assert found[-1].to_offset == len(raw)
    assert "".join(record.lines for record in found) == records(raw, len(raw))[0].lines


@pytest.mark.parametrize("name", RECORDED)
def test_reading_may_begin_at_the_end_of_any_record(name: str) -> None:
    raw = (GOLDEN / f"{name}.ndjson").read_bytes()
    found = records(raw, 512)
    for number, record in list(enumerate(found[:-1], start=1))[:: 1 if name == "turns" else 9]:
        again = records(raw, 512, record.to_offset)
        assert timeless(again) == timeless(found[number:])
        assert [r.agent for r in again if r.agent][-1:] == [r.agent for r in found[number:] if r.agent][-1:]


def test_failed_turn_stays_errored_although_the_program_is_idle() -> None:
    for raw in (lines(FAILED, IDLE), lines(INIT, FAILED, {"type": "command_lifecycle"}, IDLE)):
        found = [r for r in records(raw, 8) if r.agent not in (None, AgentState.RUNNING)]
        assert [record.agent for record in found] == [AgentState.ERRORED]
    assert together([said(FAILED), said(INIT), said(IDLE)]).agent is AgentState.IDLE


def test_failure_names_cause_and_what_the_program_said() -> None:
    event = said(FAILED).events[0]
    assert event.kind == "turn_failed"
    assert event.status == 401
    assert "refused the key" in event.reason
    assert "no" in event.reason
    assert said({"type": "result", "is_error": True, "terminal_reason": "max_turns"}).events[0].reason  # type: ignore[union-attr]


def test_echoed_message_is_delivered_once_it_is_surely_written() -> None:
    now = 0.0
    gathered = Gathered(run=1, at=0, monotonic=lambda: now)
    raw = lines(ECHO)
    gathered.add(0, raw)
    assert gathered.take().delivered == ()  # type: ignore[union-attr]
    now = ECHO_S
    gathered.add(len(raw), lines(INIT))
    assert gathered.take().delivered == (MESSAGE,)  # type: ignore[union-attr]


@pytest.mark.parametrize("is_echoed_first", [True, False])
def test_message_in_the_transcript_is_delivered_at_once(is_echoed_first: bool) -> None:
    entries = [{"type": "user", "uuid": OTHER}, {"type": "user", "uuid": MESSAGE}, {"type": "user"}]
    path = "/home/lot/.claude/projects/-workspace/x.jsonl"
    mirror = {"type": "transcript_mirror", "filePath": path, "entries": entries}
    gathered = Gathered(run=1, at=0, monotonic=lambda: 0.0)
    told = []
    for line in [ECHO, mirror] if is_echoed_first else [mirror, INIT, ECHO]:
        gathered.add(gathered.at, lines(line))
        told.append(gathered.take())
    found = [record for record in told if record is not None]
    assert [message for record in found for message in record.delivered] == [MESSAGE]
    assert [file.path for record in found for file in record.files] == ["-workspace/x.jsonl"]


def test_record_does_not_end_at_a_transcripts_line_behind_a_result() -> None:
    gathered = Gathered(run=1, at=0)
    mirror = lines({"type": "transcript_mirror", "filePath": "/x", "entries": []})
    gathered.add(0, lines(RESULT) + mirror)
    assert gathered.take() is None
    gathered.add(len(lines(RESULT) + mirror), lines(IDLE))
    assert gathered.take().agent is AgentState.IDLE  # type: ignore[union-attr]


def test_echo_of_a_program_that_died_at_once_is_no_delivery() -> None:
    now = 0.0
    gathered = Gathered(run=1, at=0, monotonic=lambda: now)
    gathered.add(0, lines(INIT, ECHO))
    gathered.take()
    now = 60.0
    end = gathered.end("was killed")
    assert end.delivered == ()
    assert end.agent is AgentState.ERRORED
    assert [event.kind for event in end.events] == ["agent_gone"]


def test_result_delivers_without_an_echo() -> None:
    found = records(lines(RESULT, IDLE), 10_000)
    assert found[0].delivered == (MESSAGE,)
    assert found[0].agent is AgentState.IDLE


def test_line_that_is_too_long_is_skipped_and_said_so() -> None:
    gathered = Gathered(run=1, at=0)
    piece = b"x" * (16 << 20)
    at = 0
    for _ in range(MAX_LINE_BYTES // len(piece) + 2):
        gathered.add(at, piece)
        at += len(piece)
        assert gathered.take() is None
    gathered.add(at, b"\n" + lines(INIT))
    record = gathered.take()
    assert record is not None
    assert [event.kind for event in record.events] == ["notice"]
    assert record.agent is AgentState.RUNNING


def test_bytes_that_are_lost_cost_their_line_and_are_said_to_be() -> None:
    gathered = Gathered(run=1, at=0)
    gathered.add(0, b'{"type": "sys')
    gathered.add(5000, b'tem"}\n' + lines(INIT))
    record = gathered.take()
    assert record is not None
    assert "4987 bytes" in record.events[0].text  # type: ignore[union-attr]
    assert record.agent is AgentState.RUNNING


def test_long_texts_are_cut_and_originals_are_not_kept() -> None:
    long = "y" * (MAX_TEXT_CHARS + 5)
    result = {
        "type": "user",
        "message": {"content": [{"type": "tool_result", "tool_use_id": "t", "content": long}]},
        "tool_use_result": {"filePath": "/w/a", "originalFile": long, "structuredPatch": [{"lines": [long]}]},
    }
    event = said(result).events[0]
    assert event.kind == "tool_finished"
    assert len(event.output) == MAX_TEXT_CHARS
    assert event.is_truncated
    assert event.patch is None
    call = {"type": "tool_use", "id": "t", "name": "Write", "input": {"file_path": "/w/a", "content": long}}
    called = said({"type": "assistant", "message": {"content": [call]}}).events[0]
    assert called.kind == "tool_called"
    assert called.input["file_path"] == "/w/a"
    assert len(json.dumps(called.input)) < MAX_TEXT_CHARS


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[1]",
        b'{"type": NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe",
        b'"text"',
        b"1" * 5000,
    ],
)
def test_what_is_no_object_is_nothing(raw: bytes) -> None:
    assert parse(raw) is None


def test_texts_that_no_database_takes_are_mended() -> None:
    line = parse(rb'{"type":"assistant","message":{"content":[{"type":"text","text":"a\u0000b\ud800c\ud83d\ude00"}]}}')
    assert line is not None
    text = said(dict(line)).events[0].text  # type: ignore[union-attr]
    assert "\0" not in text
    text.encode()
    assert text.endswith("\N{GRINNING FACE}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
WORDS = st.sampled_from(
    [
        "assistant",
        "user",
        "result",
        "system",
        "command_lifecycle",
        "text",
        "tool_use",
        "tool_result",
        "control_request",
        "control_response",
        "can_use_tool",
        "AskUserQuestion",
        "ExitPlanMode",
        "TodoWrite",
        "task_notification",
        "status",
        "stream_event",
        "content_block_start",
        "content_block_delta",
        "message_start",
        "create",
        "pending",
    ]
)
_NAMES = """message content subtype state uuid isReplay usage is_error result errors terminal_reason api_error_status
tool_use_result structuredPatch filePath id name input retry_delay_ms attempt duration_ms parent_tool_use_id
request tool_name tool_use_id questions options label multiSelect response toolUseID tool_result_meta source todos
permission_decision non_execution_kind status task_id patch plan event index delta content_block api_message_id
permissionMode new_source old_source cell_id compact_metadata pre_tokens"""
FIELDS = st.sampled_from(_NAMES.split())
ALIEN = st.recursive(
    JSON | WORDS,
    lambda inner: st.dictionaries(FIELDS | st.just("type"), inner, max_size=6) | st.lists(inner, max_size=3),
)


@settings(deadline=None)
@given(st.dictionaries(FIELDS, ALIEN, max_size=8), WORDS)
def test_alien_lines_never_raise_and_their_events_can_be_stored(line: dict[str, Any], kind: str) -> None:
    parsed = parse(json.dumps({**line, "type": kind}).encode())
    assert parsed is not None
    for event in translate(parsed, AT).events:
        assert EVENT.validate_json(EVENT.dump_json(event)) == event
    gathered = Gathered(run=1, at=0)
    gathered.add(0, lines({**line, "type": kind}, {**line, "type": "stream_event"}))
    gathered.take_live()
    gathered.end(None)


def test_command_that_is_waited_for_is_no_background_command() -> None:
    started = {"type": "system", "subtype": "task_started", "task_id": "b1", "task_type": "local_bash"}
    assert said({**started, "is_backgrounded": False}).events == ()
    assert said({**started, "is_backgrounded": True}).events[0].kind == "subagent_changed"
    ended = {"type": "system", "subtype": "task_notification", "task_id": "b1", "status": "completed"}
    assert said({**ended, "output_file": ""}).events == ()
    killed = {"type": "system", "subtype": "task_updated", "task_id": "a1", "patch": {"status": "killed"}}
    assert said(killed).events[0].status == "stopped"  # type: ignore[union-attr]


def test_summary_of_the_conversation_is_told() -> None:
    line = {"subtype": "compact_boundary", "compact_metadata": {"trigger": "manual", "pre_tokens": 1234}}
    event = said({"type": "system", **line}).events[0]
    assert (event.kind, event.trigger, event.tokens_before) == ("compacted", "manual", 1234)  # type: ignore[union-attr]


def test_output_that_says_nothing_makes_no_record_until_it_is_much() -> None:
    gathered = Gathered(run=1, at=0)
    raw = lines({"type": "stream_event", "event": {"type": "ping"}, "padding": "x" * 1000})
    at = 0
    while (record := gathered.take()) is None:
        gathered.add(at, raw)
        at += len(raw)
    assert record.to_offset - record.from_offset >= SKIPPED_BYTES
    assert (record.events, record.lines, record.is_live) == ((), "", False)
