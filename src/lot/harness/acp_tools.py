"""What an ACP agent tells of one tool call, gathered from its updates, as our events and live parts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from acp import schema

from lot.core.events import MAX_TEXT_CHARS, LivePart, PermissionAsked, ToolCalled, ToolFinished, ToolKind
from lot.harness.acp_patch import hunks

_MAX_NAME_CHARS = 200
_MAX_PATH_CHARS = 4_096
_OF_FILES = ("read", "edit", "delete", "move")
"""Kinds of tools whose first location is the file that they are about."""

Content = schema.ContentToolCallContent | schema.FileEditToolCallContent | schema.TerminalToolCallContent
Update = schema.ToolCall | schema.ToolCallUpdate


@dataclass(slots=True)
class ToolState:
    """One tool call as far as it was told. Each update replaces what it names and leaves the rest."""

    tool_call_id: str
    name: str = "tool"
    title: str | None = None
    kind: str = "other"
    input: dict[str, Any] = field(default_factory=dict)
    content: list[Content] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    raw_output: Any = None
    is_told: bool = False
    """Whether `ToolCalled` was said of it."""
    shown: str = ""
    """The live output that was passed on."""

    def take(self, update: Update) -> None:
        """Take in what an update says."""
        if update.title:
            if self.title is None and isinstance(update, schema.ToolCall):
                self.name = update.title[:_MAX_NAME_CHARS]
            self.title = update.title[:_MAX_NAME_CHARS]
        self.kind = update.kind or self.kind
        if isinstance(update.raw_input, dict) and update.raw_input:
            self.input = bounded(update.raw_input)
        if update.content is not None:
            self.content = list(update.content)
        if update.locations is not None:
            self.paths = [location.path[:_MAX_PATH_CHARS] for location in update.locations]
        if update.raw_output is not None:
            self.raw_output = update.raw_output

    def called(self, at: datetime) -> ToolCalled:
        """Return that it was called."""
        self.is_told = True
        return ToolCalled(
            at=at,
            tool_call_id=self.tool_call_id,
            name=self.name,
            input=self.input,
            tool_kind=cast(ToolKind, self.kind),
            title=self.title,
        )

    def asked(self, request: schema.RequestPermissionRequest, at: datetime) -> PermissionAsked:
        """Return that it waits for the user's permission."""
        return PermissionAsked(
            at=at,
            ask_id=self.tool_call_id,
            name=self.name,
            input=self.input,
            title=self.title,
            can_allow_always=any(option.kind == "allow_always" for option in request.options),
        )

    def output_part(self) -> LivePart | None:
        """Return what it has printed since it was asked last; None when that is nothing."""
        text = self._text()
        if text == self.shown or not text:
            return None
        offset = len(self.shown) if text.startswith(self.shown) else 0
        self.shown = text
        return LivePart(kind="tool_output", key=self.tool_call_id, offset=offset, text=text[offset:])

    def finished(self, at: datetime, *, is_error: bool) -> ToolFinished:
        """Return how it ended."""
        output = self._text() or _plain(self.raw_output)
        edits = [part for part in self.content if isinstance(part, schema.FileEditToolCallContent)]
        patch = [hunk for edit in edits for hunk in _hunks(edit)]
        is_patch_kept = size(patch) <= MAX_TEXT_CHARS and sum(map(_edit_size, edits)) <= MAX_TEXT_CHARS
        paths = [edits[0].path[:_MAX_PATH_CHARS]] if edits else self.paths if self.kind in _OF_FILES else []
        return ToolFinished(
            at=at,
            tool_call_id=self.tool_call_id,
            is_error=is_error,
            output=output[:MAX_TEXT_CHARS],
            is_truncated=len(output) > MAX_TEXT_CHARS or not is_patch_kept,
            path=next(iter(paths), None),
            patch=patch if patch and is_patch_kept else None,
            is_new_file=bool(edits) and edits[0].old_text is None,
            images=sum(isinstance(block, schema.ImageContentBlock) for block in self._blocks()),
        )

    def _text(self) -> str:
        texts = [block.text for block in self._blocks() if isinstance(block, schema.TextContentBlock)]
        return "\n".join(texts)[: MAX_TEXT_CHARS + 1]

    def _blocks(self) -> Iterator[object]:
        return (part.content for part in self.content if isinstance(part, schema.ContentToolCallContent))


def bounded(given: dict[str, Any]) -> dict[str, Any]:
    """Return a tool's input, its longest texts cut when it is too large to keep."""
    if size(given) <= MAX_TEXT_CHARS:
        return given
    cut = {key: value[:20_000] if isinstance(value, str) else value for key, value in given.items()}
    return {**cut, "_truncated": True} if size(cut) <= MAX_TEXT_CHARS else {"_truncated": True}


def size(value: Any) -> int:
    """Return how long a value is as JSON."""
    try:
        return len(json.dumps(value))
    except RecursionError:
        return MAX_TEXT_CHARS + 1


def _hunks(edit: schema.FileEditToolCallContent) -> list[dict[str, Any]]:
    return hunks(edit.old_text or "", edit.new_text) if _edit_size(edit) <= MAX_TEXT_CHARS else []


def _edit_size(edit: schema.FileEditToolCallContent) -> int:
    return len(edit.old_text or "") + len(edit.new_text)


def _plain(output: Any) -> str:
    """Return a tool's raw output as text: its own text where it has one."""
    if isinstance(output, dict) and isinstance(output.get("output"), str):
        output = output["output"]
    if output is None or isinstance(output, str):
        return output or ""
    return json.dumps(output) if size(output) <= MAX_TEXT_CHARS else ""
