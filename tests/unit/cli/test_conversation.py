"""What changes below a transcript, what is printed above it for good, and what typed lines become."""

import io
from typing import Any

import pytest
from rich.console import Console

from lot.api.schemas.sessions import EventBody
from lot.cli.conversation import Conversation, Reply
from lot.cli.lower_part import LowerPart
from lot.core import events as e
from lot.core.asks import Answer

AT = "2026-01-02T03:04:05Z"


class Clock:
    """Stands still unless it is put forward."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen:
    """A conversation with what it printed and what stands below."""

    def __init__(self, height: int = 25, *, can_type: bool = True) -> None:
        self.clock = Clock()
        self.conversation = Conversation(self.clock, can_type=can_type)
        self.console = Console(width=80, height=height, file=io.StringIO())
        self.number = 0

    def text(self, shown: Any) -> str:
        with self.console.capture() as capture:
            self.console.print(shown)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())

    def tell(self, kind: str, **fields: Any) -> str:
        """Tell an event; return what is printed of it."""
        self.number += 1
        shown = self.conversation.take(EventBody(number=self.number, event={"kind": kind, "at": AT, **fields}))
        return "" if shown is None else self.text(shown)

    def part(self, kind: Any, text: str = "", key: str = "k", offset: int = 0, parent: str | None = None) -> None:
        part = e.LivePart(kind=kind, key=key, offset=offset, text=text, parent_tool_call_id=parent)
        assert self.conversation.take(part) is None

    @property
    def below(self) -> str:
        return self.text(self.conversation.render())

    def ask(self, ask_id: str = "a", *labels: str) -> None:
        choices = [{"label": label} for label in labels or ("Red", "Blue")]
        self.tell("question_asked", ask_id=ask_id, questions=[{"question": f"Which {ask_id}?", "choices": choices}])


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_streamed_text_grows_and_the_final_event_takes_its_place(screen: Screen):
    screen.part("thought", "let me ", "m:0")
    screen.part("thought", "think", "m:0", 7)
    assert "let me think" in screen.below
    assert "let me think" in screen.tell("agent_thought", text="let me think", part_key="m:0")
    screen.part("text", "Hel", "m:1")
    screen.part("text", "lo", "m:1", 3)
    assert "let me think" not in screen.below
    assert "Hello" in screen.below
    assert "Hello" in screen.tell("agent_text", text="Hello", part_key="m:1")
    assert "Hello" not in screen.below


def test_part_that_comes_twice_or_late_is_shown_as_well_as_it_can_be(screen: Screen):
    screen.part("text", "abc", "m")
    screen.part("text", "bcd", "m", 1)
    assert "abcd" in screen.below
    screen.part("text", "xyz", "late", 50)
    assert "…xyz" in screen.below
    screen.part("text", "anew", "m", 0)
    assert "abcd" not in screen.below


def test_final_event_without_a_key_replaces_what_is_of_its_kind(screen: Screen):
    screen.part("text", "main", "a")
    screen.part("text", "other", "b", parent="t")
    screen.tell("agent_text", text="whole")
    assert "main" not in screen.below
    assert "other" in screen.below


def test_reset_voids_what_has_not_come(screen: Screen):
    screen.part("text", "half a sen")
    screen.part("reset")
    assert "half" not in screen.below


def test_running_command_shows_its_last_lines_and_how_long_it_takes(screen: Screen):
    screen.part("tool_input", '{"command": "np', "t")
    assert "prepares a tool call" in screen.below
    screen.tell("tool_called", tool_call_id="t", name="Bash", input={"command": "npm test"})
    assert "prepares" not in screen.below
    screen.part("tool_output", "".join(f"line {number}\n" for number in range(1, 21)), "t")
    screen.clock.now += 7
    assert "… Bash  npm test  7 s" in screen.below
    assert "line 12\n" not in screen.below
    assert "line 13\n" in screen.below
    assert "line 20\n" in screen.below
    assert "passed" in screen.tell("tool_finished", tool_call_id="t", is_error=False, output="passed")
    assert "npm test" not in screen.below


def test_progress_bar_shows_its_last_state_and_commands_nothing(screen: Screen):
    screen.tell("tool_called", tool_call_id="t", name="Bash", input={})
    screen.part("tool_output", "10%\r90%\x1b[2J\x1b]0;evil\x07", "t")
    assert "90%" in screen.below
    assert "10%" not in screen.below
    assert "evil" not in screen.below


def test_command_in_the_background_is_shown_until_it_ends(screen: Screen):
    screen.tell("tool_called", tool_call_id="t", name="Bash", input={"command": "serve"})
    screen.tell("tool_finished", tool_call_id="t", is_error=False, output="", is_in_background=True)
    screen.tell("turn_ended", outcome="completed")
    screen.part("tool_output", "tick", "t")
    screen.part("reset")
    assert "serve  in the background" in screen.below
    assert "tick" in screen.below
    screen.tell("subagent_changed", task_id="b1", tool_call_id="t", status="completed")
    assert "tick" not in screen.below


def test_sub_agents_parts_stand_below_their_parent(screen: Screen):
    screen.tell("tool_called", tool_call_id="t", name="Agent", input={"prompt": "go"})
    screen.part("text", "inside", "s", parent="t")
    assert "\n    inside" in "\n" + screen.below


def test_wait_for_the_model_is_counted_down_until_it_answers(screen: Screen):
    screen.tell("model_retried", attempt=2, delay_s=5, status=529)
    screen.clock.now += 2
    assert "HTTP 529, attempt 2, in 3 s" in screen.below
    screen.clock.now += 9
    assert "attempt 2, now" in screen.below
    screen.part("text", "back")
    assert "529" not in screen.below


@pytest.mark.parametrize("end", ["turn_ended", "turn_failed", "agent_gone"])
def test_end_of_a_turn_leaves_nothing_running(screen: Screen, end: str):
    screen.tell("tool_called", tool_call_id="t", name="Bash", input={"command": "npm test"})
    screen.part("text", "half")
    screen.tell(end, outcome="interrupted", reason="stopped")
    assert "npm test" not in screen.below
    assert "half" not in screen.below


def test_lower_part_never_exceeds_the_screen_and_keeps_its_bottom():
    screen = Screen(height=10)
    screen.part("text", "\n".join(f"line {number}" for number in range(100)))
    screen.conversation.type(b"typed")
    lines = screen.below.splitlines()
    assert len(lines) <= 10
    assert "line 99" in screen.below
    assert "> typed" in lines[-1]
    assert len(screen.text(LowerPart("above", "\n".join("x" * 50))).splitlines()) <= 10


def test_question_is_answered_by_its_number(screen: Screen):
    screen.ask("a")
    assert "a number, or an answer in your own words" in screen.below
    assert screen.conversation.type(b"2\n") == [Reply("a", answer=Answer(choices={"Which a?": ("Blue",)}))]
    assert "Enter to send" in screen.below


def test_prompt_names_what_it_is_for_where_several_things_are_asked(screen: Screen):
    screen.tell("permission_asked", ask_id="p", name="Write", input={}, title="Write a.txt")
    screen.tell("plan_proposed", ask_id="q", plan="x")
    assert "Allowed? Write a.txt" in screen.below
    screen.conversation.type(b"y\n")
    assert "Is the plan approved?" in screen.below


def test_problem_with_an_answer_is_shown_where_it_is_typed(screen: Screen):
    screen.ask()
    assert screen.conversation.type(b"7\n") == []
    assert "There are the numbers 1 to 2" in screen.below


def test_what_is_asked_is_answered_in_its_order(screen: Screen):
    screen.ask("first")
    screen.ask("second")
    replies = screen.conversation.type(b"1\n2\n")
    assert [reply.ask_id for reply in replies] == ["first", "second"]


@pytest.mark.parametrize(
    "end",
    [
        {"kind": "ask_answered", "answer": {"text": "by another"}},
        {"kind": "ask_closed", "outcome": "withdrawn"},
    ],
)
def test_ask_answered_elsewhere_or_withdrawn_closes_the_prompt(screen: Screen, end: dict[str, Any]):
    screen.ask("a")
    screen.tell(ask_id="a", **end)
    assert "Enter to send" in screen.below
    assert screen.conversation.type(b"2\n") == [Reply(None, text="2")]


def test_half_a_message_is_not_taken_for_the_answer_of_what_is_asked_meanwhile(screen: Screen):
    screen.conversation.type(b"yes, and also")
    screen.tell("permission_asked", ask_id="p", name="Bash", input={})
    assert "yes, and also" not in screen.below
    assert screen.conversation.type(b"n\n")[0].answer == Answer(verdict="deny")
    assert "> yes, and also" in screen.below


def test_answer_that_could_not_be_sent_is_asked_for_again(screen: Screen):
    screen.ask("a")
    (reply,) = screen.conversation.type(b"1\n")
    screen.conversation.ask_again(reply)
    assert screen.conversation.type(b"1\n") == [reply]
    (message,) = screen.conversation.type(b"hello\n")
    screen.conversation.ask_again(message)
    assert "> hello" in screen.below


def test_line_is_a_message_where_nothing_is_asked(screen: Screen):
    assert screen.conversation.type(b"make it blue\n\n  \n") == [Reply(None, text="make it blue")]
    screen.conversation.type(b"\x04")
    assert screen.conversation.is_left


def test_without_a_keyboard_nothing_is_prompted():
    screen = Screen(can_type=False)
    screen.ask()
    assert screen.below.strip() == ""
