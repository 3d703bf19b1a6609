"""The transport between the SDK and a durable pipe: what an earlier client left open, and input written once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from claude_agent_sdk import CLIConnectionError

from lot.core.errors import SandboxUnavailableError
from lot.harness.claude_transport import PipeTransport
from lot.sandbox.link import Chunk, ProcessStatus

pytestmark = pytest.mark.anyio


class ShakyLink:
    """A guest with one process, whose answers to writes may be lost."""

    def __init__(self, output: bytes, size: int = 1 << 20) -> None:
        self.output, self.size = output, size
        self.input = b""
        self.loses = 0

    async def attach(self, name: str, stream: str = "out", offset: int = 0) -> AsyncIterator[Chunk]:
        for at in range(offset, len(self.output), self.size):
            yield Chunk(offset=at, data=self.output[at : at + self.size])

    async def write(self, name: str, data: bytes, *, offset: int | None = None) -> int:
        assert offset is not None
        self.input += data[len(self.input) - offset :]
        if self.loses:
            self.loses -= 1
            raise SandboxUnavailableError("the answer was lost")
        return len(self.input)

    async def processes(self) -> tuple[ProcessStatus, ...]:
        return (self.status(len(self.output)),)

    def status(self, end: int, start: int = 0) -> ProcessStatus:
        return ProcessStatus(
            name="agent-1",
            pid=1,
            is_running=True,
            exit_code=None,
            started_at=0.0,
            stdin_offset=len(self.input),
            ends={"out": end, "err": 0},
            starts={"out": start, "err": 0},
        )


def line(**given: Any) -> bytes:
    return json.dumps(given, separators=(",", ":")).encode() + b"\n"


def asks(request_id: str) -> bytes:
    return line(type="control_request", request_id=request_id, request={"subtype": "can_use_tool"})


async def read(link: ShakyLink, end: int, start: int = 0) -> list[str]:
    transport = PipeTransport(link, link.status(end, start))  # type: ignore[arg-type]
    seen = []
    try:
        async for message in transport.read_messages():
            seen.append(message["request_id"])
    except CLIConnectionError:  # the program has ended; the SDK lets its waiting requests fail
        return seen
    raise AssertionError("the end of the program was not said")


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
async def test_requests_left_open_are_asked_again(size: int) -> None:
    text = {"type": "assistant", "message": {"content": '"type":"control_request","request_id":"none"'}}
    old = asks("answered") + line(type="result") + asks("cancelled") + asks("open") + json.dumps(text).encode() + b"\n"
    old += line(type="control_cancel_request", request_id="cancelled") + b"not json\n"
    new = line(type="control_response", request_id="initialize") + asks("new") + line(type="result")
    link = ShakyLink(old + new, size)
    assert await read(link, len(old)) == ["open", "initialize", "new"]
    cut = len(old) - 5  # the end of what was there lies within a line
    assert await read(link, cut) == ["open", "initialize", "new"]
    assert await read(link, 0) == ["answered", "cancelled", "open", "cancelled", "initialize", "new"]


async def test_input_is_written_once_although_an_answer_was_lost() -> None:
    link = ShakyLink(b"")
    transport = PipeTransport(link, link.status(0))  # type: ignore[arg-type]
    await transport.write("a\n")
    link.loses = 1
    with pytest.raises(SandboxUnavailableError):
        await transport.write("b\n")
    await transport.write("c\n")
    assert link.input == b"a\nb\nc\n"
