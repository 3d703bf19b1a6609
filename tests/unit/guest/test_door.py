"""The guest's unix socket to the gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from lot.guest.door import SOCKET_FILE, open_door

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _visit(folder: Path, handler: Handler) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Visit a gateway through the door; everything has ended when the block has."""
    ended = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handler(reader, writer)
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    gateway = await asyncio.start_server(handle, "127.0.0.1", 0)
    door = await open_door(str(folder), "127.0.0.1", gateway.sockets[0].getsockname()[1])
    reader, writer = await asyncio.open_unix_connection(str(folder / SOCKET_FILE))
    async with asyncio.timeout(10):
        yield reader, writer
        writer.close()
        await writer.wait_closed()
        await ended.wait()
    for server in (door, gateway):
        server.close()
        await server.wait_closed()


async def test_a_visitor_reaches_the_gateway_and_half_closes_pass(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)

    sent = b"question" * 50_000
    async with _visit(tmp_path, echo) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == sent


async def test_what_the_gateway_closes_is_closed_for_the_visitor(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        return None

    async with _visit(tmp_path, hang_up) as (reader, _):
        assert await reader.read() == b""


async def test_without_a_gateway_the_visitor_is_refused_at_once(tmp_path: Path) -> None:
    door = await open_door(str(tmp_path), "127.0.0.1", 1)
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / SOCKET_FILE))
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    door.close()
    await door.wait_closed()
