"""How a step looks in the Messages API: a whole message, or the events of its stream with their pauses."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from lot.rehearsal.script import Step, Usage

_WORD = re.compile(r"\S+\s*|\s+")
_MAX_PIECES = 200
_INPUT_PIECE_CHARS = 64


def message(step: Step, model: str, input_tokens: int) -> dict[str, Any]:
    """Return a step as a whole message."""
    content: list[dict[str, Any]] = []
    if step.thinking is not None:
        content.append({"type": "thinking", "thinking": step.thinking, "signature": "rehearsal"})
    if step.text is not None:
        content.append({"type": "text", "text": "".join(_text_pieces(step))})
    for call in step.tools:
        content.append({"type": "tool_use", "id": _id("toolu"), "name": call.name, "input": call.input})
    return {
        "id": _id("msg"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": step.stop_reason or ("tool_use" if step.tools else "end_turn"),
        "stop_sequence": None,
        "usage": _usage(step.usage, input_tokens, len(json.dumps(content)) // 4),
    }


def pause_s(step: Step) -> float:
    """Return the seconds to wait before each streamed piece of thinking and text."""
    if step.pace is not None:
        return step.pace / 1000
    return step.seconds / max(1, _paced_pieces(step))


def whole_s(step: Step) -> float:
    """Return how long a step takes where nothing is streamed."""
    return pause_s(step) * _paced_pieces(step)


def events(whole: Mapping[str, Any], step: Step) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield the stream of a step as a whole message: each event with the seconds to wait before it."""
    usage = whole["usage"]
    start = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield 0.0, {"type": "message_start", "message": start}
    yield 0.0, {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        yield from _block_events(index, block, step)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield 0.0, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage["output_tokens"]}}
    yield 0.0, {"type": "message_stop"}


def stamped(event: dict[str, Any]) -> dict[str, Any]:
    """Return a streamed piece of text with the present time in place of its text; other events as they are."""
    if event.get("delta", {}).get("type") != "text_delta":
        return event
    return {**event, "delta": {"type": "text_delta", "text": f"{time.time():.6f} "}}


def frame(event: Mapping[str, Any]) -> bytes:
    """Return an event as it goes over the wire."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def error_body(error_type: str, text: str) -> dict[str, Any]:
    """Return an error in the API's shape."""
    return {"type": "error", "error": {"type": error_type, "message": text}, "request_id": _id("req")}


def _block_events(index: int, block: Mapping[str, Any], step: Step) -> Iterator[tuple[float, dict[str, Any]]]:
    pause = pause_s(step)
    if block["type"] == "tool_use":
        pause = 0.0
        empty: dict[str, Any] = {**block, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _input_pieces(block["input"])]
    elif block["type"] == "thinking":
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"], step)]
    else:
        empty = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in _text_pieces(step)]
    yield 0.0, {"type": "content_block_start", "index": index, "content_block": empty}
    for delta in deltas:
        yield pause, {"type": "content_block_delta", "index": index, "delta": delta}
    if block["type"] == "thinking":
        signature = {"type": "signature_delta", "signature": block["signature"]}
        yield 0.0, {"type": "content_block_delta", "index": index, "delta": signature}
    yield 0.0, {"type": "content_block_stop", "index": index}


def _text_pieces(step: Step) -> list[str]:
    text = step.text or ""
    if step.deltas is None:
        return _pieces(text, step)
    return [f"{text} {number} " for number in range(1, step.deltas + 1)]


def _pieces(text: str, step: Step) -> list[str]:
    words = _WORD.findall(text)
    size = 1 if step.pace is not None else max(1, -(-len(words) // _MAX_PIECES))
    return ["".join(words[at : at + size]) for at in range(0, len(words), size)]


def _paced_pieces(step: Step) -> int:
    return len(_pieces(step.thinking or "", step)) + len(_text_pieces(step))


def _input_pieces(values: Mapping[str, Any]) -> list[str]:
    text = json.dumps(values)
    size = max(_INPUT_PIECE_CHARS, -(-len(text) // _MAX_PIECES))
    return [text[at : at + size] for at in range(0, len(text), size)]


def _usage(given: Usage, input_tokens: int, output_tokens: int) -> dict[str, int]:
    estimate = {
        "input_tokens": input_tokens,
        "output_tokens": max(1, output_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
    return {**estimate, **given.model_dump(exclude_none=True)}


def _id(prefix: str) -> str:
    return f"{prefix}_rehearsal{secrets.token_hex(10)}"
