"""What one line of Claude's output means, as events of ours: pure, and without memory from line to line.

The line comes from inside a sandbox, so nothing about it is taken for granted: what is not of the expected shape
becomes nothing. Leaves out how lines are read and put together (`claude_output.py`).
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lot.core.events import (
    MAX_TEXT_CHARS,
    AgentText,
    AgentThought,
    ModelRetried,
    SessionEvent,
    ToolCalled,
    ToolFinished,
    TurnEnded,
    TurnFailed,
)
from lot.core.ids import MessageId
from lot.core.session import AgentState

_MAX_NAME_CHARS = 200
_MAX_DEPTH = 50
_MESSAGE_ID = re.compile(r"[0-9a-fA-F-]{36}")
_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""NUL, which PostgreSQL refuses, and surrogates, which alone are no text."""

_STATES: Mapping[str, AgentState] = {
    "running": AgentState.RUNNING,
    "requires_action": AgentState.WAITING,
    "idle": AgentState.IDLE,
}
_CAUSES: Mapping[int, str] = {
    401: "The model provider refused the key: set a valid one and send the message again.",
    403: "The model provider refused the request.",
    404: "The model provider does not have this model: choose another one.",
    413: "The request was too large for the model provider.",
    429: "The model provider's rate limit is used up: try again later.",
    502: "The model provider cannot be reached: try again later.",
    529: "The model provider is overloaded: try again later.",
}
_STOPS: Mapping[str, str] = {
    "max_turns": "The agent reached its limit of steps.",
    "budget_exhausted": "The agent reached its budget.",
    "image_error": "The model provider could not take a part of the conversation.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What one line, or several in their order, mean."""

    events: tuple[SessionEvent, ...] = ()
    delivered: tuple[MessageId, ...] = ()
    """Messages that are in the program's own transcript on disk, so that it knows them whatever happens to it."""
    echoed: tuple[MessageId, ...] = ()
    """Messages that it has taken, and will have written to its transcript a moment later."""
    agent: AgentState | None = None
    is_open: bool = False
    """A turn has ended, and the line that says what the program does now is yet to come."""


NOTHING = Meaning()


def parse(raw: bytes) -> Mapping[str, Any] | None:
    """Return a line as a JSON object, or None when it is not one. Never raises."""
    try:
        line = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict):
        return None
    return _storable(line, 0) if _UNSTORABLE.search(raw) else line


def translate(line: Mapping[str, Any], at: datetime) -> Meaning:
    """Return what a line means; `at` becomes the instant of its events. Never raises."""
    match line.get("type"):
        case "assistant":
            return Meaning(events=tuple(_said(line, at)))
        case "user":
            return _user(line, at)
        case "result":
            return _result(line, at)
        case "command_lifecycle" if line.get("state") in ("completed", "cancelled"):
            return Meaning(delivered=_message_ids([line.get("command_uuid")]), is_open=True)
        case "command_lifecycle" | "control_request" | "control_response":
            return Meaning(is_open=True)
        case "system":
            return _system(line, at)
    return NOTHING


def together(meanings: Iterable[Meaning]) -> Meaning:
    """Return the meaning of several lines in their order. A failed turn stays failed until another one runs."""
    events: list[SessionEvent] = []
    delivered: dict[MessageId, None] = {}
    echoed: dict[MessageId, None] = {}
    agent: AgentState | None = None
    is_open = False
    for meaning in meanings:
        events += meaning.events
        delivered.update(dict.fromkeys(meaning.delivered))
        echoed.update(dict.fromkeys(meaning.echoed))
        if meaning.agent is not None and not (agent is AgentState.ERRORED and meaning.agent is AgentState.IDLE):
            agent = meaning.agent
        is_ending = any(isinstance(event, TurnEnded | TurnFailed) for event in meaning.events)
        is_open = is_ending or (is_open and meaning.is_open)
    return Meaning(events=tuple(events), delivered=tuple(delivered), echoed=tuple(echoed), agent=agent, is_open=is_open)


def _said(line: Mapping[str, Any], at: datetime) -> Iterator[SessionEvent]:
    message = _mapping(line.get("message"))
    if message.get("model") == "<synthetic>":
        return  # the program's own words about a failure; the result line says it again, with its cause
    parent = _name(line.get("parent_tool_use_id"))
    for block in _mappings(message.get("content")):
        match block.get("type"):
            case "text" if text := _text(block.get("text")):
                yield AgentText(at=at, text=text, parent_tool_call_id=parent)
            case "thinking" if text := _text(block.get("thinking")):
                yield AgentThought(at=at, text=text, parent_tool_call_id=parent)
            case "tool_use" if (tool_call_id := _name(block.get("id"))) and (name := _name(block.get("name"))):
                given = _bounded(dict(_mapping(block.get("input"))))
                yield ToolCalled(at=at, tool_call_id=tool_call_id, name=name, input=given, parent_tool_call_id=parent)


