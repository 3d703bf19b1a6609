"""What Claude's program waits for: its open requests to the user, held until they are answered.

The program keeps a request open for as long as it takes; one that an earlier client left unanswered comes again
(`claude_transport.py`). Leaves out what requests look like as events (`claude_ask_events.py`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny, PermissionUpdate, ToolPermissionContext

from lot.core.asks import Answer
from lot.core.records import AgentMode
from lot.harness.claude_ask_events import PLAN_TOOL, QUESTION_TOOL, asked_question
from lot.harness.claude_fields import mappings, plain
from lot.harness.claude_modes import CLAUDE_MODES

REPEAT_S = 3.0
"""So long after an attachment open requests may take to come again."""

_NO_ANSWER = "The user does not want to answer this."
_NO_PLAN = "The user does not agree with this plan yet."
_NO_PERMISSION = "The user does not allow this."


@dataclass(slots=True)
class _Open:
    """A request that waits."""

    tool: str
    answered: anyio.Event = field(default_factory=anyio.Event)
    answer: Answer | None = None


class OpenAsks:
    """The requests of one program, for as long as one client is attached to it."""

    def __init__(self, mode: AgentMode) -> None:
        self.mode = mode
        """Of the session; plans that are approved without another one are carried out in it."""
        self._open: dict[str, _Open] = {}
        self._answered: set[str] = set()
        self._came = anyio.Event()

    async def ask(
        self, tool: str, given: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResultAllow | PermissionResultDeny:
        """Wait for the user's answer; cancelled when the program waits no longer."""
        ask_id = context.tool_use_id or ""
        ask = self._open[ask_id] = _Open(tool)
        self._came.set()
        self._came = anyio.Event()
        try:
            await ask.answered.wait()
        finally:
            if self._open.get(ask_id) is ask:
                del self._open[ask_id]
        return result(tool, given, context.suggestions, ask.answer or Answer(), self.mode)

    async def answer(self, ask_id: str, answer: Answer, tell: Callable[[str], Awaitable[None]]) -> bool:
        """Answer a request, once.

        Args:
            ask_id: The tool call's id.
            answer: What the user says.
            tell: Sends the agent a message: what the user adds to a permission has no other way.

        Returns:
            False when nothing of that id is open, nor was answered here before.
        """
        with anyio.move_on_after(REPEAT_S):
            while ask_id not in self._open and ask_id not in self._answered:
                await self._came.wait()
        ask = self._open.get(ask_id)
        if ask is not None:
            if ask_id not in self._answered and _has_more_to_say(ask.tool, answer):
                await tell(answer.text or "")
            self._answered.add(ask_id)
            if ask.answer is None:
                ask.answer = answer
                ask.answered.set()
        return ask_id in self._answered


def result(
    tool: str, given: Mapping[str, Any], suggestions: list[PermissionUpdate], answer: Answer, mode: AgentMode
) -> PermissionResultAllow | PermissionResultDeny:
    """Return an answer in the program's words.

    Args:
        tool: Which tool's call waits.
        given: The call's input.
        suggestions: What the program would like to be allowed from now on.
        mode: The session's own, for a plan.
    """
    if tool == QUESTION_TOOL:
        if answer.verdict == "deny":
            return PermissionResultDeny(message=answer.text or _NO_ANSWER)
        return PermissionResultAllow(updated_input={**given, "answers": _answers(given, answer)})
    if tool == PLAN_TOOL:
        return _plan_result(given, answer, mode)
    if answer.verdict not in ("allow", "allow_always"):
        return PermissionResultDeny(message=answer.text or _NO_PERMISSION)
    if answer.verdict == "allow":
        return PermissionResultAllow()
    # Kept for the session alone: other places would be files in the user's repository.
    return PermissionResultAllow(updated_permissions=[replace(update, destination="session") for update in suggestions])


def _has_more_to_say(tool: str, answer: Answer) -> bool:
    is_permission = tool not in (QUESTION_TOOL, PLAN_TOOL)
    return is_permission and bool(answer.text) and answer.verdict in ("allow", "allow_always")


def _answers(given: Mapping[str, Any], answer: Answer) -> dict[str, str]:
    """Return what was chosen for each question; a text alone answers the first that is left."""
    answers: dict[str, str] = {}
    left = ""
    for question in mappings(given.get("questions")):
        asked = plain(question.get("question"))
        chosen = answer.choices.get(asked) or answer.choices.get(asked_question(asked))
        if chosen:
            answers[asked] = ", ".join(chosen)
        else:
            left = left or asked
    if answer.text:
        said = left or next(iter(answers), "")
        answers[said] = f"{answers[said]} ({answer.text})" if said in answers else answer.text
    return answers


def _plan_result(
    given: Mapping[str, Any], answer: Answer, mode: AgentMode
) -> PermissionResultAllow | PermissionResultDeny:
    if answer.verdict not in ("allow", "allow_always"):
        return PermissionResultDeny(message=answer.text or _NO_PLAN)
    chosen = AgentMode(answer.mode) if answer.mode in set(AgentMode) else mode
    updates = [PermissionUpdate(type="setMode", mode=CLAUDE_MODES[chosen], destination="session")]
    if chosen is AgentMode.PLAN:
        updates = []  # nobody knows the mode before: the program goes back to its own
    if not answer.text:
        return PermissionResultAllow(updated_permissions=updates)
    plan = f"{plain(given.get('plan'))}\n\nThe user says to this: {answer.text}".strip()
    return PermissionResultAllow(updated_input={**given, "plan": plan}, updated_permissions=updates)
