"""The SDK's `Transport` over a durable pipe: control messages only.

What the agent says besides goes to the store by `claude_output.py`, on a reader of its own; the SDK sees the control
protocol alone and so never makes the pipe wait.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
from claude_agent_sdk import CLIConnectionError, Transport

from lot.core.errors import SandboxUnavailableError
from lot.harness.claude_output import MAX_LINE_BYTES, attached
from lot.sandbox.link import GuestLink, ProcessStatus

_MARKS = (b'"type":"control_', b'"type":"result"')
"""In a line of the CLI these bytes are no text: quotes within texts are escaped."""


class PipeTransport(Transport):
    """Connects the SDK's client to a program that runs already.

    Requests that the program made to an earlier client, and that are still open, are given to this one.
    """

    def __init__(self, link: GuestLink, status: ProcessStatus) -> None:
        self._link, self._name = link, status.name
        self._start, self._now = status.starts.get("out", 0), status.ends.get("out", 0)
        self._input_offset: int | None = status.stdin_offset
        self._writing = anyio.Lock()
        self._is_closed = False

    async def connect(self) -> None:
        """Do nothing: the program runs already."""

    async def write(self, data: str) -> None:
        """Write exactly once; after a failure the guest is asked how much was accepted."""
        async with self._writing:
            offset = await self._accepted() if self._input_offset is None else self._input_offset
            self._input_offset = None
            self._input_offset = await self._link.write(self._name, data.encode(), offset=offset)

    async def read_messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the requests that an earlier client left open, then every control message that comes."""
        opened: dict[str, dict[str, Any]] = {}
        is_old = self._start < self._now
        async for end, line in _lines(self._link, self._name, self._start):
            if is_old and end > self._now:
                # The first line behind what was there already; at the latest the answer to `initialize`.
                is_old = False
                for request in opened.values():
                    yield request
            message = _marked(line)
            if message is None:
                continue
            if is_old:
                _track(opened, message)
            elif message["type"] != "result":
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

    async def _accepted(self) -> int:
        for status in await self._link.processes():
            if status.name == self._name and status.is_running:
                return status.stdin_offset
        raise SandboxUnavailableError(f"the program {self._name!r} has ended")


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
    """Return a control message or a result, None for every other line."""
    if not any(mark in line for mark in _MARKS):
        return None
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kind = message.get("type") if isinstance(message, dict) else None
    return message if isinstance(kind, str) and (kind == "result" or kind.startswith("control_")) else None


def _track(opened: dict[str, dict[str, Any]], message: dict[str, Any]) -> None:
    """Keep the requests that still wait for an answer: not cancelled, and of a turn that has not ended."""
    match message["type"]:
        case "control_request":
            opened[str(message.get("request_id"))] = message
        case "control_cancel_request":
            opened.pop(str(message.get("request_id")), None)
        case "result":
            opened.clear()
