"""Which step answers a request, from the request alone."""

from typing import Any

import pytest

from lot.rehearsal.direction import Direction, MisdirectedError, direct
from lot.rehearsal.script import load_scenarios, read_scenarios

SCENARIOS = load_scenarios()
CWD = "Environment\n - Primary working directory: /workspace\n - Platform: linux"


def request(*messages: dict[str, Any], system: Any = CWD) -> dict[str, Any]:
    return {"model": "rehearsal", "system": [{"type": "text", "text": system}], "messages": list(messages)}


def user(*texts: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def assistant(text: str = "x") -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def result(text: str, is_error: bool = False, *more: dict[str, Any]) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": "t", "content": text, "is_error": is_error}
    return {"role": "user", "content": [block, *more]}


PLAN_MODE = "<system-reminder>Write your plan to /home/agent/.claude/plans/calm-sea.md first.</system-reminder>"
EDIT = user('@@edit {"file": "a.txt", "old": "1", "new": "2"}')


def directed(*messages: dict[str, Any]) -> Direction:
    return direct(request(*messages), SCENARIOS)


def test_step_is_counted_from_the_newest_prompt() -> None:
    assert directed(EDIT).step.tools[0].input == {"file_path": "/workspace/a.txt"}
    second = directed(EDIT, assistant(), result("1"))
    assert second.number == 1
    assert second.step.tools[0].input == {"file_path": "/workspace/a.txt", "old_string": "1", "new_string": "2"}
    assert directed(EDIT, assistant(), result("1"), assistant(), assistant(), result("ok")).number == 2
    assert directed(EDIT, assistant(), EDIT).number == 0


def test_additions_of_the_agent_are_no_prompts() -> None:
    reminder = {"type": "text", "text": "<system-reminder>@@slow</system-reminder>"}
    system = {"role": "system", "content": "@@slow"}
    assert directed(EDIT, assistant(), result("1", False, reminder), system).number == 1
    stopped = {"type": "text", "text": "[Request interrupted by user for tool use]"}
    after = directed(EDIT, assistant(), result("no", True, stopped, *user('@@say {"text": "on"}')["content"]))
    assert after.step.text == "on"


def test_prompt_without_a_scenario_is_answered_kindly_and_as_scripted() -> None:
    for messages in ([user("please fix it")], [user("@@slow"), assistant(), user("thanks")], []):
        said = directed(*messages)
        assert said.scenario is None
        assert "not a model" in str(said.step.text)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("@@nonsense", "no scenario is named"),
        ("@@edit", "missing"),
        ('@@say {"text": "a", "other": 1}', "unknown: \\['other'\\]"),
        ('@@say {"text": ', "not JSON"),
        ('@@slow {"seconds": "soon"}', "seconds"),
    ],
)
def test_wrong_directive_is_refused_plainly(prompt: str, words: str) -> None:
    with pytest.raises(MisdirectedError, match=words):
        directed(user(prompt))


def test_unexpected_tool_result_is_refused_with_what_the_tool_said() -> None:
    with pytest.raises(MisdirectedError, match="no such file"):
        directed(EDIT, assistant(), result("no such file", True))
    with pytest.raises(MisdirectedError, match="expects a tool result"):
        directed(EDIT, assistant())


def test_values_keep_their_type_and_say_what_the_request_says() -> None:
    step = directed(user('@@fault {"status": 529, "times": 2}')).step
    assert (step.fault.status, step.fault.times, step.fault.drop_after) == (529, 2, None)
    assert "1 file changed" in str(
        directed(user('@@bash {"command": "x"}'), assistant(), result("1 file changed")).step.text
    )
    assert "first | @@recall" in str(directed(user("first"), assistant(), user("@@recall")).step.text)


def test_every_scenario_that_ships_can_be_played() -> None:
    assert {"say", "slow", "edit", "write", "bash", "long_tool", "fault", "demo_change"} <= set(SCENARIOS)
    for scenario in SCENARIOS.values():
        arguments = ", ".join(f'"{name}": "x"' for name in scenario.required)
        prompt = user(f"@@{scenario.name} {{{arguments}}}", PLAN_MODE)
        for number in range(len(scenario.steps)):
            past = [message for _ in range(number) for message in (assistant(), result("fine"))]
            assert directed(prompt, *past).number == number


def played(name: str, *results: dict[str, Any], arguments: str = "") -> Direction:
    """Return the step that comes after these results."""
    past = [message for each in results for message in (assistant(), each)]
    return directed(user(f"@@{name} {arguments}", PLAN_MODE), *past)


def test_question_is_asked_as_given_and_its_answer_told() -> None:
    step = played("ask").step
    assert step.tools[0].name == "AskUserQuestion"
    assert step.tools[0].input["questions"][0]["options"][1]["label"] == "Blue"
    own = '{"questions": [{"question": "Why?", "header": "Why", "multiSelect": false, "options": []}]}'
    assert played("ask", arguments=own).step.tools[0].input["questions"][0]["question"] == "Why?"
    assert "Blue" in str(played("ask", result("You chose Blue")).step.text)


def test_plan_goes_to_the_file_that_the_agent_names_and_is_carried_out_only_when_approved() -> None:
    plan = played("plan").step.tools[0]
    assert plan.input["file_path"] == "/home/agent/.claude/plans/calm-sea.md"
    assert played("plan", result("ok")).step.tools[0].name == "ExitPlanMode"
    assert played("plan", result("ok"), result("approved")).step.tools[0].name == "Write"
    denied = played("plan", result("ok"), result("use another file", True)).step
    assert (denied.tools, "use another file" in str(denied.text)) == ((), True)


def test_plan_outside_plan_mode_is_refused_plainly() -> None:
    with pytest.raises(MisdirectedError, match="plan mode"):
        directed(user("@@plan"))


def test_denied_permission_is_coped_with_and_results_of_earlier_steps_are_known() -> None:
    denied = played("permission", result("no writing", True)).step
    assert (denied.tools[0].name, "no writing" in str(denied.text)) == ("Bash", True)
    both = played("permission", result("written"), result("touched")).step
    assert "File: written Command: touched" in str(both.text)


def test_notification_of_a_background_task_goes_on_with_the_scenario() -> None:
    note = user("<task-notification>@@say it ended</task-notification>")
    later = directed(user("@@background"), assistant(), result("started as b1"), assistant(), note)
    assert (later.number, later.step.text) == (2, "The command in the background has ended.")


def test_images_of_the_newest_prompt_are_counted() -> None:
    picture = {"type": "image", "source": {}}
    before = {"role": "user", "content": [picture, picture, *user("look")["content"]]}
    now = {"role": "user", "content": [picture, {"type": "document", "source": {}}, *user("@@image")["content"]]}
    assert directed(before, assistant(), now).step.text == "The message holds 1 images and 1 documents."


def test_message_put_into_a_running_turn_is_remembered() -> None:
    environment, steered = {"role": "system", "content": "tools"}, {"role": "system", "content": "be quick"}
    told = directed(environment, user("begin"), assistant(), result("x"), steered, assistant(), user("@@remember"))
    assert told.step.text == "I remember: begin | be quick | @@remember"


def test_script_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="stepz"):
        read_scenarios("a: {about: b, stepz: []}")
