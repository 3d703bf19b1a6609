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
        prompt = user(f"@@{scenario.name} {{{arguments}}}")
        for number in range(len(scenario.steps)):
            past = [message for _ in range(number) for message in (assistant(), result("fine"))]
            assert directed(prompt, *past).number == number


def test_script_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match="stepz"):
        read_scenarios("a: {about: b, stepz: []}")
