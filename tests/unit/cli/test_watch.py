"""Following a transcript, with connections that break; and what a person sees of it."""

import json
import threading
import time

import pytest
from mock_lot import MockLot
from rich.console import Console

from lot.cli.output import coloured, plain
from lot.cli.transcript import render
from lot.client.client import LotClient
from lot.client.errors import ServerUnreachableError, SessionDeletedError
from lot.client.follow import follow
from lot.core import events as e


def filled(mock: MockLot, count: int = 10) -> None:
    mock.add_session()
    for number in range(1, count + 1):
        mock.tell("abcdefghij", "notice", text=f"notice {number}")


def numbers(client: LotClient, count: int, after: int = 0) -> list[int]:
    events = follow(client, "abcdefghij", after, sleep=lambda _: None)
    return [next(events).number for _ in range(count)]


def test_events_come_once_each_and_in_order_across_lost_connections(mock: MockLot, client: LotClient):
    filled(mock)
    mock.drop_after = [3, 0, 1, 2]
    assert numbers(client, 10) == list(range(1, 11))
    assert mock.drop_after == []


def test_events_that_come_twice_are_seen_once(mock: MockLot, client: LotClient):
    filled(mock)
    mock.drop_after, mock.repeat = [4, 4], 2
    assert numbers(client, 10) == list(range(1, 11))


def test_a_skipped_event_is_asked_for_again(mock: MockLot, client: LotClient):
    filled(mock)
    mock.skip_once = {5}
    assert numbers(client, 10) == list(range(1, 11))


def test_following_begins_after_the_number_asked_for_and_goes_on_live(mock: MockLot, client: LotClient):
    filled(mock, 3)
    threading.Timer(0.05, lambda: mock.tell("abcdefghij", "notice", text="late")).start()
    assert numbers(client, 2, after=2) == [3, 4]


def test_a_deleted_session_ends_the_following(mock: MockLot, client: LotClient):
    filled(mock, 1)
    events = follow(client, "abcdefghij", sleep=lambda _: None)
    next(events)
    del mock.sessions["abcdefghij"]
    with pytest.raises(SessionDeletedError):
        next(events)


def test_the_first_connection_must_hold(mock: MockLot):
    from lot.client.address import Address

    with LotClient(Address("http://127.0.0.1:9")) as client, pytest.raises(ServerUnreachableError):
        next(follow(client, "abcdefghij", sleep=lambda _: None))


def test_watch_prints_one_event_a_line_as_json(lot, mock: MockLot):
    filled(mock, 3)
    result = lot("session", "watch", "last", "--no-follow", "--json", "--after", "1")
    assert [json.loads(line)["number"] for line in result.stdout.splitlines()] == [2, 3]


def test_watch_says_that_the_session_was_deleted(lot, mock: MockLot):
    filled(mock, 2)
    deletion = threading.Thread(target=_delete_once_watched, args=(mock,))
    deletion.start()
    result = lot("session", "watch", "last")
    deletion.join()
    assert result.exit_code == 0
    assert "notice 2" in result.stdout
    assert "was deleted" in result.stderr


def _delete_once_watched(mock: MockLot) -> None:
    while not any(call.startswith("WS ") for call in mock.calls):
        time.sleep(0.01)
    mock.sessions.clear()


AT = "2026-01-02T03:04:05Z"


def shown(**event: object) -> str:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(render(e.EVENT.validate_python({"at": AT, **event})))
        return console.export_text()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"kind": "message_added", "message_id": "m", "text": "hello"}, "hello"),
        ({"kind": "agent_text", "text": "**bold**"}, "bold"),
        ({"kind": "agent_thought", "text": "hm"}, "hm"),
        ({"kind": "tool_called", "tool_call_id": "t", "name": "Bash", "input": {"command": "ls -l"}}, "Bash  ls -l"),
        ({"kind": "tool_called", "tool_call_id": "t", "name": "X", "input": {"n": 1}}, '{"n": 1}'),
        ({"kind": "tool_finished", "tool_call_id": "t", "is_error": True, "output": "no such file"}, "no such file"),
        (
            {
                "kind": "tool_finished",
                "tool_call_id": "t",
                "is_error": False,
                "output": "ok",
                "patch": [{"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": ["-a", "+b"]}],
            },
            "+b",
        ),
        (
            {"kind": "turn_ended", "outcome": "completed", "duration_s": 2.0, "output_tokens": 5},
            "2.0 s · 0 tokens in, 5",
        ),
        ({"kind": "turn_ended", "outcome": "interrupted", "terminal_reason": "aborted_tools"}, "interrupted"),
        ({"kind": "turn_failed", "reason": "refused", "status": 401}, "HTTP 401"),
        ({"kind": "model_retried", "attempt": 2, "delay_s": 1.0, "status": 529}, "attempt 2"),
        ({"kind": "agent_started", "program": "claude", "provider": "rehearsal", "is_scripted": True}, "no model"),
        ({"kind": "agent_gone", "reason": "signal 11"}, "signal 11"),
        (
            {"kind": "state_changed", "agent": "idle", "sandbox": "paused", "label": "Paused", "reason": "quiet"},
            "quiet",
        ),
        ({"kind": "step_done", "step": "restore", "seconds": 0.25}, "0.25 s"),
        ({"kind": "came_back", "rung": "disk", "reason": "image damaged", "seconds": 1.0}, "image damaged"),
        ({"kind": "forked", "parent_id": "abc", "parent_event": 4}, "event 4"),
        ({"kind": "dev_server_changed", "status": "answering", "port": 5173}, "5173"),
        (
            {
                "kind": "pull_request_changed",
                "number": 1,
                "action": "opened",
                "branch": "b",
                "url": "http://x",
                "commit": "c",
            },
            "pull request 1 opened",
        ),
        ({"kind": "notice", "text": "[bold]as it is[/bold]"}, "[bold]as it is[/bold]"),
    ],
)
def test_every_kind_of_event_is_readable(event: dict[str, object], expected: str):
    assert expected in shown(**event)


def test_long_texts_are_cut_and_say_so():
    text = shown(kind="message_added", message_id="m", text="x" * 150_000)
    assert len(text) < 10_000
    assert "146,000 more" in text


@pytest.mark.parametrize(
    "evil", ["\x1b]0;title\x07", "\x1b[2J", "\x1b[6n", "\x9b31m", "\x07", "\x1bc", "\x1b]8;;x\x1b\\"]
)
def test_nothing_a_sandbox_prints_commands_the_terminal(evil: str):
    assert "\x1b" not in plain(f"a{evil}b")
    assert "\x9b" not in plain(f"a{evil}b")
    assert not {"\x1b", "\x07", "\x9b"} & set(coloured(f"a{evil}b").plain)
