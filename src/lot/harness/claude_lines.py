"""Which of Claude's own lines are kept beside the events, and in what form."""

import json
from collections.abc import Mapping
from typing import Any

from lot.harness.claude_fields import mapping, name, plain

MAX_KEPT_BYTES = 256 << 10
"""A longer line is kept as a marker that says so."""

_DROPPED_KINDS = frozenset({"stream_event", "transcript_mirror", "keep_alive"})
_DROPPED_SUBTYPES = frozenset({"thinking_tokens", "ui_invalidate"})
_COPIES = ("originalFile", "original_file", "updated_file")
"""In what tools report: a whole file again."""
_COPY_MARKS = tuple(f'"{copy}":'.encode() for copy in _COPIES)


def kept(raw: bytes, line: Mapping[str, Any]) -> str | None:
    """Return a line as it is kept, without its end; None when it says nothing that lasts."""
    if plain(line.get("type")) in _DROPPED_KINDS or plain(line.get("subtype")) in _DROPPED_SUBTYPES:
        return None
    if line.get("subtype") == "status" and line.get("permissionMode") is None:
        return None
    if line.get("type") == "control_response" and "commands" in mapping(mapping(line.get("response")).get("response")):
        return None  # the answer to `initialize`: 50 KB of what the program can do
    if any(mark in raw for mark in _COPY_MARKS):
        raw = json.dumps(_without_copies(line), separators=(",", ":")).encode()
    if len(raw) > MAX_KEPT_BYTES:
        return json.dumps({"type": name(line.get("type")), "lot_omitted_bytes": len(raw)})
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _without_copies(line: Mapping[str, Any]) -> Mapping[str, Any]:
    report = mapping(line.get("tool_use_result"))
    return {**line, "tool_use_result": {key: value for key, value in report.items() if key not in _COPIES}}
