"""What a person sees of a transcript: recorded events on a terminal of fixed width."""

from typing import Any

import pytest
from rich.console import Console

from lot.cli.output import coloured, plain
from lot.cli.render_tools import Cut
from lot.cli.transcript import Transcript
from lot.core import events as e

AT = "2026-01-02T03:04:05Z"


def printed(*events: dict[str, Any], cut: Cut | None = None) -> str:
    """Return what is printed of events, told in this order."""
    transcript = Transcript(cut)
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        for event in events:
            found = transcript.render(e.EVENT.validate_python({"at": AT, **event}))
            if found is not None:
                console.print(found)
        return "\n".join(line.rstrip() for line in console.export_text().splitlines())


def shown(**event: object) -> str:
    return printed(event)


def called(id: str, name: str = "Bash", parent: str | None = None, **fields: Any) -> dict[str, Any]:
    given = {"input": {"command": f"run {id}"}, **fields}
    return {"kind": "tool_called", "tool_call_id": id, "name": name, "parent_tool_call_id": parent, **given}


def finished(id: str, output: str = "fine", **fields: Any) -> dict[str, Any]:
    return {"kind": "tool_finished", "tool_call_id": id, "is_error": False, "output": output, **fields}


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
            "    1 + b",
        ),
        (
            {"kind": "turn_ended", "outcome": "completed", "duration_s": 2.0, "output_tokens": 5},
            "2.0 s · 0 tokens in, 5",
        ),
        ({"kind": "turn_ended", "outcome": "interrupted", "terminal_reason": "aborted_tools"}, "interrupted"),
        ({"kind": "turn_ended", "outcome": "interrupted", "reason": "the budget"}, "the budget"),
        ({"kind": "turn_ended", "outcome": "completed", "cost_usd": 0.01234}, "$0.0123"),
        ({"kind": "settings_changed", "model": "opus", "effort": "high"}, "model opus, effort high"),
        ({"kind": "settings_changed", "mode": "plan", "by": "agent"}, "mode plan (by the agent)"),
        ({"kind": "compacted", "trigger": "auto", "tokens_before": 150_000}, "from 150,000 tokens (auto)"),
        (
            {"kind": "limit_reached", "limit": "session_usd", "detail": "$2 of $2"},
            "budget of money is used up: $2 of $2",
        ),
        ({"kind": "subagent_changed", "task_id": "t", "status": "failed", "description": "look"}, "look: failed"),
        ({"kind": "permission_asked", "ask_id": "a", "name": "Bash", "input": {"command": "rm x"}}, "command: rm x"),
        ({"kind": "plan_proposed", "ask_id": "a", "plan": "# First\n\n1. this"}, "First"),
        ({"kind": "ask_answered", "ask_id": "a", "answer": {"choices": {"Which?": ["A", "B"]}}}, "Which?: A, B"),
        ({"kind": "ask_answered", "ask_id": "a", "answer": {"verdict": "deny", "text": "not now"}}, "denied · not now"),
        ({"kind": "ask_closed", "ask_id": "a", "outcome": "withdrawn"}, "the question is withdrawn"),
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
        ({"kind": "dev_server_changed", "status": "exited", "process": "worker"}, "process worker exited"),
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


def test_message_names_what_is_attached():
    files = [{"name": "shot.png", "media_type": "image/png", "size_bytes": 12_300}]
    text = shown(kind="message_added", message_id="m", text="look", attachments=files)
    assert "+ shot.png  image/png, 12.0 KiB" in text


def test_tool_call_shows_title_tool_and_kind():
    text = printed(called("t", title="npm test", tool_kind="execute"))
    assert "● npm test  Bash · execute" in text
    assert printed(called("t", name="Edit", title="Edit a.py", tool_kind="edit")) == "● Edit a.py"
    assert "● lot: create_pull_request  " in printed(called("t", name="mcp__lot__create_pull_request"))


def test_questions_are_numbered_with_their_choices():
    choices = [{"label": "Red", "description": "loud"}, {"label": "Blue"}]
    questions = [
        {"question": "Which colour?", "header": "Colour", "choices": choices},
        {"question": "Which pages?", "is_multiple": True, "choices": choices},
    ]
    text = shown(kind="question_asked", ask_id="a", questions=questions)
    assert "? 1 of 2  Colour: Which colour?" in text
    assert "  1. Red  loud\n  2. Blue" in text
    assert "Which pages?  (several may be chosen)" in text


