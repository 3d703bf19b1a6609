"""The transport between the SDK and a durable pipe: what an earlier client left open, and input written once."""

import json
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from claude_agent_sdk import CLIConnectionError

from lot.core.errors import NotFoundError, SandboxUnavailableError
from lot.harness.claude_transport import PipeTransport
from lot.sandbox.link import Chunk, ProcessStatus

pytestmark = pytest.mark.anyio


class ShakyLink:
    """A guest with one process, whose answers to writes may be lost."""

    def __init__(self, output: bytes, size: int = 1 << 20) -> None:
        self.output, self.size = output, size
        self.input = b""
        self.files: dict[PurePosixPath, bytes] = {}
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

    async def read_file(self, path: PurePosixPath, max_bytes: int = 0) -> bytes:
        if path not in self.files:
            raise NotFoundError(f"{path} is not there")
        return self.files[path]

    async def write_file(self, path: PurePosixPath, data: bytes, *, mode: int = 0o644, user: str = "lot") -> None:
        self.files[path] = data

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


def asks(request_id: str, tool: str = "Bash") -> bytes:
    request = {"subtype": "can_use_tool", "tool_name": tool, "tool_use_id": f"toolu_{request_id}"}
    return line(type="control_request", request_id=request_id, request=request)


def answers(request_id: str, behavior: str = "allow") -> bytes:
    response = {"subtype": "success", "request_id": request_id, "response": {"behavior": behavior}}
    return line(type="control_response", response=response)


def transport_to(link: ShakyLink, end: int, start: int = 0) -> PipeTransport:
    return PipeTransport(link, link.status(end, start), PurePosixPath("/notes"), "lot")  # type: ignore[arg-type]


async def read(link: ShakyLink, end: int, start: int = 0) -> list[str]:
    transport = transport_to(link, end, start)
    seen = []
    try:
        async for message in transport.read_messages():
            seen.append(message.get("request_id", "response"))
    except CLIConnectionError:  # the program has ended; the SDK lets its waiting requests fail
        return seen
    raise AssertionError("the end of the program was not said")


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
async def test_requests_left_open_are_asked_again(size: int) -> None:
    text = {"type": "assistant", "message": {"content": '"type":"control_request","request_id":"none"'}}
    old = asks("answered") + answers("answered") + asks("cancelled") + asks("open") + json.dumps(text).encode() + b"\n"
    old += line(type="control_cancel_request", request_id="cancelled") + b"not json\n"
    new = line(type="control_response", response={"request_id": "initialize"}) + asks("new") + line(type="result")
    assert await read(ShakyLink(old + new, size), len(old)) == ["open", "response", "new"]
    cut = len(old) - 5  # the end of what was there lies within a line
    assert await read(ShakyLink(old + new, size), cut) == ["open", "response", "new"]
    assert await read(ShakyLink(old + new, size), 0) == [
        "answered", "response", "cancelled", "open", "cancelled", "response", "new",
    ]  # fmt: skip


async def test_input_is_written_once_although_an_answer_was_lost() -> None:
    link = ShakyLink(b"")
    transport = transport_to(link, 0)
    await transport.write("a\n")
    link.loses = 1
    with pytest.raises(SandboxUnavailableError):
        await transport.write("b\n")
    await transport.write("c\n")
    assert link.input == b"a\nb\nc\n"


async def test_open_requests_are_found_although_the_journal_has_forgotten_them() -> None:
    mcp = line(type="control_request", request_id="mcp", request={"subtype": "mcp_message"})
    output = asks("one") + asks("two") + mcp + answers("one")
    link = ShakyLink(output)
    await read(link, 0)
    link.output += line(type="control_response", response={"request_id": "initialize"})
    assert await read(link, len(output), len(output)) == ["two", "response"]
    link.files = dict.fromkeys(link.files, b'{"bad": 1, "worse": {"request": []}')
    assert await read(link, len(output), len(output)) == ["response"]


async def test_tool_servers_of_a_new_client_are_greeted_before_they_are_called_again() -> None:
    call = {"subtype": "mcp_message", "server_name": "lot", "message": {"method": "tools/call"}}
    old = line(type="control_request", request_id="one", request=call) + asks("question")
    old += line(type="control_request", request_id="two", request=call)
    new = line(type="control_response", response={"request_id": "initialize"})
    assert await read(ShakyLink(old + new), len(old)) == ["lot-hello-lot", "one", "question", "two", "response"]
    old += answers("one") + answers("two")
    assert await read(ShakyLink(old + new), len(old)) == ["question", "response"]


async def test_permission_names_its_call_and_other_answers_stay_as_they_are() -> None:
    link = ShakyLink(asks("bash") + asks("question", "AskUserQuestion") + asks("denied"))
    transport = transport_to(link, 0)
    with pytest.raises(CLIConnectionError):
        async for _ in transport.read_messages():
            pass
    given = [answers("bash"), answers("question"), answers("denied", "deny"), answers("unknown"), b'{"type":"user"}\n']
    for data in given:
        await transport.write(data.decode())
    written = link.input.splitlines(keepends=True)
    assert written[1:] == given[1:]
    assert json.loads(written[0])["response"]["response"] == {"behavior": "allow", "toolUseID": "toolu_bash"}


async def test_long_input_goes_in_pieces() -> None:
    link = ShakyLink(b"")
    long = "x" * (9 << 20) + "\n"
    await transport_to(link, 0).write(long)
    assert link.input == long.encode()
