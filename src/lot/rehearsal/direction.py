"""Which step of which scenario answers a request: a pure function of the request alone.

Nothing is remembered between requests, so that resume, retry, fork and a crash work as with a real model.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from lot.rehearsal.script import Scenario, Step

DEFAULT_TEXT = (
    "This is the rehearsal provider: a script, not a model. It cannot act on a free text. "
    'Begin a message with a scenario, such as `@@say {"text": "hello"}`. It knows: '
)
_DIRECTIVE = re.compile(r"@@([a-z][a-z0-9_]*)\s*")
_PLACE = re.compile(r"\$\{([a-z_]+[a-zA-Z0-9_]*)\}")
_CWD = re.compile(r"[Ww]orking directory: (/[^\n<]*)")
_PLAN_FILE = re.compile(r"/[^\s\"'`\\]*/plans/[a-z0-9-]+\.md")
_NOT_A_PROMPT = (
    "<system-reminder>",
    "[Image: source",
    "[Request interrupted",
    "<local-command",
    "<command-name>",
    "<task-notification>",
)
_MAX_QUOTED_CHARS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """What to answer: a step with its place in the script, for the request log."""

    scenario: str | None
    """None: the prompt names no scenario."""
    number: int
    """Of the step, from 0."""
    step: Step


class MisdirectedError(ValueError):
    """A prompt names a scenario wrongly, or a tool result was not what the script expects."""


def direct(request: Mapping[str, Any], scenarios: Mapping[str, Scenario]) -> Direction:
    """Return what answers a Messages API request.

    Raises:
        MisdirectedError: the scenario is unknown, lacks an argument, or its expectation does not hold.
    """
    messages = [m for m in _sequence(request.get("messages")) if isinstance(m, Mapping)]
    prompts = _prompts(messages)
    place, prompt = prompts[-1] if prompts else (0, "")
    directive = _DIRECTIVE.search(prompt)
    if directive is None:
        text = DEFAULT_TEXT + ", ".join(f"`@@{name}`" for name in sorted(scenarios)) + "."
        return Direction(scenario=None, number=0, step=Step(text=text))
    scenario = scenarios.get(directive[1])
    if scenario is None:
        raise MisdirectedError(f"no scenario is named {directive[1]!r}; there are: {', '.join(sorted(scenarios))}")
    rest = messages[place:]
    by_step = _results(rest)
    results = by_step[max(by_step)] if by_step else []
    values = {
        **_said(request, messages, prompts),
        **{f"result_{step}": _quoted(said) for step, said in by_step.items()},
        "last_result": _quoted(results),
        **_arguments(scenario, prompt[directive.end() :]),
    }
    number = min(_answers(rest), len(scenario.steps) - 1)
    step = _step(scenario, number, values, has_error=any(is_error for is_error, _ in results))
    _check(scenario, number, step, results)
    return Direction(scenario=scenario.name, number=number, step=step)


def attached(request: Mapping[str, Any], kind: str) -> int:
    """Return how many blocks of a kind, `image` or `document`, came with the newest prompt."""
    messages = [m for m in _sequence(request.get("messages")) if isinstance(m, Mapping)]
    prompts = _prompts(messages)
    newest = _blocks(messages[prompts[-1][0]]) if prompts else []
    return sum(block.get("type") == kind for block in newest)


def _step(scenario: Scenario, number: int, values: Mapping[str, Any], *, has_error: bool) -> Step:
    written = dict(scenario.steps[number])
    on_error = written.pop("on_error", None)
    filled = _filled(on_error if has_error and on_error is not None else written, values)
    if "${planFile}" in str(filled):
        raise MisdirectedError(f"@@{scenario.name} needs plan mode: the agent names no plan file")
    try:
        return Step.model_validate(filled)
    except ValidationError as error:
        raise MisdirectedError(f"scenario {scenario.name!r}, step {number}: {error}") from error


def _said(
    request: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], prompts: Sequence[tuple[int, str]]
) -> dict[str, Any]:
    """Return what the request says of itself, for the places in a script."""
    values: dict[str, Any] = {
        "cwd": _cwd(request),
        "prompts": " | ".join(text[:200] for _, text in prompts),
        "everything": " | ".join(text[:1_000] for text in _everything(messages)),
        "images": attached(request, "image"),
        "documents": attached(request, "document"),
    }
    plan_files = _PLAN_FILE.findall(json.dumps([request.get("system"), messages]))
    return {**values, "planFile": plan_files[-1]} if plan_files else values


def _everything(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return all that the user wrote: prompts, and what the agent program put into a running turn as `system`."""
    said: list[str] = []
    has_answer = False
    for message in messages:
        role = message.get("role")
        has_answer = has_answer or role == "assistant"
        if role == "user" or (role == "system" and has_answer):
            said += [text for _, text in _prompts([{**message, "role": "user"}])]
    return said


