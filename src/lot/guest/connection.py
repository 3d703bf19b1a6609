"""One connection of the host: reads its call, sends the answer, and notices when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from lot.guest import wire
from lot.guest.refusal import Refused

SEND_BUFFER_BYTES = 512 << 10
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

T = TypeVar("T")


class Connection:
    """One connection of the host: its call, and what is left of the call's body."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        self._body_left = 0
        self.task = asyncio.current_task()
        writer.transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)

    async def request(self) -> dict[str, Any]:
        """Return the head of the request."""
        too_slow = asyncio.get_running_loop().call_later(wire.REQUEST_TIMEOUT_S, self.reset)
        try:
            prefix = await self._reader.readexactly(wire.PREFIX.size)
            head_bytes, self._body_left = wire.lengths(prefix, max(wire.MAX_FILE_BYTES, wire.MAX_INPUT_BYTES))
            return wire.decode(await self._reader.readexactly(head_bytes))
        finally:
            too_slow.cancel()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the request's body as it comes."""
        while self._body_left:
            piece = await self._reader.read(min(self._body_left, wire.MAX_CHUNK_BYTES))
            if not piece:
                raise asyncio.IncompleteReadError(b"", self._body_left)
            self._body_left -= len(piece)
            yield piece

    async def body(self, max_bytes: int) -> bytes:
        """Return the request's body."""
        if self._body_left > max_bytes:
            raise Refused("too_large", f"{self._body_left} bytes are more than {max_bytes}")
        return b"".join([piece async for piece in self.pieces()])

    async def send(self, head: dict[str, Any], body: bytes = b"") -> None:
        """Send one message, at the pace of the host."""
        self.writer.write(wire.encode(head, body))
        await self.writer.drain()
        await asyncio.sleep(0)  # draining does not wait while the host is quick, and others want their turn

    async def refuse(self, code: str, message: str) -> None:
        """Answer with an error, once the host has sent the whole request and listens."""
        async for _ in self.pieces():
            pass
        await self.send({"error": {"code": code, "message": message[:2000]}})

    async def gone(self) -> None:
        """Return when the host has closed the connection, or breaks the protocol by sending more."""
        await self._reader.read(1)

    def reset(self) -> None:
        """Drop the connection without leaving a trace of it in the network stack."""
        transport = self.writer.transport
        if transport.is_closing():
            return
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()


async def while_wanted(connection: Connection, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`; cancel it when the host goes away meanwhile."""
    working, going = asyncio.ensure_future(work), asyncio.ensure_future(connection.gone())
    try:
        await asyncio.wait((working, going), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise EOFError
        return working.result()
    finally:
        going.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait((working,))
