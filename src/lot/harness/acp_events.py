"""What the lines of an ACP agent mean, as events of ours.

Lines go in one after the other; what they mean is taken out between two lines, unless it is open: a text that is
still being written, or a tool call whose input is not known yet. So a record never ends within one, and reading may
begin at the end of any. What is remembered beyond that (tool calls under way, settings) makes events complete; who
begins to read later reads it again from what the journal still holds. Leaves out how lines are read
(`acp_output.py`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from acp import schema

from lot.core.events import (
    MAX_TEXT_CHARS,
    AgentText,
    AgentThought,
    AskClosed,
    LivePart,
    Notice,
    PlanChanged,
    PlanEntry,
    SessionEvent,
    SettingsChanged,
    TurnEnded,
    TurnFailed,
)
from lot.core.ids import MessageId
from lot.core.session import AgentState
from lot.harness import acp_wire as wire
from lot.harness.acp_settings import Setting, mode_of, offered
from lot.harness.acp_shapes import shaped
from lot.harness.acp_tools import ToolState, Update

CANNOT_CONTINUE = (
    "This agent program cannot continue its conversation: it begins a new one, and knows nothing of what was said "
    "before. Tell it what it has to know."
)
_MESSAGE_ID = re.compile(r"[0-9a-fA-F-]{36}")
_MAX_TOOLS = 100
"""Tool calls that are remembered while they are under way."""
_MAX_PLAN = 200
_MAX_PLAN_CHARS = 2_000
_STOPS: Mapping[str, str] = {
    "max_tokens": "The model's answer reached its longest length.",
    "max_turn_requests": "The agent reached its limit of steps.",
    "refusal": "The model refused to go on.",
}


@dataclass(slots=True)
class _Writing:
    """A text that is still being written."""

    kind: Literal["text", "thought"]
    key: str
    message: str | None
    text: str = ""


@dataclass(slots=True, kw_only=True)
class Translation:
    """Takes lines in; holds what they mean until it is taken out."""

    run: int
    is_starting: bool
    """The conversation is not begun or loaded yet: what is told until then was said before."""
    events: list[SessionEvent] = field(default_factory=list)
    delivered: list[MessageId] = field(default_factory=list)
    parts: list[LivePart] = field(default_factory=list)
    agent: AgentState | None = None
    _writing: _Writing | None = None
    _tools: dict[str, ToolState] = field(default_factory=dict)
    _untold: dict[str, None] = field(default_factory=dict)
    """Tool calls whose input is yet to come."""
    _asks: set[str] = field(default_factory=set)
    _ended: str | None = None
    """The message whose turn ended last."""
    _settings: dict[Setting, str] = field(default_factory=dict)
    _is_setting: bool = False
    """The client sets something: what the agent says of its settings is no news."""

    @property
    def has_untold_tools(self) -> bool:
        """Whether tool calls are held back because their input is yet to come."""
        return bool(self._untold)

    @property
    def is_open(self) -> bool:
        """Whether more must come before what was taken in may be stored."""
        return self.is_starting or self._writing is not None or bool(self._untold)

    def take_in(self, line: wire.Message | None, offset: int, at: datetime) -> None:
        """Take in the line that begins at byte `offset`; `at` becomes the instant of its events. Never raises."""
        match line:
            case wire.Response():
                self._hear_response(line, at)
            case wire.Request(method="session/request_permission") if not self.is_starting:
                self._hear_ask(line.params, at)
            case wire.Notification(method="session/update") if not self.is_starting:
                self._hear_update(line.params, offset, at)

    def notice(self, text: str, at: datetime) -> None:
        """Add something that the user should know."""
        self.events.append(Notice(at=at, text=text))

    def finish(self, at: datetime) -> None:
        """Close what is open: nothing more comes."""
        self.is_starting = False
        self._settle(at)

    def take_out(self) -> tuple[tuple[SessionEvent, ...], tuple[MessageId, ...], AgentState | None]:
        """Return what the lines so far mean: events, messages that were taken, the agent's state; and begin anew."""
        taken = tuple(self.events), tuple(dict.fromkeys(self.delivered)), self.agent
        self.events, self.delivered, self.agent = [], [], None
        return taken

    def forget(self) -> None:
        """Drop what was taken in, and keep what is remembered beyond it: it is stored already."""
        self.take_out()
        self.parts = []
        self._writing = None
        self._untold.clear()
        for tool in self._tools.values():
            tool.is_told = True

    def _hear_response(self, response: wire.Response, at: datetime) -> None:
        match response.kind:
            case "session/new" | "session/load" | "session/resume":
                self._begin(response, at)
            case wire.PROMPT:
                self._end_turn(response, at)
            case wire.TOOK:
                self.delivered += _message_ids(response.about)
                if response.about != self._ended:  # a short turn may end before its mark is read
                    self._close_text(at)  # or what is told here would wait for the text's end
                    self.agent = AgentState.WAITING if self._asks else AgentState.RUNNING
            case wire.ANSWERED | wire.WITHDRAWN:
                self._close_ask(response, at)
            case wire.SETTING:
                self._is_setting = True
            case wire.SET:
                self._is_setting = False
                self._settings |= _settings(response.result)

    def _begin(self, response: wire.Response, at: datetime) -> None:
        self._settings |= _settings(response.result)
        if response.id == wire.ANEW:
            self.notice(CANNOT_CONTINUE, at)
        if response.error is None:
            self.is_starting = False

    def _end_turn(self, response: wire.Response, at: datetime) -> None:
        self._settle(at)
        self._ended = response.about
        self.delivered += _message_ids(response.about)
        self._tools.clear()
        if response.error is not None:
            self.events.append(TurnFailed(at=at, reason=f"The agent says: {response.error}"))
            self.agent = AgentState.ERRORED
            return
        answer = shaped(schema.PromptResponse, response.result)
        reason = answer.stop_reason if answer else None
        if reason is not None and reason in _STOPS:
            self.notice(_STOPS[reason], at)
        usage = answer.usage if answer else None
        ended = TurnEnded(
            at=at,
            outcome="interrupted" if reason == "cancelled" else "completed",
            terminal_reason=reason,
            input_tokens=_count(usage.input_tokens) if usage else None,
            output_tokens=_count(usage.output_tokens) if usage else None,
        )
        self.events.append(ended)
        self.agent = AgentState.IDLE

    def _close_ask(self, response: wire.Response, at: datetime) -> None:
        is_taken = response.kind == wire.ANSWERED
        self._asks.discard(response.about)
        self.events.append(AskClosed(at=at, ask_id=response.about, outcome="taken" if is_taken else "withdrawn"))
        if is_taken and not self._asks:
            self.agent = AgentState.RUNNING

    def _hear_ask(self, params: Mapping[str, Any], at: datetime) -> None:
        request = shaped(schema.RequestPermissionRequest, params)
        if request is None or not 0 < len(request.tool_call.tool_call_id) <= wire.MAX_ABOUT_CHARS:
            return
        tool = self._tool(request.tool_call)
        self._settle(at)
        if not tool.is_told:
            self.events.append(tool.called(at))
        self.events.append(tool.asked(request, at))
        self._asks.add(tool.tool_call_id)
        self.agent = AgentState.WAITING

    def _hear_update(self, params: Mapping[str, Any], offset: int, at: datetime) -> None:
        told = shaped(schema.SessionNotification, params)
        match told.update if told else None:
            case schema.AgentMessageChunk() as chunk:
                self._write("text", chunk, offset, at)
            case schema.AgentThoughtChunk() as chunk:
                self._write("thought", chunk, offset, at)
            case schema.ToolCallStart() | schema.ToolCallProgress() as update:
                self._hear_tool(update, at)
            case schema.AgentPlanUpdate() as plan:
                self._settle(at)
                entries = [
                    PlanEntry(content=entry.content[:_MAX_PLAN_CHARS], status=entry.status)
                    for entry in plan.entries[:_MAX_PLAN]
                ]
                self.events.append(PlanChanged(at=at, entries=tuple(entries)))
            case schema.CurrentModeUpdate() as mode:
                self._hear_settings({"mode": mode.current_mode_id}, at)
            case schema.ConfigOptionUpdate():
                options = params.get("update")
                self._hear_settings(_settings(options if isinstance(options, dict) else {}), at)

    def _write(
        self, kind: Literal["text", "thought"], chunk: schema.AgentMessageChunk | schema.AgentThoughtChunk, offset: int,
        at: datetime,
    ) -> None:  # fmt: skip
        text = chunk.content.text if isinstance(chunk.content, schema.TextContentBlock) else ""
        if not text:
            return
        writing = self._writing
        if (
            writing is None
            or writing.kind != kind
            or writing.message != chunk.message_id
            or len(writing.text) + len(text) > MAX_TEXT_CHARS
        ):
            self._settle(at)
            writing = self._writing = _Writing(kind, f"{self.run}-{offset}", chunk.message_id)
        text = text[:MAX_TEXT_CHARS]
        self.parts.append(LivePart(kind=kind, key=writing.key, offset=len(writing.text), text=text))
        writing.text += text

    def _hear_tool(self, update: Update, at: datetime) -> None:
        self._close_text(at)
        tool, status = self._tool(update), update.status
        if not tool.is_told:
            if status == "pending" and isinstance(update, schema.ToolCall):
                self._untold[tool.tool_call_id] = None
                return
            self._untold.pop(tool.tool_call_id, None)
            self.events.append(tool.called(at))
        if status in ("completed", "failed"):
            self._settle(at)
            self.events.append(tool.finished(at, is_error=status == "failed"))
            self._tools.pop(tool.tool_call_id, None)
        elif (part := tool.output_part()) is not None:
            self.parts.append(part)

    def _tool(self, update: Update) -> ToolState:
        key = update.tool_call_id[: wire.MAX_ABOUT_CHARS]
        tool = self._tools.get(key)
        if tool is None:
            # An update of a call that is not remembered is not the first of it: it was told in an earlier record.
            tool = ToolState(key, is_told=isinstance(update, schema.ToolCallProgress))
            self._tools[key] = tool
            if len(self._tools) > _MAX_TOOLS:
                oldest = next(iter(self._tools))
                self._untold.pop(oldest, None)
                del self._tools[oldest]
        tool.take(update)
        return tool

    def _hear_settings(self, settings: Mapping[Setting, str], at: datetime) -> None:
        before = dict(self._settings)
        self._settings |= settings
        changed = {name: value for name, value in settings.items() if name in before and before[name] != value}
        if self._is_setting or not changed:
            return
        mode = mode_of(changed["mode"]) if "mode" in changed else None
        if mode is None and changed.keys() == {"mode"}:
            return
        event = SettingsChanged(
            at=at,
            model=changed.get("model"),
            effort=changed.get("effort"),
            mode=mode,
            by="agent",
        )
        self.events.append(event)

    def _close_text(self, at: datetime) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            kind = AgentText if writing.kind == "text" else AgentThought
            self.events.append(kind(at=at, text=writing.text, part_key=writing.key))

    def _settle(self, at: datetime) -> None:
        """Close a text that was being written, and tell of tool calls with what is known of them."""
        self._close_text(at)
        self.tell_tools(at)

    def tell_tools(self, at: datetime) -> None:
        """Tell of every tool call with what is known of it now."""
        for key in self._untold:
            self.events.append(self._tools[key].called(at))
        self._untold.clear()


def _settings(answer: Mapping[str, Any]) -> dict[Setting, str]:
    return {name: offer.current for name, offer in offered(answer).items()}


def _message_ids(about: str) -> list[MessageId]:
    return [MessageId(about)] if _MESSAGE_ID.fullmatch(about) else []


def _count(value: int) -> int | None:
    return value if value < 1 << 53 else None
