"""Serves the rehearsal: on a unix socket inside the control plane, or on a port by itself."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import uvicorn
from starlette.types import ASGIApp

from lot.rehearsal.app import Rehearsal

START_TIMEOUT_S = 10.0


class _Server(uvicorn.Server):
    """Leaves signals to the program that it is part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serve_rehearsal(socket: Path, rehearsal: Rehearsal | None = None) -> AsyncIterator[Rehearsal]:
    """Serve on a unix socket, which only this user may open, for the length of the block."""
    rehearsal = rehearsal or Rehearsal()
    async with serve_on_socket(rehearsal.app(), socket):
        yield rehearsal


@asynccontextmanager
async def serve_on_socket(app: ASGIApp, socket: Path) -> AsyncIterator[None]:
    """Serve any application on a unix socket, which only this user may open; requests are broken off at the end."""
    socket.unlink(missing_ok=True)
    config = uvicorn.Config(app, uds=str(socket), interface="asgi3", lifespan="off", log_config=None, access_log=False)
    server = _Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve)
        with anyio.fail_after(START_TIMEOUT_S):
            while not server.started:  # noqa: ASYNC110 - the server has a flag, no event
                await anyio.sleep(0.005)
        socket.chmod(0o600)
        try:
            yield
        finally:
            server.should_exit = server.force_exit = True
    socket.unlink(missing_ok=True)


def serve_on_port(rehearsal: Rehearsal, port: int) -> None:
    """Serve on a port of the loopback interface until interrupted."""
    uvicorn.run(rehearsal.app(), host="127.0.0.1", port=port, lifespan="off", log_level="warning")
