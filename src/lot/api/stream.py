"""Live streams over WebSocket: a session's transcript, and the output and input of its processes."""

from collections.abc import Iterator

import anyio
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, ValidationError

from lot.api.schemas.sessions import ChangeFrame, PartFrame
from lot.core.errors import LotError, NotFoundError
from lot.core.ids import SessionId
from lot.engine.bus import Stretch, Told
from lot.engine.engine import Engine
from lot.engine.live import Change
from lot.runner.client import TerminalStream

CLOSE_DELETED = 4404
CLOSE_UNAVAILABLE = 4503


class _Resize(BaseModel):
    rows: int = Field(ge=1, le=1000)
    columns: int = Field(ge=1, le=1000)


def stream_routes(engine: Engine) -> APIRouter:
    """Return the WebSocket routes."""
    router = APIRouter(prefix="/api/sessions")

    @router.websocket("/{session}/events/stream")
    async def stream_events(socket: WebSocket, session: str, after: int = 0, in_pages: bool = False) -> None:
        """Send every event from number `after + 1` on as JSON, live; close with 4404 when the session is gone.

        `in_pages`: events that are there already come many to a frame, `{"page": [...]}`, which a browser takes in far
        sooner than each alone.

        Between them come frames `{"part": ...}`: what is still being written, until its event stands in its place;
        and `{"changed": "ports"}` or `{"changed": "diff"}`: the ports, or the diff, are to be read anew.
        """
        await socket.accept()
        async with anyio.create_task_group() as group:
            group.start_soon(until_closed, socket, group.cancel_scope)
            try:
                async for told in engine.follow_live(SessionId(session), after):
                    for frame in _frames(told, in_pages=in_pages):
                        await socket.send_text(frame)
            except NotFoundError as error:
                await socket.close(CLOSE_DELETED, str(error)[:120])
            except WebSocketDisconnect:
                pass
            group.cancel_scope.cancel()

    @router.websocket("/{session}/processes/{name}/stream")
    async def stream_process(socket: WebSocket, session: str, name: str, stream: str = "out", offset: int = 0) -> None:
        """Send a process's output from byte `offset` on: 8-byte big-endian offset, then the data, per binary frame.

        Binary frames from the client are input; text frames `{"rows", "columns"}` resize. Ends when the process has.
        """
        await socket.accept()
        try:
            client = engine.client_of(SessionId(session))
            async with (
                client.attach(name, stream=stream, offset=max(0, offset)) as terminal,
                anyio.create_task_group() as group,
            ):
                group.start_soon(_take_input, engine, SessionId(session), socket, terminal, group.cancel_scope)
                async for chunk in terminal:
                    await socket.send_bytes(chunk.offset.to_bytes(8, "big") + chunk.data)
                await socket.close()
                group.cancel_scope.cancel()
        except NotFoundError as error:
            await _close(socket, CLOSE_DELETED, str(error))
        except (LotError, BaseExceptionGroup) as error:
            await _close(socket, CLOSE_UNAVAILABLE, str(error))

    return router


def _frames(told: Told, *, in_pages: bool) -> Iterator[str]:
    """Yield what is sent of it, as JSON."""
    if isinstance(told, Change):
        yield ChangeFrame(changed=told.value).model_dump_json()
    elif isinstance(told, Stretch):
        frames = [stored.model_dump_json() for stored in told.events]
        yield from [f'{{"page":[{",".join(frames)}]}}'] if in_pages and len(frames) > 1 else frames
    else:
        for part in told:
            yield PartFrame(part=part).model_dump_json()


async def until_closed(socket: WebSocket, scope: anyio.CancelScope) -> None:
    """Cancel a scope once the client has closed a socket on which it has nothing to say."""
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, KeyError):
        scope.cancel()


async def _take_input(
    engine: Engine, session: SessionId, socket: WebSocket, terminal: TerminalStream, scope: anyio.CancelScope
) -> None:
    """Pass on what the client types; typing counts as use of the session."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            scope.cancel()
            return
        if message.get("bytes"):
            await terminal.send(message["bytes"])
            await engine.extend(session, "terminal in use")
        elif message.get("text"):
            try:
                size = _Resize.model_validate_json(message["text"])
            except ValidationError:
                continue
            await terminal.resize(size.rows, size.columns)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    # The client may be gone already, which is as good as closed.
    try:
        await socket.close(code, reason[:120])
    except RuntimeError:
        return
