"""The conversation, as a user of the API has it: every real part, with a scripted model behind them."""

import base64
import json
import os
import signal
import struct
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acceptance_rig import PATIENCE_S, Event, Lot, commit, lot_server, make_repository, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(180)]

COLOUR = "Which colour shall the button have?"
BLUE = {"choices": {COLOUR: ["Blue"]}}
AGENT = r"/opt/lot/claude-[^ ]*/claude"


@pytest.fixture(scope="module")
def lot() -> Iterator[Lot]:
    """A server that all tests share which do not kill it."""
    with lot_server() as lot:
        yield lot


@pytest.fixture(scope="module")
def project(lot: Lot) -> str:
    """The id of a project that is ready."""
    project: str = lot.ready_project()["id"]
    return project


@pytest.fixture
def session(lot: Lot, project: str) -> Iterator[str]:
    """A session of its own for each test."""
    session = lot.session(project)
    yield session
    lot.delete(f"/sessions/{session}")


def directive(scenario: str, **arguments: Any) -> str:
    """Return a message that has the scripted model play a scenario."""
    return f"@@{scenario} {json.dumps(arguments)}"


def texts(events: list[Event]) -> str:
    """Return what the agent said."""
    return "\n".join(event["text"] for event in events if event["kind"] == "agent_text")


def kinds(events: list[Event]) -> list[str]:
    """Return the kinds of events in their order."""
    return [event["kind"] for event in events]


def ask_of(lot: Lot, session: str) -> dict[str, Any]:
    """Return the one thing that is asked."""
    [ask] = lot.get(f"/sessions/{session}/asks")
    found: dict[str, Any] = ask
    return found


def answer(lot: Lot, session: str, **said: Any) -> dict[str, Any]:
    """Answer the one thing that is asked, and return it."""
    ask = ask_of(lot, session)
    answered: dict[str, Any] = lot.post(f"/sessions/{session}/asks/{ask['id']}/answer", said)
    return answered


def change(lot: Lot, session: str, **changes: Any) -> dict[str, Any]:
    """Change a session's settings."""
    changed = lot.http.patch(f"/api/sessions/{session}", json=changes)
    assert changed.is_success, changed.text
    said: dict[str, Any] = changed.json()
    return said


def ended(lot: Lot, session: str, after: int) -> list[Event]:
    """Return the events after a number, to the end of a turn."""
    return lot.follow(session, lambda event: event["kind"] in ("turn_ended", "turn_failed"), after)


def shell(lot: Lot, session: str, command: str) -> str:
    """Run a command in the session's sandbox as its user would in a terminal, and return what it printed."""
    name = lot.post(f"/sessions/{session}/terminals", {})["name"]
    mark = uuid.uuid4().hex[:8]
    seen = b""
    with lot.socket(f"/api/sessions/{session}/processes/{name}/stream") as terminal:
        terminal.send(f"{command}; echo end-''{mark}\n".encode())
        give_up_at = time.monotonic() + PATIENCE_S
        while f"end-{mark}".encode() not in seen:
            frame = terminal.recv(give_up_at - time.monotonic())
            assert isinstance(frame, bytes)
            seen += frame[8:]
        terminal.send(b"exit\n")
    return seen.decode(errors="replace")


