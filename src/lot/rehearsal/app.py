"""The rehearsal endpoint: the part of the Messages API that agents use, as an ASGI application."""

import asyncio
import hashlib
import json
import secrets
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lot.rehearsal import wire
from lot.rehearsal.direction import Direction, MisdirectedError, attached, direct
from lot.rehearsal.script import Fault, Scenario, Step, load_scenarios

MODELS = ("rehearsal", "rehearsal-small")
"""What the endpoint answers to; any other model is not found, as with a real provider."""

_ERROR_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_LOG_LENGTH = 2_000


class BrokenStreamError(ConnectionError):
    """Raised on purpose, so that the server breaks the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRequest:
    """One request as it came, for tests: no content, only what it was about."""

    path: str
    model: str
    is_stream: bool
    scenario: str | None
    step: int
    status: int
    body_bytes: int
    headers: Mapping[str, str]
    effort: str | None = None
    """`output_config.effort`: how hard the model is to think."""
    images: int = 0
    """In the newest prompt."""
    documents: int = 0
    session: str | None = None
    """The agent program's own name of the conversation."""


class Rehearsal:
    """Plays scenarios; counts nothing but how often a fault has happened."""

    def __init__(self, scenarios: Mapping[str, Scenario] | None = None) -> None:
        self.scenarios = load_scenarios() if scenarios is None else scenarios
        self.log: deque[LoggedRequest] = deque(maxlen=_LOG_LENGTH)
        self._faults: Counter[str] = Counter()

    def app(self) -> Starlette:
        """Return the endpoint."""
        return Starlette(
            routes=[
                Route("/v1/messages", self._messages, methods=["POST"]),
                Route("/v1/messages/count_tokens", self._count_tokens, methods=["POST"]),
                Route("/v1/models", self._models, methods=["GET"]),
                Route("/api/hello", self._hello, methods=["GET"]),
            ]
        )

    async def _hello(self, request: Request) -> Response:
        return JSONResponse({"message": "hello from the rehearsal"})

    async def _models(self, request: Request) -> Response:
        data = [{"type": "model", "id": model, "display_name": f"{model} (scripted)"} for model in MODELS]
        return JSONResponse({"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]})

    async def _count_tokens(self, request: Request) -> Response:
        return JSONResponse({"input_tokens": _tokens(await request.body())})

    async def _messages(self, request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw)
            model, is_stream = str(body["model"]), bool(body.get("stream"))
        except (ValueError, KeyError, TypeError) as error:
            return _refusal(400, f"the request is not one of the Messages API: {error}")
        if model not in MODELS:
            self._note(request, raw, body, None, 404)
            return _refusal(404, f"model: {model}")
        if body.get("max_tokens") == 1:
            self._note(request, raw, body, None, 200)
            return JSONResponse(wire.message(Step(text="R"), model, _tokens(raw)))
        try:
            direction = direct(body, self.scenarios)
        except MisdirectedError as error:
            self._note(request, raw, body, None, 400)
            return _refusal(400, f"rehearsal: {error}")
        fault = self._due(direction, raw)
        self._note(request, raw, body, direction, fault.status or 200)
        if fault.status is not None:
            return _refusal(fault.status, fault.message or "a rehearsed fault", fault)
        whole = wire.message(direction.step, model, _tokens(raw))
        if not is_stream:
            await asyncio.sleep(wire.whole_s(direction.step))
            return JSONResponse(whole, headers=_headers())
        stream = _stream(whole, direction.step, fault)
        return StreamingResponse(stream, media_type="text/event-stream", headers=_headers())

    def _due(self, direction: Direction, raw: bytes) -> Fault:
        """Return the fault that this request meets, which after `times` times is none."""
        fault = direction.step.fault
        if fault.times is None:
            return fault
        key = hashlib.sha256(json.dumps([direction.scenario, direction.number, fault.model_dump()]).encode())
        self._faults[key.hexdigest()] += 1
        return fault if self._faults[key.hexdigest()] <= fault.times else Fault()

    def _note(
        self, request: Request, raw: bytes, body: Mapping[str, Any], direction: Direction | None, status: int
    ) -> None:
        config = body.get("output_config")
        effort = config.get("effort") if isinstance(config, Mapping) else None
        self.log.append(
            LoggedRequest(
                path=request.url.path,
                model=str(body["model"]),
                is_stream=bool(body.get("stream")),
                scenario=direction.scenario if direction else None,
                step=direction.number if direction else 0,
                status=status,
                body_bytes=len(raw),
                headers=dict(request.headers),
                effort=str(effort) if effort else None,
                images=attached(body, "image"),
                documents=attached(body, "document"),
                session=request.headers.get("x-claude-code-session-id"),
            )
        )


async def _stream(whole: Mapping[str, Any], step: Step, fault: Fault) -> AsyncIterator[bytes]:
    for count, (pause, event) in enumerate(wire.events(whole, step)):
        if fault.stall_after == count:
            await asyncio.sleep(fault.stall_s)
        if fault.drop_after == count:
            raise BrokenStreamError("rehearsed: the connection breaks")
        if fault.fin_after == count:
            return
        if fault.sse_error_after == count:
            kind = fault.error_type or "overloaded_error"
            yield wire.frame(wire.error_body(kind, fault.message or "a rehearsed fault"))
            return
        if pause:
            await asyncio.sleep(pause)
        yield wire.frame(wire.stamped(event) if step.is_stamped else event)


def _refusal(status: int, text: str, fault: Fault | None = None) -> Response:
    headers = _headers()
    kind = (fault and fault.error_type) or _ERROR_TYPES.get(status, "api_error")
    if fault and fault.retry_after_s is not None:
        headers["retry-after"] = f"{fault.retry_after_s:g}"
    return JSONResponse(wire.error_body(kind, text), status_code=status, headers=headers)


def _headers() -> dict[str, str]:
    return {"request-id": f"req_rehearsal{secrets.token_hex(8)}", "x-lot-provider": "rehearsal"}


def _tokens(raw: bytes) -> int:
    return max(1, len(raw) // 4)
