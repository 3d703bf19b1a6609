"""The model broker: takes the agents' requests, adds the secret that they must not know, and meters what they use.

Only what an agent needs of the Messages API passes. Nothing about content or secrets is logged.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import anyio
import httpx
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from lot.broker.passes import PassControl
from lot.broker.providers import Credential, CredentialKind, Provider
from lot.broker.usage import Usage, UsageReader
from lot.core.errors import CallerError, LotError, StaleEpochError, TooLargeError, UnauthenticatedError
from lot.core.ids import SessionId

MAX_REQUEST_BYTES = 32 << 20
METER_TIMEOUT_S = 10.0
OAUTH_BETA = "oauth-2025-04-20"
"""What the agent program adds to `anthropic-beta` when it shows a subscription token itself."""

_PASSED_UP = ("content-type", "accept", "user-agent", "x-app", "x-claude-code-session-id", "x-claude-code-agent-id")
_PASSED_UP_BEGINNINGS = ("anthropic-", "x-stainless-")
_PASSED_DOWN = ("content-type", "content-encoding", "request-id", "retry-after", "x-should-retry", "x-lot-provider")
_PASSED_DOWN_BEGINNINGS = ("anthropic-ratelimit-",)

ProviderOf = Callable[[SessionId], Awaitable[Provider]]
Meter = Callable[[SessionId, str, Usage], Awaitable[None]]
"""Told of each answer: session, model, usage."""

logger = logging.getLogger(__name__)


class ModelBroker:
    """Serves `/v1/messages`, `/v1/messages/count_tokens` and `/v1/models` to runners."""

    def __init__(self, control: PassControl, provider_of: ProviderOf, meter: Meter) -> None:
        self._control, self._provider_of, self._meter = control, provider_of, meter

    def routes(self) -> list[Route]:
        """Return what is served, below the mount of the model broker."""
        return [
            Route("/v1/messages", self._serve, methods=["POST"]),
            Route("/v1/messages/count_tokens", self._serve, methods=["POST"]),
            Route("/v1/models", self._serve, methods=["GET"]),
        ]

    async def _serve(self, request: Request) -> Response:
        try:
            session_id = (await self._control.admit(request)).session_id
            provider = await self._provider_of(session_id)
            provider.require_credential()
            body = await _bounded_body(request)
            return await self._forward(request, session_id, provider, body)
        except LotError as error:
            return _refusal(error)

    async def _forward(self, request: Request, session_id: SessionId, provider: Provider, body: bytes) -> Response:
        path = _api_path(request)
        query = request.url.query
        outgoing = provider.http.build_request(
            request.method,
            f"{provider.base_url}{path}" + (f"?{query}" if query else ""),
            headers=upward_headers(request.headers, provider.credential),
            content=body if request.method == "POST" else None,
        )
        try:
            answer = await provider.http.send(outgoing, stream=True)
        except httpx.HTTPError as error:
            # The class alone: a message may hold a proxy's address with its password.
            logger.warning("provider unreachable", extra={"session_id": session_id, "reason": type(error).__name__})
            text = f"the model provider {provider.name} cannot be reached ({type(error).__name__})"
            return _error(502, "api_error", text)
        headers = _downward_headers(answer)
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        is_metered = answer.is_success and path == "/v1/messages"
        reader = UsageReader(is_stream=is_stream) if is_metered else None
        stream = self._answer(answer, session_id, reader)
        return StreamingResponse(stream, status_code=answer.status_code, headers=headers)

    async def _answer(
        self, answer: httpx.Response, session_id: SessionId, reader: UsageReader | None
    ) -> AsyncIterator[bytes]:
        try:
            async for data in answer.aiter_raw():
                if reader is not None:
                    reader.feed(data)
                yield data
        finally:
            # Shielded: what a request that was broken off has used is to be paid all the same.
            with anyio.move_on_after(METER_TIMEOUT_S, shield=True):
                await answer.aclose()
                if reader is not None:
                    reader.finish()
                    if reader.usage is not None:
                        await self._meter(session_id, reader.model or "unknown", reader.usage)


def upward_headers(given: Mapping[str, str], credential: Credential | None) -> dict[str, str]:
    """Return what goes to the provider: what an agent may say, and the secret in place of its own."""
    headers = {
        name: value for name, value in given.items() if name in _PASSED_UP or name.startswith(_PASSED_UP_BEGINNINGS)
    }
    headers["accept-encoding"] = "identity"
    if credential is None:
        return headers
    if credential.kind is CredentialKind.AUTH_TOKEN:
        betas = [beta for beta in headers.get("anthropic-beta", "").split(",") if beta and beta != OAUTH_BETA]
        headers["anthropic-beta"] = ",".join([*betas, OAUTH_BETA])
    return headers | credential.headers()


def _downward_headers(answer: httpx.Response) -> dict[str, str]:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name in _PASSED_DOWN or name.startswith(_PASSED_DOWN_BEGINNINGS)
    }
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        # A wrong key stays wrong: without this the agent program tries again for many seconds before it says so.
        headers["x-should-retry"] = "false"
    return headers


def _api_path(request: Request) -> str:
    return "/v1/" + request.url.path.rsplit("/v1/", 1)[1]


async def _bounded_body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_REQUEST_BYTES:
            raise TooLargeError(f"the request to the model is larger than {MAX_REQUEST_BYTES} bytes")
    return bytes(body)


def _refusal(error: LotError) -> Response:
    match error:
        case TooLargeError():
            return _error(413, "request_too_large", str(error))
        case StaleEpochError():
            return _error(409, "invalid_request_error", str(error))
        case UnauthenticatedError():
            return _error(401, "authentication_error", str(error))
        case CallerError():
            return _error(400, "invalid_request_error", str(error))
        case _:
            # Of the statuses that are not tried again, the one whose text the agent program shows.
            return _error(403, "permission_error", str(error))


def _error(status: int, kind: str, text: str) -> Response:
    headers = {} if status >= 500 else {"x-should-retry": "false"}
    body = {"type": "error", "error": {"type": kind, "message": text}}
    return Response(json.dumps(body), status_code=status, headers=headers, media_type="application/json")
