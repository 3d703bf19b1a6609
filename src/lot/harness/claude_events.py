"""What one line of Claude's output means, as events of ours: pure, and without memory from line to line.

The line comes from inside a sandbox, so nothing about it is taken for granted: what is not of the expected shape
becomes nothing. Leaves out tool calls (`claude_tool_events.py`), what is asked (`claude_ask_events.py`), streamed parts
(`claude_parts.py`), and how lines are read and put together (`claude_output.py`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lot.core.events import (
    AgentText,
    AgentThought,
    Compacted,
    ModelRetried,
    SessionEvent,
    SettingsChanged,
    SubagentChanged,
    TurnEnded,
    TurnFailed,
)
from lot.core.ids import MessageId
from lot.core.session import AgentState
from lot.harness.claude_ask_events import asked, closed, taken_at_once
from lot.harness.claude_fields import mapping, mappings, message_ids, name, number, plain, text, total, whole
from lot.harness.claude_modes import OUR_MODES
from lot.harness.claude_tool_events import called, finished
from lot.harness.claude_transcript import written_entries

_MAX_DEPTH = 50
_MAX_SUMMARY_CHARS = 4_000
_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""NUL, which PostgreSQL refuses, and surrogates, which alone are no text."""

# `requires_action` is left out: the line of what is asked says it, together with what.
_STATES: Mapping[str, AgentState] = {
    "running": AgentState.RUNNING,
    "idle": AgentState.IDLE,
}
_TASKS: Mapping[str, Literal["completed", "failed", "stopped"]] = {
    "completed": "completed",
    "failed": "failed",
    "stopped": "stopped",
    "killed": "stopped",
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
    written: tuple[MessageId, ...] = ()
    """Entries that are in its transcript now; those of messages have the messages' ids."""
    agent: AgentState | None = None
    is_open: bool = False
    """A turn has ended, and the line that says what the program does now is yet to come."""


NOTHING = Meaning()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(raw: bytes) -> Mapping[str, Any] | None:
    """Return a line as a JSON object, or None when it is not one. Never raises."""
    try:
        line = _DECODER.decode(raw.decode("utf-8", "replace"))
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
            return Meaning(delivered=message_ids([line.get("command_uuid")]), is_open=True)
        case "control_request":
            ask = asked(line, at)
            return Meaning(is_open=True) if ask is None else Meaning(events=(ask,), agent=AgentState.WAITING)
        case "control_response":
            taken = taken_at_once(line, at)
            return Meaning(is_open=True, events=() if taken is None else (taken,))
        case "transcript_mirror":
            return Meaning(written=written_entries(line), is_open=True)
        case "command_lifecycle" | "control_cancel_request" | "stream_event":
            return Meaning(is_open=True)
        case "system":
            return _system(line, at)
    return NOTHING


def together(meanings: Iterable[Meaning]) -> Meaning:
    """Return the meaning of several lines in their order. A failed turn stays failed until another one runs."""
    events: list[SessionEvent] = []
    delivered: dict[MessageId, None] = {}
    echoed: dict[MessageId, None] = {}
    written: dict[MessageId, None] = {}
    agent: AgentState | None = None
    is_open = False
    for meaning in meanings:
        events += meaning.events
        delivered.update(dict.fromkeys(meaning.delivered))
        echoed.update(dict.fromkeys(meaning.echoed))
        written.update(dict.fromkeys(meaning.written))
        if meaning.agent is not None and not (agent is AgentState.ERRORED and meaning.agent is AgentState.IDLE):
            agent = meaning.agent
        is_ending = any(isinstance(event, TurnEnded | TurnFailed) for event in meaning.events)
        is_open = is_ending or (is_open and meaning.is_open)
    return Meaning(
        events=tuple(events),
        delivered=tuple(delivered),
        echoed=tuple(echoed),
        written=tuple(written),
        agent=agent,
        is_open=is_open,
    )


def _said(line: Mapping[str, Any], at: datetime) -> Iterator[SessionEvent]:
    message = mapping(line.get("message"))
    if message.get("model") == "<synthetic>":
        return  # the program's own words about a failure; the result line says it again, with its cause
    parent = name(line.get("parent_tool_use_id"))
    for block in mappings(message.get("content")):
        match block.get("type"):
            case "text" if said := text(block.get("text")):
                yield AgentText(at=at, text=said, parent_tool_call_id=parent)
            case "thinking" if thought := text(block.get("thinking")):
                yield AgentThought(at=at, text=thought, parent_tool_call_id=parent)
            case "tool_use":
                yield from called(block, parent, at)


def _user(line: Mapping[str, Any], at: datetime) -> Meaning:
    if line.get("isReplay") is True:
        return Meaning(echoed=message_ids([line.get("uuid")]))
    results = [
        block
        for block in mappings(mapping(line.get("message")).get("content"))
        if block.get("type") == "tool_result" and name(block.get("tool_use_id"))
    ]
    # What the tool itself reports stands once beside the message: it belongs to the block only if there is one.
    report = mapping(line.get("tool_use_result")) if len(results) == 1 else {}
    return Meaning(events=(*closed(line, at), *(finished(block, report, at) for block in results)))


def _result(line: Mapping[str, Any], at: datetime) -> Meaning:
    reason = name(line.get("terminal_reason")) or ""
    taken = line.get("user_message_uuids")
    delivered = message_ids(taken if isinstance(taken, list) else [])
    is_interrupted = reason.startswith("aborted")
    if line.get("is_error") is not True or is_interrupted:
        usage = mapping(line.get("usage"))
        duration_ms = number(line.get("duration_ms"))
        ended = TurnEnded(
            at=at,
            outcome="interrupted" if is_interrupted else "completed",
            terminal_reason=reason or None,
            duration_s=None if duration_ms is None else duration_ms / 1000,
            input_tokens=total(usage, "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"),
            output_tokens=total(usage, "output_tokens"),
        )
        return Meaning(events=(ended,), delivered=delivered, is_open=True)
    status = whole(line.get("api_error_status"))
    failed = TurnFailed(at=at, reason=_cause(line, reason, status), status=status)
    return Meaning(events=(failed,), delivered=delivered, agent=AgentState.ERRORED, is_open=True)


def _cause(line: Mapping[str, Any], reason: str, status: int | None) -> str:
    errors = line.get("errors")
    said = text(line.get("result")) or "; ".join(plain(e) for e in (errors if isinstance(errors, list) else []))
    known = _STOPS.get(reason) or (_CAUSES.get(status) if status is not None else None)
    if known and said:
        return f"{known} (The agent says: {said[:2000]})"
    return known or said[:2000] or f"The turn failed ({reason or line.get('subtype') or 'no reason given'})."


def _system(line: Mapping[str, Any], at: datetime) -> Meaning:
    match line.get("subtype"):
        case "session_state_changed":
            return Meaning(agent=_STATES.get(plain(line.get("state"))))
        case "init":
            # Said once at the beginning of every turn, also of one that follows another without an `idle` between.
            return Meaning(agent=AgentState.RUNNING)
        case "thinking_tokens":
            return Meaning(is_open=True)
        case "status":
            mode = OUR_MODES.get(plain(line.get("permissionMode")))
            return Meaning(
                is_open=True, events=() if mode is None else (SettingsChanged(at=at, mode=mode, by="agent"),)
            )
        case "compact_boundary":
            facts = mapping(line.get("compact_metadata"))
            trigger, before = name(facts.get("trigger")) or "auto", whole(facts.get("pre_tokens"))
            return Meaning(events=(Compacted(at=at, trigger=trigger, tokens_before=before),))
        case "task_started" | "task_updated" | "task_notification":
            task = _task(line, at)
            return NOTHING if task is None else Meaning(events=(task,))
        case "api_retry":
            retried = ModelRetried(
                at=at,
                attempt=whole(line.get("attempt")) or 1,
                delay_s=(number(line.get("retry_delay_ms")) or 0.0) / 1000,
                status=whole(line.get("error_status")),
                reason=name(line.get("error")),
            )
            return Meaning(events=(retried,))
    return NOTHING


def _task(line: Mapping[str, Any], at: datetime) -> SubagentChanged | None:
    """Return how a sub-agent or a background command goes.

    That one has ended well is said twice, as an update and as a notification: the second counts, which has a summary.
    A command that the agent waits for is called a task too once it takes long: it is none here.
    """
    task_id, subtype = name(line.get("task_id")), line.get("subtype")
    status: Literal["running", "completed", "failed", "stopped"] | None = "running"
    if subtype == "task_updated":
        status = _TASKS.get(plain(mapping(line.get("patch")).get("status")))
        status = None if status == "completed" else status
    elif subtype == "task_notification":
        status = _TASKS.get(plain(line.get("status")), "completed")
    is_waited_for = line.get("task_type") == "local_bash" and line.get("is_backgrounded") is False
    if task_id is None or status is None or is_waited_for or line.get("output_file") == "":
        return None
    return SubagentChanged(
        at=at,
        task_id=task_id,
        tool_call_id=name(line.get("tool_use_id")),
        status=status,
        description=name(line.get("description")),
        summary=plain(line.get("summary"))[:_MAX_SUMMARY_CHARS] or None,
    )


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
