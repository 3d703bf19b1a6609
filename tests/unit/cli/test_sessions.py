"""`lot session` and `lot pr` against a mock server."""

import json

import pytest
from mock_lot import PATCH, MockLot

from lot.api.schemas.sessions import ProcessBody


def test_new_waits_until_the_session_is_up(lot, mock: MockLot):
    mock.add_project()
    result = lot("session", "new", "shop", "-m", "make it blue")
    assert result.exit_code == 0
    assert "restoring memory" in result.stderr
    assert "newsession" in result.stdout
    assert mock.messages[0].text == "make it blue"


def test_rehearsal_is_labelled_wherever_it_answers(lot, mock: MockLot):
    mock.provider = "rehearsal"
    mock.add_project()
    mock.add_session()
    for command in (["session", "list"], ["session", "show", "last"], ["session", "new", "shop"]):
        assert "scripted rehearsal, no model" in lot(*command).output
    assert "scripted rehearsal, no model" in lot("session", "send", "last", "hello").stderr


@pytest.mark.parametrize("wanted", ["abcdefghij", "abc", "last"])
def test_a_session_is_found_by_id_prefix_and_last(lot, mock: MockLot, wanted: str):
    mock.add_session("zzzzzzzzzz")
    mock.add_session("abcdefghij")
    assert lot.json("session", "show", wanted, "--json")["id"] == "abcdefghij"


def test_an_ambiguous_prefix_is_a_usage_error_that_names_the_candidates(lot, mock: MockLot):
    mock.add_session("abcdefghij")
    mock.add_session("abczzzzzzz")
    result = lot("session", "show", "abc")
    assert result.exit_code == 2
    assert "abcdefghij, abczzzzzzz" in result.stderr


def test_send_reads_a_megabyte_from_standard_input(lot, mock: MockLot):
    mock.add_session()
    text = "ä" * 500_000
    assert lot("session", "send", "last", input=text).exit_code == 0
    assert mock.messages[0].text == text


def test_send_wait_follows_the_turn_to_its_end(lot, mock: MockLot):
    mock.add_session()
    result = lot("session", "send", "last", "hello", "--wait")
    assert result.exit_code == 0
    assert "really" in result.stdout
    assert "1,200 tokens in, 34 out" in result.stdout
    ended = lot.json("session", "send", "last", "hello", "--wait", "--json")
    assert ended["event"]["kind"] == "turn_ended"


def test_send_wait_ends_well_where_the_agent_asks_and_names_the_next_step(lot, mock: MockLot):
    mock.add_session()
    mock.asks_in_return = True
    result = lot("session", "send", "last", "hello", "--wait")
    assert result.exit_code == 0
    assert "Which colour?" in result.stdout
    assert "lot session answer abcdefghij" in result.stdout


def test_send_wait_ends_with_1_when_the_turn_fails(lot, mock: MockLot):
    mock.add_session()
    result = lot("session", "send", "last", "fail", "--wait")
    assert result.exit_code == 1
    assert "the key was refused" in result.stderr


def test_an_empty_message_is_a_usage_error(lot, mock: MockLot):
    mock.add_session()
    assert lot("session", "send", "last", input="  \n").exit_code == 2
    assert mock.messages == []


def test_moves_print_the_state_they_led_to(lot, mock: MockLot):
    mock.add_session()
    assert "Paused" in lot("session", "pause", "last").stdout
    assert lot.json("session", "resume", "last", "--json")["label"] == "Idle"
    assert "forked from abcdefghij" in lot("session", "fork", "last").stdout
    assert lot.json("session", "delete", "abc", "--json") == {"deleted": "abcdefghij"}


def test_a_refusal_is_told_on_stderr_with_1_and_in_json_if_wanted(lot, mock: MockLot):
    mock.add_session()
    result = lot("session", "stop", "last")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "stop does not apply while idle" in result.stderr
    result = lot("--json", "session", "stop", "last")
    assert json.loads(result.stderr)["code"] == "session.transition_not_allowed"
    assert result.stdout == ""


def test_diff_is_a_plain_patch_when_piped(lot, mock: MockLot):
    mock.add_session()
    assert lot("session", "diff", "last").stdout == PATCH
    assert "modified" in lot("session", "diff", "last", "--stat").stdout


def test_diff_of_a_paused_session_says_that_it_is_the_last_one(lot, mock: MockLot):
    mock.add_session(sandbox="paused", label="Paused")
    result = lot("session", "diff", "last")
    assert result.stdout == PATCH
    assert "The sandbox is off" in result.stderr


