"""`lot session asks|answer`."""

import json
from typing import Any

import pytest
from mock_lot import MockLot

from lot.cli.asks import make_answer
from lot.core import events as e
from lot.core.errors import InvalidInputError

SESSION = "abcdefghij"
AT = "2026-01-02T03:04:05Z"
COLOURS = {"question": "Which colour?", "choices": [{"label": "Red"}, {"label": "Blue"}]}
PAGES = {"question": "Which pages?", "is_multiple": True, "choices": [{"label": "Home"}, {"label": "About"}]}


def question(*asked: dict[str, Any]) -> Any:
    event = {"kind": "question_asked", "at": AT, "ask_id": "a", "questions": list(asked)}
    return e.EVENT.validate_python(event)


def plan() -> Any:
    return e.EVENT.validate_python({"kind": "plan_proposed", "at": AT, "ask_id": "a", "plan": "x"})


@pytest.mark.parametrize(
    ("asked", "choose", "choices"),
    [
        ([COLOURS], ["Blue"], {"Which colour?": ("Blue",)}),
        ([COLOURS], ["2"], {"Which colour?": ("Blue",)}),
        ([COLOURS], ["Mauve: light"], {"Which colour?": ("Mauve: light",)}),
        ([PAGES], ["Home", "2"], {"Which pages?": ("Home", "About")}),
        ([COLOURS, PAGES], ["1: 1", "2:About"], {"Which colour?": ("Red",), "Which pages?": ("About",)}),
    ],
)
def test_choices_are_given_by_words_or_numbers(asked: list[Any], choose: list[str], choices: dict[str, Any]):
    assert make_answer(question(*asked), choose, None, None).choices == choices


@pytest.mark.parametrize(
    ("event", "choose", "text", "verdict", "words"),
    [
        (question(COLOURS), [], None, None, "--choose"),
        (question(COLOURS), ["1"], None, "allow", "--choose"),
        (question(COLOURS), ["1", "2"], None, None, "takes one answer"),
        (question(COLOURS), ["9"], None, None, "1 to 2"),
        (question(COLOURS, PAGES), ["Blue"], None, None, "'1: Blue'"),
        (question(COLOURS, PAGES), ["3: Blue"], None, None, "2 questions"),
        (plan(), [], "go", None, "verdict"),
        (plan(), ["1"], None, "allow", "verdict"),
        (plan(), [], "x" * 30_000, "deny", "text"),
    ],
)
def test_answer_that_does_not_fit_is_refused(event: Any, choose: list[str], text: Any, verdict: Any, words: str):
    with pytest.raises(InvalidInputError, match=words):
        make_answer(event, choose, text, verdict)


def test_asks_are_shown_and_answered(lot, mock: MockLot):
    mock.add_session()
    assert "Nothing is asked" in lot("session", "asks", "last").stdout
    mock.ask(SESSION, "toolu_1", kind="question_asked", questions=[COLOURS])
    shown = lot("session", "asks", "last").stdout
    assert "toolu_1  question, open" in shown
    assert "2. Blue" in shown
    assert "Which colour?: Blue" in lot("session", "answer", "last", "--choose", "Blue").stdout
    assert mock.answers[0].choices == {"Which colour?": ("Blue",)}
    assert lot.json("session", "asks", "last", "--all", "--json")[0]["state"] == "taken"
    assert "↳ Which colour?: Blue" in lot("session", "asks", "last", "--all").stdout


def test_verdict_with_words_reaches_the_agent(lot, mock: MockLot):
    mock.add_session()
    mock.ask(SESSION, "toolu_1", kind="permission_asked", name="Bash", input={"command": "rm -r x"})
    answered = lot.json("session", "answer", "last", "toolu", "--deny", "--text", "not that", "--json")
    assert (answered["id"], answered["state"]) == ("toolu_1", "taken")
    assert (mock.answers[0].verdict, mock.answers[0].text) == ("deny", "not that")


def test_plan_is_approved_for_a_mode(lot, mock: MockLot):
    mock.add_session()
    mock.ask(SESSION, "toolu_1", kind="plan_proposed", plan="# Do it")
    assert lot("session", "answer", "last", "--allow", "--mode", "edits").exit_code == 0
    assert (mock.answers[0].verdict, mock.answers[0].mode) == ("allow", "edits")


def test_answer_where_nothing_or_several_things_are_asked_is_refused(lot, mock: MockLot):
    mock.add_session()
    result = lot("session", "answer", "last", "--text", "x", "--json")
    assert (result.exit_code, json.loads(result.stderr)["code"]) == (1, "not_found")
    mock.ask(SESSION, "toolu_1", kind="question_asked", questions=[COLOURS])
    mock.ask(SESSION, "toolu_2", kind="question_asked", questions=[COLOURS])
    result = lot("session", "answer", "last", "--text", "x")
    assert (result.exit_code, "toolu_1, toolu_2" in result.stderr) == (2, True)
    assert lot("session", "answer", "last", "toolu_2", "--text", "x").exit_code == 0
    assert lot("session", "answer", "last", "--allow", "--deny").exit_code == 2
