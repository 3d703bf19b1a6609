"""What Claude's tool calls and their results mean as events: pure, one line at a time."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from lot.core.events import MAX_TEXT_CHARS, PlanChanged, PlanEntry, SessionEvent, ToolCalled, ToolFinished, ToolKind
from lot.harness.claude_fields import bounded, json_size, mapping, mappings, name, path, plain, text

_MAX_TITLE_CHARS = 160
_MAX_PLAN_ENTRIES = 200
_MAX_ENTRY_CHARS = 1_000
_WORKSPACE = "/workspace/"

_KINDS: Mapping[str, ToolKind] = {
    "Read": "read",
    "Edit": "edit",
    "MultiEdit": "edit",
    "Write": "edit",
    "NotebookEdit": "edit",
    "Glob": "search",
    "Grep": "search",
    "ToolSearch": "search",
    "Bash": "execute",
    "TaskOutput": "execute",
    "TaskStop": "execute",
    "Monitor": "execute",
    "Agent": "think",
    "Task": "think",
    "TodoWrite": "think",
    "WebFetch": "fetch",
    "WebSearch": "fetch",
    "EnterPlanMode": "switch_mode",
    "ExitPlanMode": "switch_mode",
}
_TITLES: Mapping[str, str] = {
    "AskUserQuestion": "Ask the user",
    "EnterPlanMode": "Start planning",
    "ExitPlanMode": "Propose a plan",
    "TodoWrite": "Update the list of things to do",
}
_STATUSES: Mapping[str, Literal["pending", "in_progress", "completed"]] = {
    "pending": "pending",
    "in_progress": "in_progress",
    "completed": "completed",
}


def called(block: Mapping[str, Any], parent: str | None, at: datetime) -> Iterator[SessionEvent]:
    """Yield what a `tool_use` block means: the call, and with a list of things to do that list."""
    tool_call_id, tool = name(block.get("id")), name(block.get("name"))
    if tool_call_id is None or tool is None:
        return
    given = mapping(block.get("input"))
    yield ToolCalled(
        at=at,
        tool_call_id=tool_call_id,
        name=tool,
        input=bounded(given),
        parent_tool_call_id=parent,
        tool_kind=_KINDS.get(tool, "other"),
        title=tool_title(tool, given),
    )
    if tool == "TodoWrite" and isinstance(given.get("todos"), list):
        yield PlanChanged(at=at, entries=tuple(_entries(given["todos"])), parent_tool_call_id=parent)


def tool_title(tool: str, given: Mapping[str, Any]) -> str:
    """Return in a few words what a call does."""
    file = plain(given.get("file_path")) or plain(given.get("notebook_path"))
    command = plain(given.get("command")).strip()
    if tool in _TITLES:
        title = _TITLES[tool]
    elif tool == "Bash" and command:
        title = command.splitlines()[0]
    elif file:
        title = f"{tool} {file.removeprefix(_WORKSPACE)}"
    elif pattern := plain(given.get("pattern")):
        title = f"{tool} {pattern}"
    elif description := plain(given.get("description")):
        title = description
    elif tool.startswith("mcp__"):
        title = tool.split("__")[-1].replace("_", " ").capitalize()
    else:
        title = tool
    return title[:_MAX_TITLE_CHARS]


def finished(block: Mapping[str, Any], report: Mapping[str, Any], at: datetime) -> ToolFinished:
    """Return what a `tool_result` block means, with the tool's own report where there is one."""
    content = block.get("content")
    parts = mappings(content)
    if not isinstance(content, str):
        content = "\n".join(plain(part.get("text")) for part in parts if part.get("type") == "text")
    patch = _patch(report)
    is_patch_kept = json_size(patch) <= MAX_TEXT_CHARS
    return ToolFinished(
        at=at,
        tool_call_id=name(block.get("tool_use_id")) or "",
        is_error=block.get("is_error") is True,
        output=text(content),
        is_truncated=len(content) > MAX_TEXT_CHARS or not is_patch_kept,
        path=path(report.get("filePath")) or path(report.get("notebook_path")),
        patch=patch if patch and is_patch_kept else None,
        is_new_file=report.get("type") == "create",
        is_interrupted=report.get("interrupted") is True,
        is_in_background=name(report.get("backgroundTaskId")) is not None or report.get("isAsync") is True,
        images=sum(part.get("type") == "image" for part in parts),
    )


def _patch(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    hunks = [dict(hunk) for hunk in mappings(report.get("structuredPatch"))]
    if hunks:
        return hunks
    if report.get("type") == "create":
        return _added(plain(report.get("content")))
    if "new_source" in report and "cell_id" in report:
        return _cell_patch(plain(report.get("old_source")), plain(report.get("new_source")))
    return []


def _added(content: str) -> list[dict[str, Any]]:
    """Return a new file as the one hunk that the tool does not report."""
    if len(content) > MAX_TEXT_CHARS:
        return []
    lines = content.splitlines()
    return [_hunk([f"+{line}" for line in lines])] if lines else []


def _cell_patch(old: str, new: str) -> list[dict[str, Any]]:
    """Return the change of a notebook's cell, numbered within the cell."""
    if len(old) + len(new) > MAX_TEXT_CHARS:
        return []
    before, after = old.splitlines(), new.splitlines()
    lines: list[str] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += [f" {line}" for line in before[a:b]]
        else:
            lines += [*(f"-{line}" for line in before[a:b]), *(f"+{line}" for line in after[c:d])]
    return [_hunk(lines)] if before != after else []


def _hunk(lines: list[str]) -> dict[str, Any]:
    old, new = sum(line[0] != "+" for line in lines), sum(line[0] != "-" for line in lines)
    start = {"oldStart": min(1, old), "oldLines": old, "newStart": min(1, new), "newLines": new}
    return {**start, "lines": lines}


def _entries(todos: Any) -> Iterator[PlanEntry]:
    for todo in mappings(todos)[:_MAX_PLAN_ENTRIES]:
        status, content = _STATUSES.get(plain(todo.get("status"))), plain(todo.get("content"))
        if content and status is not None:
            yield PlanEntry(content=content[:_MAX_ENTRY_CHARS], status=status)