def png() -> bytes:
    """Return a picture of one pixel."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0\xff\0\0")))
    whole = b"\x89PNG\r\n\x1a\n"
    for name, data in (*chunks, (b"IEND", b"")):
        whole += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return whole


# What the agent asks


def test_question_is_answered_and_the_same_turn_goes_on(lot: Lot, session: str) -> None:
    lot.send(session, directive("ask"))
    waiting = lot.settled(session, "Waiting for user")
    assert waiting["open_asks"] == 1
    assert ask_of(lot, session)["event"]["event"]["questions"][0]["question"] == COLOUR
    answer(lot, session, **BLUE)
    told = ended(lot, session, 0)
    assert "Blue" in texts(told)
    assert kinds(told).count("turn_ended") == 1
    assert kinds(told).index("question_asked") < kinds(told).index("ask_answered") < kinds(told).index("ask_closed")
    assert lot.get(f"/sessions/{session}/asks") == []
    [ask] = lot.get(f"/sessions/{session}/asks", params={"all": True})
    assert ask["state"] == "taken"
    again = lot.http.post(f"/api/sessions/{session}/asks/{ask['id']}/answer", json={"text": "Red"})
    assert again.status_code == 409


def test_question_sleeps_with_its_session_and_its_answer_wakes_both(lot: Lot, session: str) -> None:
    lot.send(session, directive("ask"))
    lot.settled(session, "Waiting for user")
    lot.move(session, "pause")
    asleep = lot.show(session)
    assert (asleep["label"], asleep["agent"], asleep["open_asks"]) == ("Paused", "waiting", 1)
    answer(lot, session, **BLUE)
    told = ended(lot, session, 0)
    assert "Blue" in texts(told)
    assert [event["rung"] for event in told if event["kind"] == "came_back"] == ["memory"]
    assert kinds(told).count("question_asked") == kinds(told).count("ask_closed") == 1


def test_question_is_answered_after_its_sandbox_was_killed(lot: Lot, session: str) -> None:
    lot.send(session, directive("ask"))
    lot.settled(session, "Waiting for user")
    # Killed before it has kept the message, the agent would be given that anew, and ask anew.
    lot.until_event(session, "message_delivered")
    os.kill(lot.server.sandbox_pid(session), signal.SIGKILL)
    lot.settled(session, "Paused", "Errored")
    answer(lot, session, **BLUE)
    told = lot.follow(session, lambda event: event["kind"] == "turn_ended", 0)
    words = [event["text"] for event in told if event["kind"] == "message_added"]
    assert any(COLOUR in text and "Blue" in text for text in words), words
    lot.transcript(session)


def test_question_whose_memory_is_damaged_is_answered_in_words(lot: Lot, session: str) -> None:
    lot.send(session, directive("ask"))
    lot.settled(session, "Waiting for user")
    lot.move(session, "pause")
    [image] = lot.server.data_dir.glob(f"hibernation/{session}-*")
    with max((image / "memory").iterdir(), key=lambda file: file.stat().st_size).open("r+b") as memory:
        memory.write(b"damaged")
    seen = lot.show(session)["events"]
    lot.move(session, "resume")
    # By then all that the lost program had printed is read: its end is not taken for the end of the question.
    lot.until_event(session, "dev_server_changed", seen)
    resumed = lot.show(session)
    assert (resumed["label"], resumed["open_asks"]) == ("Waiting for user", 1)
    answer(lot, session, **BLUE)
    told = ended(lot, session, 0)
    assert kinds(told).count("ask_closed") == 1
    assert "turn_failed" not in kinds(told)
    [words] = [event["text"] for event in told if event["kind"] == "message_added" and COLOUR in event["text"]]
    assert "Blue" in words


def test_fork_of_a_waiting_session_is_answered_by_itself(lot: Lot, session: str) -> None:
    lot.send(session, directive("ask"))
    lot.settled(session, "Waiting for user")
    fork = lot.post(f"/sessions/{session}/fork", {})["id"]
    lot.settled(fork, "Waiting for user")
    answer(lot, fork, choices={COLOUR: ["Red"]})
    assert "Red" in texts(ended(lot, fork, 0))
    assert ask_of(lot, session)["state"] == "open"
    answer(lot, session, **BLUE)
    assert "Blue" in texts(ended(lot, session, 0))
    lot.delete(f"/sessions/{fork}")


def test_message_to_a_waiting_agent_is_the_answer(lot: Lot, session: str) -> None:
    lot.send(session, directive("ask"))
    lot.settled(session, "Waiting for user")
    lot.send(session, "Green, like grass")
    told = ended(lot, session, 0)
    assert "Green, like grass" in texts(told)


def test_question_is_withdrawn_when_its_turn_is_stopped(lot: Lot, session: str) -> None:
    lot.send(session, directive("ask"))
    lot.settled(session, "Waiting for user")
    asked = ask_of(lot, session)["id"]
    lot.move(session, "stop")
    lot.until_event(session, "ask_closed", ask_id=asked, outcome="withdrawn")
    lot.settled(session, "Idle")
    assert "an answer after it" in texts(lot.turn(session, directive("say", text="an answer after it")))


def test_plan_is_refined_approved_and_carried_out(lot: Lot, session: str) -> None:
    change(lot, session, mode="plan")
    before = lot.show(session)["events"]
    lot.send(session, directive("plan"))
    lot.settled(session, "Waiting for user")
    assert "plan-result.txt" in ask_of(lot, session)["event"]["event"]["plan"]
    answer(lot, session, verdict="deny", text="Not yet")
    assert "Not yet" in texts(ended(lot, session, before))
    assert lot.get(f"/sessions/{session}/diff")["files"] == []

    before = lot.show(session)["events"]
    lot.send(session, directive("plan"))
    lot.settled(session, "Waiting for user")
    answer(lot, session, verdict="allow", mode="full")
    told = ended(lot, session, before)
    assert "written as planned" in texts(told)
    assert [file["path"] for file in lot.get(f"/sessions/{session}/diff")["files"]] == ["plan-result.txt"]
    assert lot.show(session)["mode"] == "full"


def test_asking_mode_asks_before_each_edit_and_command(lot: Lot, session: str) -> None:
    change(lot, session, mode="ask")
    before = lot.show(session)["events"]
    lot.send(session, directive("permission"))
    lot.settled(session, "Waiting for user")
    assert ask_of(lot, session)["event"]["event"]["name"] == "Write"
    answer(lot, session, verdict="allow")
    until(lambda: [ask for ask in lot.get(f"/sessions/{session}/asks") if ask["event"]["event"]["name"] == "Bash"])
    answer(lot, session, verdict="deny", text="No commands, please")
    assert "No commands, please" in texts(ended(lot, session, before))
    assert [file["path"] for file in lot.get(f"/sessions/{session}/diff")["files"]] == ["asked.txt"]


# Steering


def test_message_while_running_joins_the_turn(lot: Lot, session: str) -> None:
    first = lot.send(session, directive("long_tool", seconds=3))
    lot.until_event(session, "tool_called")
    second = lot.send(session, "and mind the tests")
    told = lot.turn_of(session, second)
    taken = [event["message_id"] for event in told if event["kind"] == "message_delivered"]
    assert taken == [first, second]
    lot.settled(session, "Idle")
    lot.transcript(session)


def test_stop_acts_within_a_second_keeps_the_text_and_ends_the_commands(lot: Lot, session: str) -> None:
    with lot.socket(f"/api/sessions/{session}/events/stream") as stream:
        lot.send(session, directive("slow", seconds=20))
        seen = ""
        while "This is a slow" not in seen:
            seen += json.loads(stream.recv(PATIENCE_S)).get("part", {}).get("text", "")
        began = time.monotonic()
        lot.move(session, "stop")
        assert time.monotonic() - began < 3.0
    told = ended(lot, session, 0)
    assert told[-1]["outcome"] == "interrupted"
    assert "This is a slow" in texts(told)

    before = lot.show(session)["events"]
    lot.send(session, directive("bash", command="python3 -c 'import time; time.sleep(4711)'"))
    lot.until_event(session, "tool_called", before)
    until(lambda: "time.sleep(4711)" in shell(lot, session, "pgrep -af 'sleep.[4]711'"))
    lot.move(session, "stop")
    assert ended(lot, session, before)[-1]["outcome"] == "interrupted"
    until(lambda: "time.sleep(4711)" not in shell(lot, session, "pgrep -af 'sleep.[4]711'"))


def test_text_is_streamed_and_its_parts_add_up(lot: Lot, session: str) -> None:
    parts: dict[str, str] = {}
    with lot.socket(f"/api/sessions/{session}/events/stream") as stream:
        lot.send(session, directive("slow", seconds=2))
        while True:
            frame = json.loads(stream.recv(PATIENCE_S))
            if "part" in frame and frame["part"]["kind"] == "text":
                part = frame["part"]
                before = parts.get(part["key"], "") if part["offset"] else ""
                assert len(before) == part["offset"], (parts, part)
                parts[part["key"]] = before + part["text"]
            elif "event" in frame and frame["event"]["kind"] == "agent_text":
                said = frame["event"]
                break
    assert len(parts) == 1
    assert said["text"].startswith(parts[said["part_key"]])
    assert len(parts[said["part_key"]]) > len(said["text"]) / 2


def test_who_joins_in_the_middle_of_a_text_gets_it_from_its_beginning(lot: Lot, session: str) -> None:
    with lot.socket(f"/api/sessions/{session}/events/stream") as stream:
        lot.send(session, directive("slow", seconds=4))
        seen = ""
        while "This is a slow answer" not in seen:
            seen += json.loads(stream.recv(PATIENCE_S)).get("part", {}).get("text", "")
    after = lot.show(session)["events"]
    with lot.socket(f"/api/sessions/{session}/events/stream?after={after}") as late:
        first = json.loads(late.recv(PATIENCE_S))["part"]
    assert (first["kind"], first["offset"]) == ("text", 0)
    assert first["text"].startswith("This is a slow answer")
    ended(lot, session, 0)


def test_output_of_a_running_command_is_seen_before_it_ends(lot: Lot, session: str) -> None:
    command = "for i in 1 2 3 4 5 6; do echo tick $i; sleep 1; done"
    seen: list[str] = []
    with lot.socket(f"/api/sessions/{session}/events/stream") as stream:
        lot.send(session, directive("bash", command=command))
        while True:
            frame = json.loads(stream.recv(PATIENCE_S))
            if "part" in frame and frame["part"]["kind"] == "tool_output":
                seen.append(frame["part"]["text"])
            if "event" in frame and frame["event"]["kind"] == "tool_finished":
                break
    assert "tick 1" in "".join(seen)
    assert "tick 6" in frame["event"]["output"]


# What comes with a message, and with which model


def test_images_and_files_come_with_a_message(lot: Lot, session: str) -> None:
    files = [
        {"name": "dot.png", "media_type": "image/png", "data": base64.b64encode(png()).decode()},
        {"name": "notes.txt", "media_type": "text/plain", "data": base64.b64encode(b"buy milk\n").decode()},
    ]
    message = str(uuid.uuid4())
    body = {"id": message, "text": directive("image"), "attachments": files}
    lot.post(f"/sessions/{session}/messages", body)
    told = lot.turn_of(session, message)
    assert "1 image" in texts(told)
    [added] = [event for event in told if event["kind"] == "message_added"]
    assert [file["name"] for file in added["attachments"]] == ["dot.png", "notes.txt"]
    assert "buy milk" in shell(lot, session, f"cat /home/lot/attachments/{message}/notes.txt")
    kept = lot.http.get(f"/api/sessions/{session}/messages/{message}/attachments/0")
    assert kept.content == png()

    false = {"name": "x.png", "media_type": "image/png", "data": base64.b64encode(b"no picture").decode()}
    refused = lot.http.post(
        f"/api/sessions/{session}/messages", json={"id": str(uuid.uuid4()), "text": "x", "attachments": [false]}
    )
    assert refused.status_code == 422
    assert "x.png" in refused.text


def test_model_is_changed_between_messages_and_kept(lot: Lot, session: str) -> None:
    lot.turn(session, directive("say", text="first"))
    assert change(lot, session, model="rehearsal-small", effort="low")["model"] == "rehearsal-small"
    lot.turn(session, directive("say", text="second"))
    assert "rehearsal-small" in lot.get(f"/sessions/{session}/usage")["models"]
    lot.move(session, "pause")
    before = lot.get(f"/sessions/{session}/usage")["models"]["rehearsal-small"]
    lot.turn(session, directive("say", text="third"))
    shown = lot.show(session)
    assert (shown["model"], shown["effort"]) == ("rehearsal-small", "low")
    assert lot.get(f"/sessions/{session}/usage")["models"]["rehearsal-small"] > before

    refused = lot.http.patch(f"/api/sessions/{session}", json={"model": "no-such-model"})
    assert refused.status_code == 422
    assert "rehearsal-small" in refused.json()["message"]
    assert lot.show(session)["model"] == "rehearsal-small"


# Limits and faults


def test_budget_pauses_the_session_and_the_next_message_is_refused_until_it_is_raised(lot: Lot, project: str) -> None:
    session = lot.begin(project, budget_tokens=500)
    lot.settled(session, "Idle")
    lot.send(session, directive("spend", input_tokens=1000, output_tokens=1))
    paused = lot.settled(session, "Paused")
    assert "budget" in paused["reason"]
    assert paused["spent_tokens"] >= 1001
    lot.until_event(session, "limit_reached", limit="session_tokens")
    refused = lot.http.post(f"/api/sessions/{session}/messages", json={"id": str(uuid.uuid4()), "text": "go on"})
    assert refused.status_code == 409
    assert "budget" in refused.json()["message"]
    change(lot, session, budget_tokens=10_000_000)
    assert "enough" in texts(lot.turn(session, directive("say", text="enough")))
    lot.delete(f"/sessions/{session}")


def test_busy_model_is_waited_for_outside_the_sandbox_and_the_wait_is_shown(lot: Lot, session: str) -> None:
    told = lot.turn(session, directive("fault", status=529, times=2, retry_after_s=1))
    waits = [event for event in told if event["kind"] == "model_retried"]
    assert [(wait["by"], wait["status"]) for wait in waits] == [("broker", 529), ("broker", 529)]
    assert "The fault is over" in texts(told)


def test_pause_in_the_middle_of_an_answer_loses_and_pays_nothing_twice(lot: Lot, session: str) -> None:
    with lot.socket(f"/api/sessions/{session}/events/stream") as stream:
        lot.send(session, directive("slow", seconds=6))
        while "part" not in json.loads(stream.recv(PATIENCE_S)):
            pass
    paused = lot.move(session, "pause")
    assert (paused["label"], paused["agent"]) == ("Paused", "running")
    # The broker reads the answer to its end meanwhile; what it took is metered then.
    spent = until(lambda: lot.get(f"/sessions/{session}/usage")["output_tokens"])
    lot.move(session, "resume")
    told = ended(lot, session, 0)
    assert told[-1]["outcome"] == "completed"
    assert "it ends here" in texts(told)
    assert lot.get(f"/sessions/{session}/usage")["output_tokens"] == spent


def test_killed_agent_is_told_its_commands_end_and_the_conversation_goes_on(lot: Lot, session: str) -> None:
    lot.turn(session, directive("say", text="the secret word is plover"))
    before = lot.show(session)["events"]
    lot.send(session, directive("bash", command="python3 -c 'import time; time.sleep(4712)'"))
    lot.until_event(session, "tool_called", before)
    until(lambda: "time.sleep(4712)" in shell(lot, session, "pgrep -af 'sleep.[4]712'"))
    shell(lot, session, f"pkill -9 -f '^{AGENT}'")
    gone = lot.until_event(session, "agent_gone", before)
    assert "signal 9" in gone["reason"]
    lot.settled(session, "Errored")
    until(lambda: "time.sleep(4712)" not in shell(lot, session, "pgrep -af 'sleep.[4]712'"))
    assert "plover" in texts(lot.turn(session, directive("recall")))


def test_command_that_takes_all_memory_ends_only_its_own_sandbox(lot: Lot, project: str, session: str) -> None:
    other = lot.session(project)
    lot.turn(session, directive("say", text="the secret word is lapwing"))
    lot.send(session, directive("bash", command="python3 -c 'x = b\"x\" * (6 << 30); print(len(x))'"))
    ended_by_kernel = lot.settled(session, "Paused")
    assert "more memory than it has" in ended_by_kernel["reason"]
    assert "turn_failed" in kinds(lot.transcript(session))
    assert "lapwing" in texts(lot.turn(session, directive("recall")))
    lot.count(other)
    assert "came_back" not in kinds(lot.transcript(other))
    lot.delete(f"/sessions/{other}")


def test_conversation_is_made_anew_from_the_stored_transcript_alone(lot: Lot, session: str) -> None:
    lot.turn(session, directive("say", text="the secret word is heron"))
    shell(lot, session, f"rm -rf ~/.claude; pkill -9 -f '^{AGENT}'")
    lot.until_event(session, "agent_gone")
    lot.settled(session, "Errored", "Idle")
    assert "heron" in texts(lot.turn(session, directive("recall")))


def test_agent_opens_the_pull_request_with_lots_own_tool(lot: Lot, session: str) -> None:
    lot.turn(session, directive("write", file="new.txt", content="new\n"))
    told = lot.turn(session, directive("pr", title="A new file"))
    assert told[-1]["kind"] == "turn_ended", told[-1]
    opened = lot.get(f"/sessions/{session}/pull-request")
    assert (opened["title"], opened["state"]) == ("A new file", "open")
    assert str(opened["number"]) in texts(told)


def test_list_of_things_to_do_is_shown_as_it_changes(lot: Lot, session: str) -> None:
    told = lot.turn(session, directive("todos"))
    plans = [[entry["status"] for entry in event["entries"]] for event in told if event["kind"] == "plan_changed"]
    assert plans[0] == ["in_progress", "pending"]
    assert plans[-1] == ["completed", "completed"]


def test_sub_agent_is_nested_under_the_call_that_started_it(lot: Lot, session: str) -> None:
    told = lot.turn(session, directive("subagent"))
    [call] = [event for event in told if event["kind"] == "tool_called" and event["name"] in ("Agent", "Task")]
    nested = [event for event in told if event.get("parent_tool_call_id") == call["tool_call_id"]]
    assert "tool_called" in kinds(nested)


def test_conversation_is_summed_up_on_demand(lot: Lot, session: str) -> None:
    lot.turn(session, directive("say", text="something to sum up"))
    told = lot.turn(session, "/compact")
    assert "compacted" in kinds(told)
    assert "still here" in texts(lot.turn(session, directive("say", text="still here")))


def test_hooks_of_the_repository_run_in_the_sandbox_only(lot: Lot) -> None:
    repository = make_repository(lot.folder)
    mark = f"/home/lot/hook-{uuid.uuid4().hex[:8]}"
    hook = {"type": "command", "command": f"cat /proc/sys/kernel/hostname > {mark}"}
    (repository / ".claude").mkdir()
    settings = {"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": [hook]}]}}
    commit(repository, ".claude/settings.json", json.dumps(settings))
    project = lot.create_project(repository)["id"]
    assert lot.built(project)["snapshot"]["state"] == "ready"
    session = lot.session(project)
    lot.turn(session, directive("bash", command="true"))
    assert "lot" in shell(lot, session, f"cat {mark}").splitlines()
    assert not Path(mark).exists()
    lot.delete(f"/sessions/{session}")


def test_raw_lines_are_kept_beside_the_events(lot: Lot, session: str) -> None:
    lot.turn(session, directive("say", text="kept as it came"))
    raw = lot.http.get(f"/api/sessions/{session}/agent-lines", params={"run": 1})
    lines = [json.loads(line) for line in raw.text.splitlines()]
    assert {"assistant", "result"} <= {line["type"] for line in lines}
    assert "stream_event" not in {line["type"] for line in lines}
    assert "kept as it came" in raw.text


def test_longest_activity_is_interrupted_and_paused_not_killed() -> None:
    with lot_server(activity_limit_s=4) as lot:
        session = lot.session(lot.ready_project()["id"])
        lot.send(session, directive("slow", seconds=120))
        paused = lot.settled(session, "Paused")
        told = lot.transcript(session)
        [end] = [event for event in told if event["kind"] == "turn_ended"]
        assert end["outcome"] == "interrupted"
        assert end["reason"]
        assert "limit_reached" in kinds(told)
        assert paused["agent"] == "idle"
        lot.turn(session, directive("say", text="going on"))


def test_killed_control_plane_finds_the_question_again() -> None:
    with lot_server() as lot:
        session = lot.session(lot.ready_project()["id"])
        lot.send(session, directive("ask"))
        lot.settled(session, "Waiting for user")
        lot.server.kill()
        lot.server.start()
        lot.settled(session, "Waiting for user")
        answer(lot, session, **BLUE)
        told = ended(lot, session, 0)
        assert "Blue" in texts(told)
        assert kinds(told).count("question_asked") == 1
        os.kill(lot.server.runner_pid(session), 0)


def test_no_attachment_and_no_answer_is_left_of_a_deleted_session(lot: Lot, project: str) -> None:
    session = lot.session(project)
    word = "xylophone" + uuid.uuid4().hex
    file = {"name": "a.txt", "media_type": "text/plain", "data": base64.b64encode(word.encode()).decode()}
    message = {"id": str(uuid.uuid4()), "text": directive("ask"), "attachments": [file]}
    lot.post(f"/sessions/{session}/messages", message)
    lot.settled(session, "Waiting for user")
    answer(lot, session, text=word)
    ended(lot, session, 0)
    lot.delete(f"/sessions/{session}")
    held = [path for path in Path(lot.server.data_dir).glob("lot.db*") if word.encode() in path.read_bytes()]
    assert held == []
