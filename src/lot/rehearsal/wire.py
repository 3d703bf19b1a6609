"""How a step looks in the Messages API: a whole message, or the events of its stream with their pauses."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from lot.rehearsal.script import Step

_WORD = re.compile(r"\S+\s*|\s+")
_MAX_PIECES = 200


def message(step: Step, model: str, input_tokens: int) -> dict[str, Any]:
    """Return a step as a whole message."""
    content: list[dict[str, Any]] = []
    if step.thinking is not None:
        content.append({"type": "thinking", "thinking": step.thinking, "signature": "rehearsal"})
    if step.text is not None:
        content.append({"type": "text", "text": step.text})
    for call in step.tools:
        content.append({"type": "tool_use", "id": _id("toolu"), "name": call.name, "input": call.input})
    return {
        "id": _id("msg"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "tool_use" if step.tools else "end_turn",
        "stop_sequence": None,
        "usage": _usage(input_tokens, len(json.dumps(content)) // 4),
    }


def events(whole: Mapping[str, Any], seconds: float) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield the stream of a whole message: each event with the seconds to wait before it."""
    usage = whole["usage"]
    start = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield 0.0, {"type": "message_start", "message": start}
    yield 0.0, {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        yield from _block_events(index, block, seconds)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield 0.0, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage["output_tokens"]}}
    yield 0.0, {"type": "message_stop"}


def frame(event: Mapping[str, Any]) -> bytes:
    """Return an event as it goes over the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def error_body(error_type: str, text: str) -> dict[str, Any]:
    """Return an error in the API's shape."""
    return {"type": "error", "error": {"type": error_type, "message": text}, "request_id": _id("req")}


def _block_events(index: int, block: Mapping[str, Any], seconds: float) -> Iterator[tuple[float, dict[str, Any]]]:
    kind = block["type"]
    if kind == "tool_use":
        empty: dict[str, Any] = {**block, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    elif kind == "thinking":
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    else:
        empty = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
    pause = seconds / max(1, len(deltas)) if kind == "text" else 0.0
    yield 0.0, {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield pause, {"type": "content_block_delta", "index": index, "delta": delta}
    yield 0.0, {"type": "content_block_stop", "index": index}


def _pieces(text: str) -> list[str]:
    words = _WORD.findall(text)
    size = max(1, -(-len(words) // _MAX_PIECES))
    return ["".join(words[at : at + size]) for at in range(0, len(words), size)]


def _usage(input_tokens: int, output_tokens: int) -> dict[str, int]:
    return {
        "input_tokens": input_tokens,
        "output_tokens": max(1, output_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }


def _id(prefix: str) -> str:
    return f"{prefix}_rehearsal{secrets.token_hex(10)}"
