"""Raw bytes between a connection of the host and a port inside the sandbox, in both directions, at full speed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

from lot.guest.refusal import Refused

BUFFER_BYTES = 512 << 10
CONNECT_TIMEOUT_S = 5.0


class End(asyncio.Protocol):
    """One end: what it receives goes to its peer, which slows it down when it cannot follow."""

    peer: End
    transport: asyncio.Transport

    def __init__(self) -> None:
        self.has_sent_all = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        self.peer.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the half-close on; the connection ends when both directions have."""
        self.has_sent_all = True
        if not self.peer.transport.is_closing():
            self.peer.transport.write_eof()
        if self.peer.has_sent_all:
            self.peer.transport.close()
            return False
        return True

    def pause_writing(self) -> None:
        """Our buffer is full: the peer must wait."""
        self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        """The peer may go on."""
        self.peer.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Close the other end as well: with an error it cannot have been told everything."""
        if not self.peer.transport.is_closing():
            if error is None:
                self.peer.transport.close()
            else:
                self.peer.transport.abort()
        if not self.closed.done():
            self.closed.set_result(None)


async def connect_local(addresses: Iterable[str], port: int) -> socket.socket:
    """Connect to the first of `addresses` on which something listens."""
    loop = asyncio.get_running_loop()
    for address in addresses:
        try:
            inner = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            continue  # no IPv6 here
        inner.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(inner, (address, port)), CONNECT_TIMEOUT_S)
            inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, asyncio.TimeoutError):  # noqa: UP041 (another class before Python 3.11)
            inner.close()
            continue
        return inner
    raise Refused("unavailable", f"port {port} refused: nothing listens there")


async def relay(outer: asyncio.Transport, inner: socket.socket, greeting: bytes) -> None:
    """Send `greeting` to the host, then join its connection with `inner` until both have ended."""
    outer_end, inner_end = End(), End()
    outer_end.peer, inner_end.peer = inner_end, outer_end
    outer.pause_reading()  # until the inner end can take what comes
    outer.set_protocol(outer_end)
    outer_end.connection_made(outer)
    outer.write(greeting)
    try:
        await asyncio.get_running_loop().create_connection(lambda: inner_end, sock=inner)
        if not outer.is_closing():
            outer.resume_reading()
        await asyncio.wait([outer_end.closed, inner_end.closed])
    finally:
        outer.abort()
        inner.close()
