"""The Agent Client Protocol's lines: JSON-RPC 2.0, one message a line, as ours to write and as a stranger's to read.

The ids of our requests say what they are about, so that whoever finds an answer in the journal understands it without
having asked. Beside the protocol's own requests there are marks: requests of a method that no agent knows. Every
agent must answer them, if only with an error, and does so in the order of its input; so the place of the answer in
the journal tells that everything before it was read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from lot.core.ids import MessageId
from lot.harness.claude_events import parse

INITIALIZE = "initialize"
NEW = "session/new"
ANEW = "session/new:anew"
"""A new conversation where the one that there was could not be continued."""
RESUME = "session/resume"
LOAD = "session/load"
PROMPT, TOOK, ANSWERED, WITHDRAWN, SETTING, SET = "prompt", "took", "answered", "withdrawn", "setting", "set"
"""What an id begins with, before a colon and what it is about."""

METHOD_NOT_FOUND = -32601
_MARK_METHOD = "_lot/mark"
MAX_ABOUT_CHARS = 200
"""The longest id of a tool call that can be asked about; it becomes a part of ids of ours."""
_MAX_ID_CHARS = 500
_MAX_ERROR_CHARS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The agent wants an answer."""

    id: int | str
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The agent tells something."""

    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The agent's answer to a request of ours."""

    kind: str
    """The id up to its first colon, or the whole id."""
    about: str
    id: str
    result: Mapping[str, Any]
    error: str | None = None


Message = Request | Notification | Response


def read(raw: bytes) -> Message | None:
    """Return what a line says, or None when it is no message of the protocol. Never raises."""
    line = parse(raw)
    if line is None:
        return None
    method, id, params = line.get("method"), line.get("id"), line.get("params")
    given = params if isinstance(params, dict) else {}
    if isinstance(method, str):
        if id is None:
            return Notification(method=method, params=given)
        return Request(id=id, method=method, params=given) if _is_id(id) else None
    if not isinstance(id, str) or not ("result" in line or "error" in line):
        return None
    kind, _, about = id.partition(":")
    result = line.get("result")
    return Response(
        kind=kind,
        about=about,
        id=id,
        result=result if isinstance(result, dict) else {},
        error=_error(line["error"]) if line.get("error") is not None else None,
    )


def request(id: str, method: str, params: BaseModel) -> dict[str, Any]:
    """Return a request of ours."""
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": _plain(params)}


def notification(method: str, params: BaseModel) -> dict[str, Any]:
    """Return something that we tell."""
    return {"jsonrpc": "2.0", "method": method, "params": _plain(params)}


def mark(kind: str, about: str) -> dict[str, Any]:
    """Return a request whose answer marks a place in the journal."""
    return {"jsonrpc": "2.0", "id": f"{kind}:{about}", "method": _MARK_METHOD, "params": {}}


def result(id: int | str, value: BaseModel) -> dict[str, Any]:
    """Return our answer to a request of the agent."""
    return {"jsonrpc": "2.0", "id": id, "result": _plain(value)}


def refusal(id: int | str, method: str) -> dict[str, Any]:
    """Return our answer to a request for something that we did not offer."""
    text = f"the client does not offer {method[:100]!r}"
    return {"jsonrpc": "2.0", "id": id, "error": {"code": METHOD_NOT_FOUND, "message": text}}


def encode(lines: list[dict[str, Any]]) -> str:
    """Return messages as the lines to write."""
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def prompt_id(message: MessageId | str) -> str:
    """Return the id of the request that hands a message over."""
    return f"{PROMPT}:{message}"


def _plain(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)


def _is_id(id: Any) -> bool:
    is_number = isinstance(id, int) and not isinstance(id, bool) and abs(id) < 1 << 63
    return is_number or (isinstance(id, str) and len(id) <= _MAX_ID_CHARS)


def _error(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else None
    return message[:_MAX_ERROR_CHARS] if isinstance(message, str) and message else "the agent gave no reason"
