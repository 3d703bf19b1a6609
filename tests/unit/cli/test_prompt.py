"""From keys to lines, and from lines to answers."""

from typing import Any

import pytest

from lot.cli.line_input import LineInput
from lot.cli.prompt import Prompt
from lot.core import events as e

AT = "2026-01-02T03:04:05Z"


def prompt(**event: Any) -> Prompt:
    return Prompt(e.EVENT.validate_python({"at": AT, "ask_id": "a", **event}))


def question(text: str = "Which?", *labels: str, is_multiple: bool = False) -> dict[str, Any]:
    return {"question": text, "is_multiple": is_multiple, "choices": [{"label": label} for label in labels]}


def questions(*asked: dict[str, Any]) -> Prompt:
    return prompt(kind="question_asked", questions=list(asked))


ONE = question("Which?", "Red", "Blue")
MANY = question("Which?", "Red", "Blue", "Green", is_multiple=True)


@pytest.mark.parametrize(
    ("asked", "line", "chosen"),
    [
        (ONE, "2", ("Blue",)),
        (ONE, " 1 ", ("Red",)),
        (ONE, "something else", ("something else",)),
        (ONE, "2 of them", ("2 of them",)),
        (MANY, "1,3", ("Red", "Green")),
        (MANY, "3 1 3", ("Green", "Red")),
        (question("How many?"), "42", ("42",)),
    ],
)
def test_typed_numbers_and_words_become_choices(asked: dict[str, Any], line: str, chosen: tuple[str, ...]):
    answer = questions(asked).take(line)
    assert answer is not None
    assert answer.choices == {asked["question"]: chosen}


@pytest.mark.parametrize(("line", "problem"), [("3", "1 to 2"), ("0", "1 to 2"), ("1 2", "One number"), ("  ", "Type")])
def test_line_that_is_no_answer_says_why(line: str, problem: str):
    asked = questions(ONE)
    assert asked.take(line) is None
    assert problem in str(asked.problem)
    assert asked.take("1") is not None
    assert asked.problem is None


def test_several_questions_are_asked_one_after_another():
    asked = questions(question("First?", "A", "B"), question("Second?", "C", "D"), question("First?", "A", "B"))
    assert asked.place == (1, 3)
    assert asked.take("1") is None
    assert asked.question is not None
    assert asked.question.question == "Second?"
    answer = asked.take("why not both")
    assert answer is not None
    assert answer.choices == {"First?": ("A",), "Second?": ("why not both",)}


def test_question_without_questions_takes_a_text():
    answer = questions().take("hello")
    assert answer is not None
    assert answer.text == "hello"


@pytest.mark.parametrize(
    ("line", "verdict", "text"),
    [
        ("y", "allow", None),
        ("Yes, but quickly", "allow", "but quickly"),
        ("a", "allow_always", None),
        ("n", "deny", None),
        ("no use the other file", "deny", "use the other file"),
    ],
)
def test_permission_is_given_or_denied(line: str, verdict: str, text: str | None):
    answer = prompt(kind="permission_asked", name="Bash", input={}, can_allow_always=True).take(line)
    assert answer is not None
    assert (answer.verdict, answer.text) == (verdict, text)


def test_permission_is_not_given_by_accident():
    asked = prompt(kind="permission_asked", name="Bash", input={})
    assert asked.take("yesterday you said so") is None
    assert asked.take("always") is None
    assert "Always" in str(asked.problem)
    assert "always" not in asked.hint


@pytest.mark.parametrize(
    ("line", "verdict", "text"),
    [("y", "allow", None), ("approve but no tests", "allow", "but no tests"), ("n", "deny", None)],
)
def test_plan_is_approved_or_denied(line: str, verdict: str, text: str | None):
    answer = prompt(kind="plan_proposed", plan="x").take(line)
    assert answer is not None
    assert (answer.verdict, answer.text) == (verdict, text)


def test_any_other_text_to_a_plan_is_feedback():
    answer = prompt(kind="plan_proposed", plan="x").take("first write a test")
    assert answer is not None
    assert (answer.verdict, answer.text) == ("deny", "first write a test")


@pytest.mark.parametrize(
    ("keys", "lines", "rest"),
    [
        (b"hello\n", ["hello"], ""),
        (b"one\rtwo\rth", ["one", "two"], "th"),
        (b"helo\x7flo", [], "hello"),
        (b"gone\x15new", [], "new"),
        (b"two words\x17", [], "two "),
        (b"a\x1b[Ab\x1bOPc\x1b[3~d", [], "abcd"),
        ("schön\n".encode(), ["schön"], ""),
        (b"\x1b[200~two\nlines\x1b[201~\n", ["two\nlines"], ""),
        (b"\x00\x01a\x1b[", [], "a"),
    ],
)
def test_keys_become_lines_however_they_are_cut(keys: bytes, lines: list[str], rest: str):
    whole, apart = LineInput(), LineInput()
    assert whole.feed(keys) == lines
    assert [line for key in keys for line in apart.feed(bytes([key]))] == lines
    assert whole.text == apart.text == rest


def test_end_of_input_counts_on_an_empty_line_only():
    typed = LineInput()
    typed.feed(b"x\x04")
    assert not typed.is_ended
    typed.feed(b"\x7f\x04")
    assert typed.is_ended
