"""A runner's calls as HTTP and WebSocket: parses, checks the epoch, calls once, shapes the answer.

`POST /calls/<name>` takes and returns JSON; the sockets are `/attach/<process>`, `/records/<run>`, `/watch` and
`/file-changes`. On a socket a text frame `{"error": {...}}` comes last when something went wrong. `wire.py` names what
both sides share.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from lot.core.errors import InvalidInputError, LotError, NotFoundError, StaleEpochError, TooLargeError
from lot.core.ids import AskId
from lot.harness.harness import AgentRecord
from lot.runner.first_error import first_error
from lot.runner.live_pace import send_paced
from lot.runner.operations import Operations
from lot.runner.protocol import (
    AgentOrder,
    Assignment,
    BringUpOrder,
    CommandOrder,
    ConfigureOrder,
    DevOrder,
    PortBody,
    ProcessBody,
    PublishOrder,
    SyncOrder,
    TerminalOrder,
)
from lot.runner.runner import Runner
from lot.runner.ways_in import WaysIn
from lot.runner.wire import (
    EPOCH_HEADER,
    MAX_BODY_BYTES,
    OFFSET,
    RECORD,
    AnswerBody,
    DiffQuery,
    Empty,
    MessageBody,
    PauseQuery,
    ProcessQuery,
    Reached,
    Resize,
    RunQuery,
    StatusQuery,
    Stored,
)
from lot.runner.wire_errors import error_body
from lot.sandbox.link import ProcessStatus

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call: what its body is, what carries it out, and whether repeats join the one under way."""

    body: type[BaseModel]
    carry_out: Callable[[Runner, Any], Awaitable[Any]]
    joins: bool = True
    needs_epoch: bool = True


async def _dev_status(runner: Runner, query: StatusQuery) -> object:
    return await runner.ways.dev.status(query.wait_s)


async def _processes(runner: Runner, _: Empty) -> object:
    return [_process_body(process) for process in await runner.ways.link.processes()]


async def _open_terminal(runner: Runner, order: TerminalOrder) -> object:
    return _process_body(await runner.ways.open_terminal(order))


async def _pass_answer(runner: Runner, body: AnswerBody) -> object:
    return Reached(reached=await runner.ways.answer(AskId(body.ask), body.answer))


async def _ports(runner: Runner, _: Empty) -> object:
    return [
        PortBody(port=port.port, address=port.address, process=port.process, pid=port.pid, command=port.command)
        for port in await runner.ways.link.ports()
    ]


CALLS: Mapping[str, _Call] = {
    "state": _Call(Empty, lambda runner, _: runner.state(), joins=False, needs_epoch=False),
    "assign": _Call(Assignment, Runner.assign, needs_epoch=False),
    "bring_up": _Call(BringUpOrder, Runner.bring_up),
    "sync": _Call(SyncOrder, lambda runner, order: runner.ways.workspace.sync(order)),
    "run_command": _Call(CommandOrder, Runner.run_command),
    "start_dev": _Call(DevOrder, lambda runner, order: runner.ways.dev.start(order)),
    "dev_status": _Call(StatusQuery, _dev_status, joins=False),
    "stop_dev": _Call(Empty, lambda runner, _: runner.ways.dev.stop()),
    "pause": _Call(PauseQuery, lambda runner, query: runner.course.pause(Path(query.into))),
    "start_agent": _Call(AgentOrder, lambda runner, order: runner.ways.start_agent(order)),
    "send_message": _Call(
        MessageBody, lambda runner, body: runner.ways.send_message(body.message_id, body.text, body.attachments)
    ),
    "answer": _Call(AnswerBody, _pass_answer),
    "configure_agent": _Call(ConfigureOrder, lambda runner, order: runner.ways.configure_agent(order)),
    "end_agent": _Call(RunQuery, lambda runner, query: runner.ways.end_agent(query.run)),
    "interrupt": _Call(Empty, lambda runner, _: runner.ways.interrupt()),
    "diff": _Call(DiffQuery, lambda runner, query: runner.ways.workspace.diff(query.base_commit, query.paths)),
    "publish": _Call(PublishOrder, lambda runner, order: runner.ways.workspace.publish(order)),
    "processes": _Call(Empty, _processes, joins=False),
    "open_terminal": _Call(TerminalOrder, _open_terminal),
    "close_terminal": _Call(ProcessQuery, lambda runner, query: runner.ways.close_terminal(query.name)),
    "ports": _Call(Empty, _ports, joins=False),
    "destroy_sandbox": _Call(Empty, lambda runner, _: runner.course.destroy()),
    "retire": _Call(Empty, lambda runner, _: runner.retire(), needs_epoch=False),
}
"""Every call of `RunnerClient` that is a question and an answer."""


def make_app(runner: Runner, operations: Operations) -> Starlette:
    """Return the application that serves a runner."""
    app = Starlette(
        routes=[
            Route("/calls/{name}", _answer_call, methods=["POST"]),
            WebSocketRoute("/attach/{name}", _serve_attach),
            WebSocketRoute("/records/{run:int}", _serve_records),
            WebSocketRoute("/watch", _serve_watch),
            WebSocketRoute("/file-changes", _serve_file_changes),
        ]
    )
    app.state.runner, app.state.operations = runner, operations
    return app