def test_things_to_do_carry_marks():
    states = {"a": "completed", "b": "in_progress", "c": "pending"}
    entries = [{"content": name, "status": status} for name, status in states.items()]
    text = shown(kind="plan_changed", entries=entries)
    assert "1 of 3 done" in text
    assert "☑ a\n  ◐ b\n  ☐ c" in text


def test_calls_with_events_of_their_own_are_not_shown_twice():
    call = called("q", name="AskUserQuestion")
    assert printed(call, finished("q", "User has answered")) == ""
    assert "refused" in printed(call, finished("q", "refused", is_error=True))


def test_patch_has_line_numbers_across_its_hunks():
    hunks = [
        {"oldStart": 9, "oldLines": 3, "newStart": 9, "newLines": 3, "lines": [" a", "-old", "+new", " z"]},
        {"oldStart": 40, "oldLines": 1, "newStart": 40, "newLines": 2, "lines": [" q", "+added"]},
    ]
    text = printed(called("t", name="Edit"), finished("t", path="src/a.py", patch=hunks))
    assert "src/a.py  +2 -1" in text
    for line in ("    9   a", "   10 - old", "   10 + new", "   11   z", "⋮", "   41 + added"):
        assert line in text


def test_patch_of_a_wrong_shape_breaks_nothing():
    assert "a.py" in printed(finished("t", path="a.py", patch=[{"lines": "no"}, {"oldStart": "x", "lines": [7]}]))


def test_long_output_is_cut_with_a_hint_unless_all_is_wanted():
    output = "\n".join(f"line {number}" for number in range(1, 101))
    cut = printed(called("t", tool_kind="read", title="Read a"), finished("t", output))
    assert "line 3\n" in cut
    assert "line 4\n" not in cut
    assert "… 97 more lines (--full shows all)" in cut
    assert "line 100" in printed(called("t"), finished("t", output), cut=Cut(True))


def test_what_is_special_of_a_result_is_said():
    text = printed(finished("t", "", is_interrupted=True, is_in_background=True, images=1, is_truncated=True))
    for words in ("interrupted", "in the background", "(1 image in the result)", "not kept"):
        assert words in text
    assert "(no output)" in printed(finished("t", ""))


def test_sub_agent_stands_below_its_parent_as_deep_as_it_is():
    events = [
        called("outer", name="Agent"),
        called("inner", name="Agent", parent="outer"),
        called("deep", parent="inner"),
        finished("deep", "found"),
        {"kind": "agent_text", "text": "I am inside", "parent_tool_call_id": "outer"},
    ]
    lines = printed(*events).splitlines()
    starts = {word: len(line) - len(line.lstrip()) for line in lines for word in line.split()}
    assert lines[0].startswith("● Agent")
    assert lines[1].startswith("    ● Agent")
    assert lines[2].startswith("        ● Bash")
    assert starts["found"] == 12
    assert starts["inside"] == 4


def test_calls_that_are_their_own_parents_end_somewhere():
    assert "● Bash" in printed(called("a", parent="b"), called("b", parent="a"), called("c", parent="a"))


def test_result_of_another_call_than_the_last_says_whose_it_is():
    text = printed(called("one"), called("two"), finished("one", "first"), finished("two", "second"))
    assert "↳ Bash  run one" in text
    assert "↳ Bash  run two" in text
    assert "↳" not in printed(called("one"), finished("one"))


def test_withdrawn_ask_is_called_by_its_kind():
    plan = {"kind": "plan_proposed", "ask_id": "a", "plan": "x"}
    text = printed(plan, {"kind": "ask_closed", "ask_id": "a", "outcome": "withdrawn"})
    assert "the plan is withdrawn" in text


def test_task_keeps_the_name_that_it_started_with():
    begun = {"kind": "subagent_changed", "task_id": "b1", "tool_call_id": "t", "status": "running"}
    ended = {**begun, "status": "completed", "summary": "exit code 0"}
    text = printed(called("t"), {**begun, "description": "Serve"}, ended)
    assert "◇ Serve: running" in text
    assert "◇ Serve: completed\n    exit code 0" in text
    assert "◇ Bash  run t: completed" in printed(called("t"), ended)
