"""The link against guests that lie: whatever comes back, the caller gets an error of ours, and soon."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream

from lot.core.errors import InvalidInputError, SandboxUnavailableError, TooLargeError
from lot.guest import wire
from lot.sandbox import tcp_link
from lot.sandbox.link import CommandRequest, ListeningPort
from lot.sandbox.tcp_link import TcpLink

pytestmark = pytest.mark.anyio

STATUS = {
    "name": "dev",
    "run": 1,
    "pid": 2,
    "is_running": True,
    "exit_code": None,
    "started_at": 1.0,
    "stdin_offset": 0,
    "ends": {"out": 0, "err": 0},
    "starts": {"out": 0, "err": 0},
}


@asynccontextmanager
async def guest_that_says(*answer: bytes, hangs: bool = False) -> AsyncIterator[TcpLink]:
    """Link to a guest that answers every call with the same bytes."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            for part in answer:
                await stream.send(part)
            if hangs:
                await anyio.sleep_forever()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        link = TcpLink(_opener(port))
        yield link
        await link.close()
        tasks.cancel_scope.cancel()


async def follow_ports(link: TcpLink) -> list[object]:
    return [listening async for listening in link.follow_ports()]


async def attach(link: TcpLink) -> list[object]:
    return [chunk async for chunk in link.attach("dev", offset=10)]


async def run(link: TcpLink) -> object:
    return await link.run(CommandRequest(argv=("true",), max_output_bytes=10))


CALLS: list[Callable[[TcpLink], Awaitable[Any]]] = [
    lambda link: link.health(),
    run,
    lambda link: link.processes(),
    lambda link: link.ports(),
    lambda link: link.stop("dev"),
    lambda link: link.write("dev", b"x"),
    lambda link: link.read_file(PurePosixPath("/a"), max_bytes=10),
    lambda link: link.wake(),
    attach,
    follow_ports,
]

LIES = {
    "nothing": b"",
    "noise": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "huge head": wire.PREFIX.pack(2**32 - 1, 0),
    "huge body": wire.PREFIX.pack(2, 2**32 - 1) + b"{}",
    "cut short": wire.encode({"end": True})[:-3],
    "no object": wire.PREFIX.pack(2, 0) + b"[]",
    "no fields": wire.encode({}),
    "wrong types": wire.encode(dict.fromkeys(["protocol", "exit_code", "processes", "ports", "offset", "end"], "x")),
    "unasked body": wire.encode({}, b"x" * 100),
    "error without words": wire.encode({"error": []}),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_lie_becomes_an_error_of_ours(call: Callable[[TcpLink], Awaitable[Any]], lie: bytes) -> None:
    async with guest_that_says(lie) as link:
        with anyio.fail_after(5), pytest.raises(SandboxUnavailableError):
            await call(link)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"pid": -1},
        {"pid": 2.5},
        {"is_running": 1},
        {"exit_code": 1 << 40},
        {"started_at": float("nan")},
        {"started_at": float("inf")},
        {"ends": {"out": 1}},
        {"ends": [1, 2]},
        {"stdin_offset": True},
    ],
)
async def test_status_with_a_wrong_field_is_not_believed(changes: dict[str, object]) -> None:
    async with guest_that_says(wire.encode({"processes": [{**STATUS, **changes}]})) as link:
        with pytest.raises(SandboxUnavailableError, match="protocol"):
            await link.processes()


async def test_ports_of_an_older_guest_and_of_one_that_says_too_much_are_bounded() -> None:
    old = {"port": 80, "address": "0.0.0.0", "process": None}
    wordy = {"port": 81, "address": "1" * 1000, "process": "dev", "pid": 7, "command": "\x1b[31m" + "x" * 1000}
    many = [{**old, "port": port} for port in range(6999, 6999 + 2000)]
    async with guest_that_says(wire.encode({"ports": [old, wordy, *many]})) as link:
        found = await link.ports()
    assert found[0] == ListeningPort(port=80, address="0.0.0.0", process=None)
    assert (found[1].address, found[1].command) == ("1" * 45, " [31m" + "x" * 59)
    assert len(found) == 1023
    assert wire.GUEST_PORT not in [one.port for one in found]


