"""What an agent's own tools may ask of the control plane for their session; their runner asks, with its pass."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lot.broker.passes import PassControl
from lot.core.errors import (
    CallerError,
    InvalidInputError,
    LotError,
    NotFoundError,
    StaleEpochError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
)
from lot.core.ids import SessionId
from lot.core.records import SetupCommands
from lot.runner.wire_errors import error_body

MAX_TITLE_CHARS = 300
MAX_BODY_CHARS = 60_000
MAX_COMMAND_CHARS = 16_384
_MAX_REQUEST_BYTES = 1 << 20

Publish = Callable[[SessionId, str | None, str | None], Awaitable[str]]
"""Given session, title and body: opens or updates the session's pull request, and returns what to tell the agent."""

Propose = Callable[[SessionId, SetupCommands], Awaitable[str]]
"""Has the project of a setup session built by these commands, and returns what to tell the agent."""

Restart = Callable[[SessionId], Awaitable[bool]]
"""Restarts a session's dev server with the newest environment; returns whether it has one."""

Answer = dict[str, str | bool]
_Body = TypeVar("_Body", bound=BaseModel)


class _PullRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str | None = Field(default=None, max_length=MAX_TITLE_CHARS)
    body: str | None = Field(default=None, max_length=MAX_BODY_CHARS)


class _Setup(BaseModel):
    model_config = ConfigDict(extra="forbid")
    setup_command: str | None = Field(default=None, max_length=MAX_COMMAND_CHARS)
    dev_command: str | None = Field(default=None, max_length=MAX_COMMAND_CHARS)
    port: int | None = Field(default=None, ge=1, le=65_535)


def create_session_app(control: PassControl, publish: Publish, propose: Propose, restart: Restart) -> Starlette:
    """Return the application, to be mounted at `/session`."""

    async def make_pull_request(request: Request) -> Answer:
        session_id = (await control.admit(request)).session_id
        asked = _parsed(_PullRequest, await _bounded_body(request))
        return {"text": await publish(session_id, asked.title, asked.body)}

    async def propose_setup(request: Request) -> Answer:
        session_id = (await control.admit(request)).session_id
        asked = _parsed(_Setup, await _bounded_body(request))
        return {"text": await propose(session_id, SetupCommands(**asked.model_dump()))}

    async def restart_dev_server(request: Request) -> Answer:
        session_id = (await control.admit(request)).session_id
        return {"has_dev_server": await restart(session_id)}

    return Starlette(
        routes=[
            Route("/pull-request", _answering(make_pull_request), methods=["POST"]),
            Route("/setup", _answering(propose_setup), methods=["POST"]),
            Route("/dev-server/restart", _answering(restart_dev_server), methods=["POST"]),
        ]
    )


def _answering(work: Callable[[Request], Awaitable[Answer]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            return JSONResponse(await work(request))
        except LotError as error:
            return JSONResponse(error_body(error), _status(error))

    return answer


def _parsed(body: type[_Body], raw: bytes) -> _Body:
    try:
        return body.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the request"
        raise InvalidInputError(f"{where}: {first['msg']}") from error


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_REQUEST_BYTES:
            raise TooLargeError(f"the request is larger than {_MAX_REQUEST_BYTES} bytes")
    return bytes(body)


def _status(error: LotError) -> int:
    match error:
        case UnauthenticatedError():
            return 401
        case NotFoundError():
            return 404
        case StaleEpochError():
            return 409
        case CallerError():
            return 400
        case UnavailableError():
            return 503
        case _:
            return 500