def _quoted(results: Sequence[tuple[bool, str]]) -> str:
    return "\n".join(text for _, text in results)[:_MAX_QUOTED_CHARS]


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _blocks(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in _sequence(content) if isinstance(block, Mapping)]


def _prompts(messages: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """Return what the user wrote, with the number of the message it stands in; the agent's own additions left out."""
    return [
        (number, text)
        for number, message in enumerate(messages)
        if message.get("role") == "user"
        for block in _blocks(message)
        if block.get("type") == "text"
        and (text := str(block.get("text", "")).strip())
        and not text.startswith(_NOT_A_PROMPT)
    ]


def _answers(messages: Sequence[Mapping[str, Any]]) -> int:
    """Count the answers given so far; adjacent assistant messages are one."""
    roles = [message.get("role") for message in messages if message.get("role") in ("user", "assistant")]
    return sum(1 for before, role in zip([None, *roles], roles, strict=False) if role == "assistant" != before)


def _results(messages: Sequence[Mapping[str, Any]]) -> dict[int, list[tuple[bool, str]]]:
    """Return (is_error, text) of each tool result, by the number of the step that called the tools."""
    found: dict[int, list[tuple[bool, str]]] = {}
    for place, message in enumerate(messages):
        for block in _blocks(message):
            if block.get("type") == "tool_result":
                step = max(0, _answers(messages[:place]) - 1)
                found.setdefault(step, []).append((bool(block.get("is_error")), _result_text(block)))
    return found


def _result_text(result: Mapping[str, Any]) -> str:
    return "\n".join(str(block.get("text", "")) for block in _blocks(result) if block.get("type") == "text")


def _cwd(request: Mapping[str, Any]) -> str:
    found = _CWD.search(json.dumps(request.get("system", "")).replace("\\n", "\n"))
    found = found or _CWD.search(json.dumps(request.get("messages", "")).replace("\\n", "\n"))
    return found[1].strip() if found else "."


def _arguments(scenario: Scenario, text: str) -> dict[str, Any]:
    given: Any = {}
    if text.startswith("{"):
        try:
            given, _ = json.JSONDecoder().raw_decode(text)
        except json.JSONDecodeError as error:
            raise MisdirectedError(f"the arguments of @@{scenario.name} are not JSON: {error}") from error
    known = {*scenario.required, *scenario.defaults}
    missing, unknown = [n for n in scenario.required if n not in given], sorted(set(given) - known)
    if missing or unknown:
        raise MisdirectedError(f"@@{scenario.name} takes {sorted(known)}; missing: {missing}, unknown: {unknown}")
    return {**scenario.defaults, **given}


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    """Put values in their places; a string that is one place alone becomes the value with its type."""
    if isinstance(part, str):
        whole = _PLACE.fullmatch(part)
        if whole and whole[1] in values:
            return values[whole[1]]
        return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), part)
    if isinstance(part, Mapping):
        return {key: _filled(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, values) for value in part]
    return part


def _check(scenario: Scenario, number: int, step: Step, results: Sequence[tuple[bool, str]]) -> None:
    if step.expect is None:
        return
    where = f"scenario {scenario.name!r}, step {number}"
    if not results:
        raise MisdirectedError(f"{where} expects a tool result; the request holds none")
    for is_error, text in results:
        if is_error is not step.expect.is_error:
            raise MisdirectedError(f"{where} expects is_error={step.expect.is_error}; the tool said: {text[:500]}")
        if step.expect.contains is not None and step.expect.contains not in text:
            raise MisdirectedError(f"{where} expects {step.expect.contains!r}; the tool said: {text[:500]}")