async def _answer_call(request: Request) -> Response:
    runner: Runner = request.app.state.runner
    operations: Operations = request.app.state.operations
    try:
        call = CALLS.get(request.path_params["name"])
        if call is None:
            raise InvalidInputError(f"there is no call {request.path_params['name']!r}")
        _check_epoch(runner, request.headers, is_needed=call.needs_epoch)
        text = await _bounded_body(request)
        body = _parse(call.body, text)
        if call.joins:
            # The same call and the same order: what is under way is joined, what was done says so itself.
            key = f"{request.path_params['name']} {text!r}"
            result = await operations.run(key, lambda: call.carry_out(runner, body))
        else:
            result = await call.carry_out(runner, body)
    except LotError as error:
        return JSONResponse(error_body(error), _status_of(error))
    return Response(_ANY.dump_json(result), media_type="application/json")


def _status_of(error: LotError) -> int:
    """The client reads the code; the status tells the rest of the world apart what went wrong."""
    return 409 if isinstance(error, StaleEpochError) else 422


def _check_epoch(runner: Runner, headers: Mapping[str, str], *, is_needed: bool = True) -> None:
    epoch = headers.get(EPOCH_HEADER)
    if epoch is None or not epoch.isdigit():
        if is_needed:
            raise InvalidInputError(f"{EPOCH_HEADER} names the epoch of every call")
        return
    if is_needed or runner.is_assigned:
        runner.require_epoch(int(epoch))


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise TooLargeError(f"a call has at most {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _parse(model: type[M], text: bytes | str) -> M:
    try:
        return model.model_validate_json(text or b"{}")
    except ValidationError as error:
        raise InvalidInputError(f"the call's body is not acceptable: {error}") from error


@asynccontextmanager
async def _answering(socket: WebSocket) -> AsyncIterator[Runner]:
    """Accept a socket; close it in order at the end of the block, with what went wrong."""
    runner: Runner = socket.app.state.runner
    await socket.accept()
    try:
        _check_epoch(runner, socket.headers)
        yield runner
    except Exception as error:
        cause = first_error(error)
        if isinstance(cause, WebSocketDisconnect):
            return  # the reader has gone, which is its right
        if not isinstance(cause, LotError):
            logger.exception("socket failed", extra={"path": socket.url.path})
            cause = LotError(f"{type(cause).__name__}: {cause}")
        with suppress(WebSocketDisconnect):
            await socket.send_json({"error": error_body(cause)})
    with suppress(WebSocketDisconnect):
        await socket.close()


async def _serve_attach(socket: WebSocket) -> None:
    name, stream = socket.path_params["name"], socket.query_params.get("stream", "out")
    async with _answering(socket) as runner:
        offset = _number(socket, "offset")
        ways = runner.ways
        with ways.stream():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_pass_input_on, socket, ways, name)
                async with _closing(ways.link.attach(name, stream, offset)) as chunks:
                    async for chunk in chunks:
                        await socket.send_bytes(OFFSET.pack(chunk.offset) + chunk.data)
                tasks.cancel_scope.cancel()


async def _pass_input_on(socket: WebSocket, ways: WaysIn, name: str) -> None:
    while True:
        frame = await _next_frame(socket)
        with suppress(NotFoundError):  # it has ended; its output says so
            if isinstance(frame, bytes):
                await ways.link.write(name, frame)
            else:
                size = _parse(Resize, frame)
                await ways.link.resize(name, size.rows, size.columns)


async def _serve_records(socket: WebSocket) -> None:
    run = socket.path_params["run"]
    async with _answering(socket) as runner:
        offset, program = _number(socket, "offset"), socket.query_params.get("program", "claude")
        ways = runner.ways
        with ways.stream():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_take_note_of_stored, socket, ways, run)
                async with _closing(ways.records(run, offset, program)) as records:
                    await send_paced(records, partial(_send_record, socket))
                tasks.cancel_scope.cancel()


async def _send_record(socket: WebSocket, record: AgentRecord) -> None:
    await socket.send_text(f'{{"record":{RECORD.dump_json(record).decode()}}}')


async def _take_note_of_stored(socket: WebSocket, ways: WaysIn, run: int) -> None:
    while True:
        frame = await _next_frame(socket)
        await ways.stored(run, _parse(Stored, frame).ack)


async def _serve_watch(socket: WebSocket) -> None:
    async with _answering(socket) as runner, anyio.create_task_group() as tasks:
        tasks.start_soon(_next_frame, socket)  # raises when the reader goes
        async with _closing(runner.news.watch()) as watched:
            async for news in watched:
                await socket.send_text(f'{{"news":{news.model_dump_json()}}}')


async def _serve_file_changes(socket: WebSocket) -> None:
    async with _answering(socket) as runner:
        with runner.ways.stream():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_next_frame, socket)  # raises when the reader goes
                async with _closing(runner.course.file_changes()) as changes:
                    async for _ in changes:
                        await socket.send_text("{}")


@asynccontextmanager
async def _closing(items: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close a generator at the end of the block, and with it the connection that it reads from."""
    try:
        yield items
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()


async def _next_frame(socket: WebSocket) -> bytes | str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    data: bytes | None = message.get("bytes")
    text: str = message.get("text") or ""
    return text if data is None else data


def _number(socket: WebSocket, name: str) -> int:
    value = socket.query_params.get(name, "0")
    if not value.isdigit():
        raise InvalidInputError(f"{name} is a number of bytes, not {value[:40]!r}")
    return int(value)


def _process_body(process: ProcessStatus) -> ProcessBody:
    return ProcessBody(
        name=process.name,
        pid=process.pid,
        is_running=process.is_running,
        exit_code=process.exit_code,
        starts=dict(process.starts),
        ends=dict(process.ends),
        started_at=process.started_at,
    )
