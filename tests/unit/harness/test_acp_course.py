"""What is said to an ACP agent: each thing once, in turn, whatever it answers."""

import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from lot.core.asks import Answer
from lot.harness import acp_course as course
from lot.harness import acp_wire as wire
from lot.harness.acp_notes import Notes

CWD = PurePosixPath("/workspace")


def hear(notes: Notes, line: dict[str, Any]) -> course.Said | None:
    message = wire.read(json.dumps(line).encode())
    assert message is not None
    return course.hear(notes, message, CWD)


def talking() -> Notes:
    notes = Notes(run=1)
    hear(notes, {"id": "initialize", "result": {"protocolVersion": 1}})
    hear(notes, {"id": "session/new", "result": {"sessionId": "s"}})
    return notes


def asked(id: int = 3) -> dict[str, Any]:
    options = [{"optionId": kind, "kind": kind, "name": kind} for kind in ("allow_always", "reject_always")]
    params = {"sessionId": "s", "toolCall": {"toolCallId": "t"}, "options": options}
    return {"id": id, "method": "session/request_permission", "params": params}


def ids(said: course.Said | None) -> list[Any]:
    return [line.get("id", line.get("method")) for line in said or []]


def test_nothing_is_offered_that_is_not_served() -> None:
    (hello,) = course.begin()
    assert hello["params"]["clientCapabilities"] == {
        "fs": {"readTextFile": False, "writeTextFile": False},
        "terminal": False,
    }
    (refused,) = hear(talking(), {"id": 9, "method": "terminal/create", "params": {}}) or []
    assert (refused["id"], refused["error"]["code"]) == (9, -32601)


@pytest.mark.parametrize(
    ("able", "request_id"),
    [
        ({"loadSession": True, "sessionCapabilities": {"resume": {}}}, "session/resume"),
        ({"loadSession": True}, "session/load"),
        ({}, "session/new:anew"),
    ],
)
def test_conversation_is_continued_as_the_agent_can(able: dict[str, Any], request_id: str) -> None:
    notes = Notes(run=2, previous="old", has_spoken=True)
    said = hear(notes, {"id": "initialize", "result": {"protocolVersion": 1, "agentCapabilities": able}})
    assert ids(said) == [request_id]


def test_conversation_that_cannot_be_loaded_is_begun_anew() -> None:
    notes = Notes(run=2, previous="old", has_spoken=True)
    able = {"loadSession": True}
    hear(notes, {"id": "initialize", "result": {"protocolVersion": 1, "agentCapabilities": able}})
    assert ids(hear(notes, {"id": "session/load", "error": {"code": 1, "message": "unknown"}})) == ["session/new:anew"]
    hear(notes, {"id": "session/new:anew", "result": {"sessionId": "new"}})
    assert notes.session == "new"


def test_one_prompt_at_a_time_in_their_order() -> None:
    notes = talking()
    assert ids(course.send(notes, "a", [])) == ["prompt:a", "took:a"]
    assert course.send(notes, "b", []) == []
    assert hear(notes, {"id": "prompt:b", "result": {"stopReason": "end_turn"}}) is None, "it was not sent"
    assert ids(hear(notes, {"id": "prompt:a", "error": {"message": "away"}})) == ["prompt:b", "took:b"]
    assert hear(notes, {"id": "prompt:a", "result": {}}) is None, "its end was heard already"


def test_message_before_the_conversation_waits_for_it() -> None:
    notes = Notes(run=1)
    assert course.send(notes, "a", []) == []
    hear(notes, {"id": "initialize", "result": {"protocolVersion": 1}})
    assert ids(hear(notes, {"id": "session/new", "result": {"sessionId": "s"}})) == ["prompt:a", "took:a"]


def test_answer_takes_the_nearest_option() -> None:
    for verdict, option in (("allow", "allow_always"), ("deny", "reject_always")):
        notes = talking()
        assert hear(notes, asked()) == []
        mark, answer = course.answer(notes, "t", Answer(verdict=verdict))  # type: ignore[arg-type]
        assert mark["id"] == "answered:t"
        assert answer["result"]["outcome"] == {"outcome": "selected", "optionId": option}
        hear(notes, {"id": "answered:t", "error": {}})
        assert notes.asks == {}


def test_what_is_asked_is_withdrawn_when_the_turn_stops_or_ends() -> None:
    notes = talking()
    course.send(notes, "a", [])
    hear(notes, asked())
    assert ids(course.interrupt(notes)) == ["session/cancel", "withdrawn:t", 3]
    assert ids(hear(notes, asked(4))) == ["withdrawn:t", 4], "asked while it is being stopped"
    assert hear(notes, {"id": "prompt:a", "result": {"stopReason": "cancelled"}}) == []
    hear(notes, asked(5))
    course.send(notes, "b", [])
    assert ids(hear(notes, {"id": "prompt:b", "result": {"stopReason": "end_turn"}})) == ["withdrawn:t", 5]


@pytest.mark.parametrize("hello", [{"result": {}}, {"result": {"protocolVersion": "x"}}, {"error": {"message": "no"}}])
def test_agent_that_is_none_is_a_failure(hello: dict[str, Any]) -> None:
    notes = Notes(run=1)
    assert hear(notes, {"id": "initialize", **hello}) == []
    assert notes.failure


@pytest.mark.parametrize("line", ["", "[]", "{}", "7", '{"id":[1],"method":"x"}', '{"id":1e400,"method":"x"}', "nul"])
def test_lines_of_no_shape_are_nothing(line: str) -> None:
    assert wire.read(line.encode()) is None
