"""The SDK's `Transport` over a durable pipe: control messages only.

What the agent says besides goes to the store by `claude_output.py`, on a reader of its own; the SDK sees the control
protocol alone and so never makes the pipe wait.

The journal forgets what is stored, and a question may wait for days: requests that are open are noted in a file beside
the program, so that whoever attaches next finds them.
"""

import json
import logging
from collections.abc import AsyncIterator, Iterable
from pathlib import PurePosixPath
from typing import Any

import anyio
from claude_agent_sdk import CLIConnectionError, Transport

from lot.core.errors import InvalidInputError, NotFoundError, SandboxUnavailableError, TooLargeError
from lot.harness.claude_ask_events import PLAN_TOOL, QUESTION_TOOL
from lot.harness.claude_output import MAX_LINE_BYTES, attached
from lot.sandbox.link import GuestLink, ProcessStatus

_MARK = b'"type":"control_'
"""In a line of the CLI these bytes are no text: quotes within texts are escaped."""
_ANSWER, _ANSWER_WITHIN = '"control_response"', 64
"""What an answer of ours begins with."""
_WRITE_BYTES = 4 << 20
"""At a time; the guest takes no more than 16 MiB."""
_MAX_NOTES_BYTES = 8 << 20

logger = logging.getLogger(__name__)


class PipeTransport(Transport):
    """Connects the SDK's client to a program that runs already.

    Requests that the program made to an earlier client, and that are still open, are given to this one.
    """

    def __init__(self, link: GuestLink, status: ProcessStatus, notes: PurePosixPath, user: str) -> None:
        """Take a program on the other side of a link.

        Args:
            notes: The folder in the sandbox for what is open.
            user: Who owns it.
        """
        self._link, self._name = link, status.name
        self._start, self._now = status.starts.get("out", 0), status.ends.get("out", 0)
        self._input_offset: int | None = status.stdin_offset
        self._writing = anyio.Lock()
        self._is_closed = False
        self._notes, self._user = notes / f"{status.name}.json", user
        self._opened: dict[str, dict[str, Any]] = {}

    async def connect(self) -> None:
        """Do nothing: the program runs already."""

    async def write(self, data: str) -> None:
        """Write exactly once; after a failure the guest is asked how much was accepted."""
        raw = self._marked_answer(data).encode()
        async with self._writing:
            offset = await self._accepted() if self._input_offset is None else self._input_offset
            self._input_offset = None
            for at in range(0, len(raw), _WRITE_BYTES):
                offset = await self._link.write(self._name, raw[at : at + _WRITE_BYTES], offset=offset)
            self._input_offset = offset

    async def read_messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the requests that an earlier client left open, then every control message that comes."""
        is_old = True
        self._opened = await self._noted()
        noted = set(self._opened)
        async for end, line in _lines(self._link, self._name, self._start):
            if is_old and end > self._now:
                # The first line behind what was there already; at the latest the answer to `initialize`.
                is_old = False
                if noted != {key for key, request in self._opened.items() if _is_ask(request)}:
                    await self._note()
                for request in (*_hellos(self._opened.values()), *self._opened.values()):
                    yield request
            message = _marked(line)
            if message is None:
                continue
            has_changed = _track(self._opened, message)
            if is_old:
                continue
            if has_changed:
                await self._note()
            yield message
        if not self._is_closed:
            raise CLIConnectionError("the agent program has ended")

    async def close(self) -> None:
        """Let go; the program lives on."""
        self._is_closed = True

    def is_ready(self) -> bool:
        """Return whether messages may be written."""
        return not self._is_closed

    async def end_input(self) -> None:
        """Do nothing: standard input stays open for the next client."""

    def _marked_answer(self, data: str) -> str:
        """Return a line to the program; into a permission goes the id of the call, which the echo of it then has.

        Other answers are followed by the call's result at once, and that names the call too.
        """
        if _ANSWER not in data[:_ANSWER_WITHIN]:
            return data
        message = json.loads(data)
        response = message["response"]
        request = self._opened.get(response["request_id"], {}).get("request", {})
        answer = response.get("response")
        if request.get("tool_name") in (QUESTION_TOOL, PLAN_TOOL) or not isinstance(answer, dict):
            return data
        if answer.get("behavior") != "allow" or not isinstance(request.get("tool_use_id"), str):
            return data
        answer["toolUseID"] = request["tool_use_id"]
        return json.dumps(message) + "\n"

    async def _accepted(self) -> int:
        for status in await self._link.processes():
            if status.name == self._name and status.is_running:
                return status.stdin_offset
        raise SandboxUnavailableError(f"the program {self._name!r} has ended")

    async def _note(self) -> None:
        """Note what is open; a sandbox without room for it costs no more than the note."""
        asks = {key: request for key, request in self._opened.items() if _is_ask(request)}
        try:
            await self._link.write_file(self._notes, json.dumps(asks).encode(), mode=0o600, user=self._user)
        except (InvalidInputError, NotFoundError) as error:
            logger.warning("open requests were not noted", extra={"reason": str(error)})

    async def _noted(self) -> dict[str, dict[str, Any]]:
        """Return what was open when an earlier client wrote it down; what came since is in the journal."""
        try:
            noted = json.loads(await self._link.read_file(self._notes, _MAX_NOTES_BYTES))
        except (ValueError, RecursionError, NotFoundError, TooLargeError, InvalidInputError):
            return {}
        return {key: request for key, request in noted.items() if _is_ask(request)} if isinstance(noted, dict) else {}


def _hellos(requests: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a new client's tool servers must hear before they take the calls among the requests.

    The program greets each server once, and does not know that there is a new one.
    """
    bodies = [body for request in requests if isinstance(body := request.get("request"), dict)]
    servers = [str(body.get("server_name")) for body in bodies if body.get("subtype") == "mcp_message"]
    hello = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    return [
        {
            "type": "control_request",
            "request_id": f"lot-hello-{server}",
            "request": {"subtype": "mcp_message", "server_name": server, "message": hello},
        }
        for server in dict.fromkeys(servers)
    ]


def _is_ask(message: Any) -> bool:
    request = message.get("request") if isinstance(message, dict) else None
    return isinstance(request, dict) and request.get("subtype") == "can_use_tool"


async def _lines(link: GuestLink, name: str, offset: int) -> AsyncIterator[tuple[int, bytes]]:
    """Yield whole lines with the offset behind each; too long ones come cut."""
    line = bytearray()
    async with attached(link, name, "out", offset) as chunks:
        async for chunk in chunks:
            *whole, rest = chunk.data.split(b"\n")
            end = chunk.offset
            for piece in whole:
                end += len(piece) + 1
                line += piece
                yield end, bytes(line)
                line.clear()
            if len(line) + len(rest) <= MAX_LINE_BYTES:
                line += rest


def _marked(line: bytes) -> dict[str, Any] | None:
    """Return a control message, None for every other line."""
    if _MARK not in line:
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kind = message.get("type") if isinstance(message, dict) else None
    return message if isinstance(kind, str) and kind.startswith("control_") else None


def _track(opened: dict[str, dict[str, Any]], message: dict[str, Any]) -> bool:
    """Keep the requests that still wait for an answer; return whether those of the user have changed.

    The program repeats every answer that it has taken.
    """
    match message["type"]:
        case "control_request":
            opened[str(message.get("request_id"))] = message
            return _is_ask(message)
        case "control_cancel_request":
            return _is_ask(opened.pop(str(message.get("request_id")), None))
        case "control_response":
            response = message.get("response")
            request_id = response.get("request_id") if isinstance(response, dict) else None
            return _is_ask(opened.pop(str(request_id), None))
    return False