def _user(line: Mapping[str, Any], at: datetime) -> Meaning:
    if line.get("isReplay") is True:
        return Meaning(echoed=_message_ids([line.get("uuid")]))
    results = [
        block
        for block in _mappings(_mapping(line.get("message")).get("content"))
        if block.get("type") == "tool_result" and _name(block.get("tool_use_id"))
    ]
    # What the tool itself reports stands once beside the message: it belongs to the block only if there is one.
    report = _mapping(line.get("tool_use_result")) if len(results) == 1 else {}
    return Meaning(events=tuple(_finished(block, report, at) for block in results))


def _finished(block: Mapping[str, Any], report: Mapping[str, Any], at: datetime) -> ToolFinished:
    content = block.get("content")
    if not isinstance(content, str):
        content = "\n".join(_plain(part.get("text")) for part in _mappings(content) if part.get("type") == "text")
    patch = [dict(hunk) for hunk in _mappings(report.get("structuredPatch"))]
    is_patch_kept = _size(patch) <= MAX_TEXT_CHARS
    return ToolFinished(
        at=at,
        tool_call_id=_name(block.get("tool_use_id")) or "",
        is_error=block.get("is_error") is True,
        output=_text(content),
        is_truncated=len(content) > MAX_TEXT_CHARS or not is_patch_kept,
        path=_plain(report.get("filePath"))[:4096] or None,
        patch=patch if patch and is_patch_kept else None,
    )


def _result(line: Mapping[str, Any], at: datetime) -> Meaning:
    reason = _name(line.get("terminal_reason")) or ""
    taken = line.get("user_message_uuids")
    delivered = _message_ids(taken if isinstance(taken, list) else [])
    is_interrupted = reason.startswith("aborted")
    if line.get("is_error") is not True or is_interrupted:
        usage = _mapping(line.get("usage"))
        duration_ms = _number(line.get("duration_ms"))
        ended = TurnEnded(
            at=at,
            outcome="interrupted" if is_interrupted else "completed",
            terminal_reason=reason or None,
            duration_s=None if duration_ms is None else duration_ms / 1000,
            input_tokens=_sum(usage, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
            output_tokens=_sum(usage, "output_tokens"),
        )
        return Meaning(events=(ended,), delivered=delivered, is_open=True)
    status = _whole(line.get("api_error_status"))
    failed = TurnFailed(at=at, reason=_cause(line, reason, status), status=status)
    return Meaning(events=(failed,), delivered=delivered, agent=AgentState.ERRORED, is_open=True)


def _cause(line: Mapping[str, Any], reason: str, status: int | None) -> str:
    errors = line.get("errors")
    said = _text(line.get("result")) or "; ".join(_plain(e) for e in (errors if isinstance(errors, list) else []))
    known = _STOPS.get(reason) or (_CAUSES.get(status) if status is not None else None)
    if known and said:
        return f"{known} (The agent says: {said[:2000]})"
    return known or said[:2000] or f"The turn failed ({reason or line.get('subtype') or 'no reason given'})."


def _system(line: Mapping[str, Any], at: datetime) -> Meaning:
    match line.get("subtype"):
        case "session_state_changed":
            return Meaning(agent=_STATES.get(_plain(line.get("state"))))
        case "init":
            # Said once at the beginning of every turn, also of one that follows another without an `idle` between.
            return Meaning(agent=AgentState.RUNNING)
        case "api_retry":
            retried = ModelRetried(
                at=at,
                attempt=_whole(line.get("attempt")) or 1,
                delay_s=(_number(line.get("retry_delay_ms")) or 0.0) / 1000,
                status=_whole(line.get("error_status")),
            )
            return Meaning(events=(retried,))
    return NOTHING


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _storable(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {_storable(key, depth): _storable(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    return value


def _bounded(given: dict[str, Any]) -> dict[str, Any]:
    """Return a tool's input, its longest texts cut when it is too large to keep."""
    if _size(given) <= MAX_TEXT_CHARS:
        return given
    cut = {key: value[:20_000] if isinstance(value, str) else value for key, value in given.items()}
    if _size(cut) <= MAX_TEXT_CHARS:
        return {**cut, "_truncated": True}
    return {"_truncated": True}


def _size(value: Any) -> int:
    try:
        return len(json.dumps(value))
    except RecursionError:
        return MAX_TEXT_CHARS + 1


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(value: Any) -> str:
    return _plain(value)[:MAX_TEXT_CHARS]


def _name(value: Any) -> str | None:
    return _plain(value)[:_MAX_NAME_CHARS] or None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e15 and math.isfinite(value) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _sum(usage: Mapping[str, Any], *keys: str) -> int | None:
    found = [number for key in keys if (number := _whole(usage.get(key))) is not None]
    return sum(found) if found else None


def _message_ids(values: Iterable[Any]) -> tuple[MessageId, ...]:
    return tuple(MessageId(value) for value in values if isinstance(value, str) and _MESSAGE_ID.fullmatch(value))
