"""A unix socket inside the sandbox that leads to the host's gateway.

The agent program speaks to the model through it and so holds no TCP connection of its own: after a restore, gVisor may
tell of a TCP socket that was closed long before, and the agent's runtime crashes on that (seen: one restore in
four with TCP, none of sixteen this way).
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from lot.guest.refusal import Refused
from lot.guest.relay import End, connect_local

SOCKET_FILE = "gateway.sock"


async def open_door(state: str, gateway: str, port: int) -> asyncio.AbstractServer:
    """Listen at `<state>/gateway.sock`, for every user of the sandbox; each visitor is led to the gateway."""
    path = os.path.join(state, SOCKET_FILE)
    with suppress(FileNotFoundError):
        os.unlink(path)
    server = await asyncio.get_running_loop().create_unix_server(lambda: _Visitor(gateway, port), path)
    os.chmod(path, 0o666)
    return server


class _Visitor(End):
    """A program's end; what comes before the gateway's end is there is kept for it."""

    def __init__(self, gateway: str, port: int) -> None:
        super().__init__()
        self._gateway, self._port = gateway, port
        self._leading: asyncio.Task[None] | None = None
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, and look for the gateway."""
        super().connection_made(transport)
        self.peer = End()
        self.peer.peer = self
        self._leading = asyncio.get_running_loop().create_task(self._lead())

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, or keep the first ones."""
        if self._is_led():
            super().data_received(data)
        else:
            # Pausing when the connection is made would come too early: asyncio before 3.12 then starts to read.
            self._early += data
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Pass the half-close on, or keep it."""
        if self._is_led():
            return super().eof_received()
        self.has_sent_all = True
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """Close the gateway's end as well, if it came to be."""
        if self._is_led():
            super().connection_lost(error)
        elif self._leading is not None:
            self._leading.cancel()

    def _is_led(self) -> bool:
        return hasattr(self.peer, "transport")

    async def _lead(self) -> None:
        try:
            inner = await connect_local((self._gateway,), self._port)
        except Refused:
            self.transport.abort()
            return
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.peer, sock=inner)
        except asyncio.CancelledError:
            inner.close()
            raise
        self.peer.transport.write(self._early)
        if self.has_sent_all:
            self.peer.transport.write_eof()
        self.transport.resume_reading()
