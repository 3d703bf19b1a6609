"""A user's answer in the agent program's own words."""

import anyio
import pytest
from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny, PermissionUpdate, ToolPermissionContext

from lot.core.asks import Answer
from lot.core.records import AgentMode
from lot.harness import claude_asks
from lot.harness.claude_asks import OpenAsks, result

QUESTIONS = {"questions": [{"question": "Which?", "options": []}, {"question": "How?", "options": []}]}
PLAN = {"plan": "# Plan"}


def allowed(
    tool: str, given: dict[str, object], answer: Answer, mode: AgentMode = AgentMode.ASK
) -> PermissionResultAllow:
    found = result(tool, given, [], answer, mode)
    assert isinstance(found, PermissionResultAllow)
    return found


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (Answer(choices={"Which?": ("a", "b"), "How?": ("so",)}), {"Which?": "a, b", "How?": "so"}),
        (Answer(text="as you like"), {"Which?": "as you like"}),
        (Answer(choices={"Which?": ("a",)}, text="slowly"), {"Which?": "a", "How?": "slowly"}),
        (Answer(choices={"Which?": ("a",), "How?": ("so",)}, text="please"), {"Which?": "a (please)", "How?": "so"}),
        (Answer(choices={"Nobody asked?": ("a",)}), {}),
        (Answer(), {}),
    ],
)
def test_choices_and_texts_answer_their_questions(answer: Answer, answers: dict[str, str]) -> None:
    assert allowed("AskUserQuestion", QUESTIONS, answer).updated_input == {**QUESTIONS, "answers": answers}


def test_question_that_is_too_long_for_an_event_is_answered_by_its_beginning() -> None:
    long = "Which? " * 1000
    given = {"questions": [{"question": long}]}
    found = allowed("AskUserQuestion", given, Answer(choices={long[:2000]: ("a",)}))
    assert found.updated_input == {**given, "answers": {long: "a"}}


@pytest.mark.parametrize("tool", ["AskUserQuestion", "ExitPlanMode", "Bash"])
def test_denial_says_why(tool: str) -> None:
    denied = result(tool, {}, [], Answer(verdict="deny", text="because"), AgentMode.FULL)
    assert isinstance(denied, PermissionResultDeny)
    assert denied.message == "because"
    assert result(tool, {}, [], Answer(verdict="deny"), AgentMode.FULL).message  # type: ignore[union-attr]


@pytest.mark.parametrize("tool", ["ExitPlanMode", "Bash"])
def test_nothing_is_allowed_that_was_not_allowed_in_so_many_words(tool: str) -> None:
    for answer in (Answer(), Answer(text="fine"), Answer(mode="full"), Answer(choices={"x": ("allow",)})):
        assert isinstance(result(tool, PLAN, [], answer, AgentMode.FULL), PermissionResultDeny)


@pytest.mark.parametrize(
    ("chosen", "before", "word"),
    [
        ("edits", AgentMode.FULL, "acceptEdits"),
        (None, AgentMode.ASK, "default"),
        ("bogus", AgentMode.FULL, "bypassPermissions"),
    ],
)
def test_plan_goes_on_in_the_mode_that_was_chosen_or_in_the_sessions(
    chosen: str | None, before: AgentMode, word: str
) -> None:
    found = allowed("ExitPlanMode", PLAN, Answer(verdict="allow", mode=chosen), before)
    assert found.updated_permissions is not None
    assert [(u.type, u.mode, u.destination) for u in found.updated_permissions] == [("setMode", word, "session")]
    assert found.updated_input is None


def test_plan_of_a_session_that_is_planning_leaves_the_mode_to_the_program() -> None:
    assert allowed("ExitPlanMode", PLAN, Answer(verdict="allow"), AgentMode.PLAN).updated_permissions == []


def test_word_with_an_approval_stands_below_the_plan() -> None:
    found = allowed("ExitPlanMode", PLAN, Answer(verdict="allow", text="mind the tests"))
    assert found.updated_input == {"plan": "# Plan\n\nThe user says to this: mind the tests"}


def test_what_is_always_allowed_is_so_for_the_session_only() -> None:
    suggestions = [PermissionUpdate(type="setMode", mode="acceptEdits", destination="localSettings")]
    found = result("Bash", {}, suggestions, Answer(verdict="allow_always"), AgentMode.ASK)
    assert isinstance(found, PermissionResultAllow)
    assert found.updated_permissions == [PermissionUpdate(type="setMode", mode="acceptEdits", destination="session")]
    once = result("Bash", {}, suggestions, Answer(verdict="allow"), AgentMode.ASK)
    assert once == PermissionResultAllow()


@pytest.mark.anyio
async def test_request_is_answered_once_and_forgotten_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude_asks, "REPEAT_S", 0.05)
    asks = OpenAsks(AgentMode.FULL)
    results = []
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    async def ask(ask_id: str) -> None:
        results.append(await asks.ask("Bash", {}, ToolPermissionContext(tool_use_id=ask_id)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "one")
        tasks.start_soon(ask, "two")
        assert await asks.answer("one", Answer(verdict="allow", text="but be quick"), tell)
        assert await asks.answer("one", Answer(verdict="deny", text="no"), tell), "the first answer counts"
        tasks.cancel_scope.cancel()
    assert results == [PermissionResultAllow()]
    assert not await asks.answer("two", Answer(verdict="allow"), tell)
    assert await asks.answer("one", Answer(verdict="allow", text="again"), tell)
    assert told == ["but be quick"]
