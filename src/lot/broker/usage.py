"""What a request to a model used, read from its answer on the way through."""

import json
from dataclasses import dataclass, replace
from typing import Any

_MAX_EVENT_BYTES = 1 << 20
"""Longer events carry content, not usage, and are not looked at."""
_FIELDS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_KINDS = (b'"message_start"', b'"message_delta"', b'"message_stop"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one request."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    """For whatever time."""
    cache_read_input_tokens: int = 0
    cache_creation_1h_input_tokens: int = 0
    """Those of `cache_creation_input_tokens` that are kept for an hour, which costs more."""


class UsageReader:
    """Watches an answer, streamed or whole, for its usage. What it cannot read it leaves out."""

    def __init__(self, *, is_stream: bool) -> None:
        self._is_stream = is_stream
        self._rest = bytearray()
        self.model: str | None = None
        self.usage: Usage | None = None
        self.is_complete = False
        """Whether the answer came to its own end."""

    def feed(self, data: bytes) -> None:
        """Look at the next bytes."""
        self._rest += data
        if not self._is_stream:
            return
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest if len(rest) <= _MAX_EVENT_BYTES else b"")
        for line in lines:
            if line.startswith(b"data:") and any(kind in line for kind in _KINDS):
                self._take(line[5:])

    def finish(self) -> None:
        """Nothing more comes."""
        if not self._is_stream:
            self._take(bytes(self._rest))
            self.is_complete = self.usage is not None

    def _take(self, text: bytes) -> None:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(event, dict):
            return
        self.is_complete = self.is_complete or event.get("type") == "message_stop"
        nested = event.get("message")
        message: dict[str, Any] = nested if isinstance(nested, dict) else event
        if isinstance(message.get("model"), str):
            self.model = message["model"]
        counts = message.get("usage")
        if isinstance(counts, dict):
            # A delta tells totals so far, and only of what has changed since the start.
            found = {name: counts[name] for name in _FIELDS if isinstance(counts.get(name), int)}
            by_time = counts.get("cache_creation")
            if isinstance(by_time, dict) and isinstance(by_time.get("ephemeral_1h_input_tokens"), int):
                found["cache_creation_1h_input_tokens"] = by_time["ephemeral_1h_input_tokens"]
            self.usage = replace(self.usage or Usage(), **found)
