"""What Claude asks of its user, as events: pure, one line at a time.

A request is a `control_request` line, and the program echoes our answer as a `control_response`. Neither that nor a
cancellation names the tool call, so an ask is closed by the line that does: the call's result. Only the permission
for a call, whose result may be hours away, is closed by the echo: `claude_transport.py` puts the call's id into it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from lot.core.asks import Choice, Question
from lot.core.events import AskClosed, PermissionAsked, PlanProposed, QuestionAsked, SessionEvent
from lot.harness.claude_fields import bounded, mapping, mappings, name, plain, text
from lot.harness.claude_tool_events import tool_title

QUESTION_TOOL = "AskUserQuestion"
PLAN_TOOL = "ExitPlanMode"
_MAX_QUESTIONS = 20
_MAX_CHOICES = 50
_MAX_LABEL_CHARS = 2_000


def asked(line: Mapping[str, Any], at: datetime) -> SessionEvent | None:
    """Return what a control request asks of the user; None when it asks the program's host."""
    request = mapping(line.get("request"))
    ask_id, tool = name(request.get("tool_use_id")), name(request.get("tool_name"))
    if request.get("subtype") != "can_use_tool" or ask_id is None or tool is None:
        return None
    given = mapping(request.get("input"))
    if tool == QUESTION_TOOL:
        return QuestionAsked(at=at, ask_id=ask_id, questions=tuple(_questions(given)))
    if tool == PLAN_TOOL:
        return PlanProposed(at=at, ask_id=ask_id, plan=text(given.get("plan")))
    return PermissionAsked(
        at=at,
        ask_id=ask_id,
        name=tool,
        input=bounded(given),
        title=tool_title(tool, given),
        can_allow_always=bool(mappings(request.get("permission_suggestions"))),
    )


def taken_at_once(line: Mapping[str, Any], at: datetime) -> AskClosed | None:
    """Return that the program took our permission for a call that now begins."""
    response = mapping(mapping(line.get("response")).get("response"))
    ask_id = name(response.get("toolUseID"))
    return None if ask_id is None else AskClosed(at=at, ask_id=ask_id, outcome="taken")


def closed(line: Mapping[str, Any], at: datetime) -> Iterator[AskClosed]:
    """Yield what was asked for those calls whose results a line holds; closing what is not open says nothing."""
    for meta in mappings(line.get("tool_result_meta")):
        ask_id, decision = name(meta.get("id")), mapping(meta.get("permission_decision"))
        if ask_id is None:
            continue
        if plain(decision.get("source")).startswith("user"):
            yield AskClosed(at=at, ask_id=ask_id, outcome="taken")
        elif meta.get("non_execution_kind") is not None:
            yield AskClosed(at=at, ask_id=ask_id, outcome="withdrawn")


def asked_question(question: str) -> str:
    """Return a question as its event and its answer name it."""
    return question[:_MAX_LABEL_CHARS]


def _questions(given: Mapping[str, Any]) -> Iterator[Question]:
    for question in mappings(given.get("questions"))[:_MAX_QUESTIONS]:
        yield Question(
            question=asked_question(plain(question.get("question"))),
            header=name(question.get("header")),
            is_multiple=question.get("multiSelect") is True,
            choices=tuple(_choices(question)),
        )


def _choices(question: Mapping[str, Any]) -> Iterator[Choice]:
    for option in mappings(question.get("options"))[:_MAX_CHOICES]:
        if label := plain(option.get("label"))[:_MAX_LABEL_CHARS]:
            yield Choice(label=label, description=plain(option.get("description"))[:_MAX_LABEL_CHARS] or None)