def test_logs_keep_colours_out_of_a_pipe_and_titles_out_of_the_terminal(lot, mock: MockLot):
    mock.add_session()
    assert lot("session", "logs", "last").stdout == "ready in 254 ms\ngreen\n\n"


def test_log_of_a_process_beside_the_dev_server_is_named_with_or_without_the_prefix(lot, mock: MockLot):
    mock.add_session(processes=["worker"])
    for name in ("worker", "dev-worker", "setup"):
        assert lot("session", "logs", "last", "--process", name).exit_code == 0
    assert mock.logs_read == ["dev-worker", "dev-worker", "setup"]


def _process(name: str, **fields: object) -> ProcessBody:
    body = ProcessBody(name=name, pid=40, is_running=True, exit_code=None, starts={"out": 0}, ends={"out": 0})
    return body.model_copy(update=fields)


def test_show_tells_how_processes_and_ports_stand(lot, mock: MockLot):
    session = mock.add_session(processes=["worker", "css"])
    mock.processes = [_process("dev"), _process("dev-worker", is_running=False, exit_code=3)]
    mock.add_port(5173, "dev", "dev")
    mock.add_port(9000, "\x1b[31mredis")
    shown = lot("session", "show", "last").stdout
    assert "dev runs (pid 40), worker ended with exit code 3, css not started" in shown
    assert "5173 dev, 9000 redis" in shown
    assert "\x1b" not in shown
    assert f"lot session ports {session.id}" in shown

    mock.sessions[session.id] = session.model_copy(update={"sandbox": "paused", "label": "Paused"})
    off = lot("session", "show", "last").stdout
    assert "dev, worker, css: paused" in off
    assert "5173 dev" not in off
    assert lot.json("session", "show", "last", "--json")["processes"] == ["worker", "css"]


def test_ports_are_listed_with_the_links_to_their_previews(lot, mock: MockLot):
    mock.add_session()
    assert "Nothing listens" in lot("session", "ports", "last").stdout
    mock.add_port(5173, "dev", "dev")
    mock.add_port(9000, "worker", "dev-worker", command=None, addresses=["127.0.0.1", "::1"])
    lines = lot("session", "ports", "last").stdout.splitlines()
    assert lines == [
        "5173  dev (the app)  dev, node, pid 7  on 0.0.0.0",
        "      http://5173--x.test/.lot?t=1",
        "9000  worker  dev-worker, pid 7  on 127.0.0.1, ::1",
        "      http://9000--x.test/.lot?t=1",
    ]
    assert lot.json("session", "ports", "last", "--json")["ports"][1]["process"] == "dev-worker"


def test_ports_of_a_paused_session_say_why_there_are_none(lot, mock: MockLot):
    mock.add_session(sandbox="paused", label="Paused")
    result = lot("session", "ports", "last")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "while its sandbox is on" in result.stderr
    assert lot.json("session", "ports", "last", "--json")["ports"] == []


def test_change_of_ports_in_the_stream_disturbs_no_conversation(lot, mock: MockLot):
    session = mock.add_session()
    mock.changes_told[session.id] = 3
    assert lot("session", "send", "last", "hello", "--wait").exit_code == 0
    assert mock.changes_told == {}


def test_pull_request_is_opened_shown_and_merged(lot, mock: MockLot):
    mock.add_project()
    mock.add_session()
    assert "lot pr merge shop 1" in lot("session", "pr", "last").stdout
    assert "A title" in lot("pr", "list", "shop").stdout
    assert lot("pr", "show", "shop", "1", "--patch").stdout == PATCH
    assert lot.json("pr", "merge", "shop", "1", "--json")["state"] == "merged"


@pytest.mark.parametrize(
    ("state", "url", "step"),
    [
        ("open", "https://host/compare/x", "open and merge it at https://host/compare/x"),
        ("draft", "https://host/1", "mark it as ready at https://host/1"),
        ("open", "/projects/p1/pull-requests/1", "open and merge it at its host, where branch lot/x is now"),
    ],
)
def test_what_lot_cannot_merge_is_sent_to_its_host(lot, mock: MockLot, state: str, url: str, step: str):
    mock.add_project()
    mock.add_session()
    mock.published = {"state": state, "url": url, "can_merge": False}
    said = lot("session", "pr", "last").stdout
    assert f"`lot pr show shop 1`; {step}" in said
    assert "lot pr merge" not in said
    assert state in lot("pr", "list", "shop").stdout