@pytest.mark.parametrize("changes", [{"port": 0}, {"port": 1 << 16}, {"pid": 0}, {"pid": "1"}, {"command": 7}])
async def test_port_with_a_wrong_field_is_not_believed(changes: dict[str, object]) -> None:
    port = {"port": 80, "address": "::", "process": None, "pid": 1, "command": "x", **changes}
    async with guest_that_says(wire.encode({"ports": [port]})) as link:
        with pytest.raises(SandboxUnavailableError, match="protocol"):
            await link.ports()


async def test_error_of_the_guest_becomes_one_of_ours_in_printable_words() -> None:
    said = wire.encode({"error": {"code": "invalid", "message": "a\x1b[31m\nb" + "x" * 100_000}})
    async with guest_that_says(said) as link:
        with pytest.raises(InvalidInputError) as caught:
            await link.health()
    assert str(caught.value).startswith("a [31m bxxx")
    assert len(str(caught.value)) == 2000


async def test_error_code_unknown_to_us_means_unavailable() -> None:
    async with guest_that_says(wire.encode({"error": {"code": "__class__", "message": "x"}})) as link:
        with pytest.raises(SandboxUnavailableError):
            await link.health()


async def test_journal_that_runs_backwards_is_not_believed() -> None:
    chunk = wire.encode({"offset": 10}, b"abc")
    async with guest_that_says(chunk, chunk) as link:
        chunks = link.attach("dev", offset=10)
        assert (await anext(chunks)).data == b"abc"
        with pytest.raises(SandboxUnavailableError):
            await anext(chunks)


async def test_file_longer_than_asked_for_is_not_read_on() -> None:
    async with guest_that_says(*[wire.encode({}, b"x" * 1000)] * 3, hangs=True) as link:
        with anyio.fail_after(5), pytest.raises(SandboxUnavailableError):
            await link.read_file(PurePosixPath("/a"), max_bytes=1500)


async def test_silent_guest_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_link, "SILENCE_TIMEOUT_S", 0.05)
    async with guest_that_says(hangs=True) as link:
        with pytest.raises(SandboxUnavailableError, match="did not answer within"):
            await attach(link)


async def test_signs_of_life_are_no_chunks() -> None:
    beat, end = wire.encode({"beat": True}), wire.encode({"end": True})
    async with guest_that_says(beat, wire.encode({"offset": 12}, b"x"), beat, end) as link:
        assert [(chunk.offset, chunk.data) async for chunk in link.attach("dev", offset=10)] == [(12, b"x")]


async def test_guest_without_its_interface_is_unavailable() -> None:
    async with guest_that_says(wire.encode({"ahead_s": 0.0, "has_interface": False})) as link:
        with pytest.raises(SandboxUnavailableError, match="interface"):
            await link.wake()


async def test_too_much_to_send_is_refused_before_a_connection_is_made() -> None:
    async def never() -> socket.socket:
        raise AssertionError("connected")

    link = TcpLink(never)
    with pytest.raises(TooLargeError):
        await link.write("dev", bytes(wire.MAX_INPUT_BYTES + 1))
    with pytest.raises(TooLargeError):
        await link.run(CommandRequest(argv=("echo", "x" * wire.MAX_HEAD_BYTES)))


async def test_guest_that_cannot_be_reached_is_unavailable() -> None:
    async def refused() -> socket.socket:
        raise ConnectionRefusedError

    with pytest.raises(SandboxUnavailableError):
        await TcpLink(refused).health()


def _opener(port: int) -> Callable[[], Awaitable[socket.socket]]:
    async def open_socket() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setblocking(False)
        return connection

    return open_socket
