"""The model broker: takes the agents' requests, adds the secret that they must not know, and meters what they use.

Only what an agent needs of the Messages API passes. Nothing about content or secrets is logged.
"""

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVarTuple

import anyio
import httpx
from anyio.abc import TaskGroup
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lot.broker.asking import Asking, GivenUpError, OnWait, OpenAnswer
from lot.broker.backoff import Backoff
from lot.broker.exchange import BrokenAnswerError, Exchange, Following
from lot.broker.passes import PassControl
from lot.broker.providers import OAUTH_BETA, Credential, Provider
from lot.broker.usage import Usage, UsageReader
from lot.core.budgets import ReachedBudget
from lot.core.credentials import CredentialKind
from lot.core.errors import (
    BudgetReachedError,
    CallerError,
    InvalidInputError,
    LotError,
    StaleEpochError,
    TooLargeError,
    UnauthenticatedError,
)
from lot.core.ids import SessionId
from lot.core.model_answers import HeldAnswer

MAX_REQUEST_BYTES = 32 << 20
METER_TIMEOUT_S = 10.0
TIME_LIMIT_S = 7200.0
"""How long one answer may take, whoever follows it."""
EXCHANGE_HEADER = "x-lot-exchange"
"""How a runner's gateway names a request, so that it can have its answer held."""

_MESSAGES = "/v1/messages"
_MAX_HOLD_BYTES = 1 << 18
_PASSED_UP = ("content-type", "accept", "user-agent", "x-app", "x-claude-code-session-id", "x-claude-code-agent-id")
_PASSED_UP_BEGINNINGS = ("anthropic-", "x-stainless-")
_PASSED_DOWN = ("content-type", "content-encoding", "request-id", "retry-after", "x-should-retry", "x-lot-provider")
_PASSED_DOWN_BEGINNINGS = ("anthropic-ratelimit-",)

_Arguments = TypeVarTuple("_Arguments")

logger = logging.getLogger(__name__)


class ProviderOf(Protocol):
    """Finds the provider of a session."""

    async def __call__(self, session_id: SessionId, /) -> Provider:
        """Return it."""


class Accounts(Protocol):
    """What sessions may use and have used, and answers that were paid for and not yet delivered."""

    async def meter(self, session_id: SessionId, model: str, usage: Usage) -> None:
        """Note what an answer used."""

    async def find_reached(self, session_id: SessionId) -> ReachedBudget | None:
        """Return the budget that keeps a session from asking models, if one does."""

    async def hold(self, session_id: SessionId, request: str, answer: HeldAnswer) -> None:
        """Keep an answer for the same request to come again."""

    async def take(self, session_id: SessionId, request: str) -> HeldAnswer | None:
        """Return the answer that is kept for a request, and forget it."""


class _Hold(BaseModel):
    model_config = ConfigDict(extra="forbid")
    exchanges: list[str] = Field(max_length=1_000)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was let in."""

    request: Request
    session_id: SessionId
    provider: Provider
    path: str
    body: bytes

    @property
    def key(self) -> str:
        """SHA-256 of what is asked: the agent program repeats a request that was cut off byte for byte."""
        target = f"{self.path}?{self.request.url.query}\n".encode()
        return hashlib.sha256(target + self.body).hexdigest()

    def outgoing(self) -> httpx.Request:
        """Return the request to the provider."""
        query = self.request.url.query
        return self.provider.http.build_request(
            self.request.method,
            f"{self.provider.base_url}{self.path}" + (f"?{query}" if query else ""),
            headers=upward_headers(self.request.headers, self.provider.credential),
            content=self.body if self.request.method == "POST" else None,
        )


class ModelBroker:
    """Serves `/v1/messages`, `/v1/messages/count_tokens` and `/v1/models` to runners, while it is `running`.

    A request cut off by a pause is named at `/hold` beforehand: its answer is read to its end, and handed to the same
    request when it comes again. Whoever else leaves ends the request to the provider too.
    """

    def __init__(
        self,
        control: PassControl,
        provider_of: ProviderOf,
        accounts: Accounts,
        on_wait: OnWait,
        backoff: Backoff | None = None,
    ) -> None:
        self._control, self._provider_of, self._accounts = control, provider_of, accounts
        self._on_wait, self._backoff = on_wait, backoff or Backoff()
        self._tasks: TaskGroup | None = None
        self._named: dict[tuple[SessionId, str], Exchange] = {}
        """By the name that a gateway gave it, while it is followed."""
        self._held: dict[tuple[SessionId, str], Exchange] = {}
        """By what was asked, until its answer is stored."""

    def routes(self) -> list[Route]:
        """Return what is served, below the mount of the model broker."""
        return [
            Route(_MESSAGES, self._serve, methods=["POST"]),
            Route("/v1/messages/count_tokens", self._serve, methods=["POST"]),
            Route("/v1/models", self._serve, methods=["GET"]),
            Route("/hold", self._hold, methods=["POST"]),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read answers for the length of the block; those that are under way at its end break off."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                tasks.cancel_scope.cancel()

    async def _serve(self, request: Request) -> Response:
        try:
            session_id = (await self._control.admit(request)).session_id
            provider = await self._provider_of(session_id)
            provider.require_credential()
            asked = _Asked(request, session_id, provider, _api_path(request), await _bounded_body(request))
            exchange = await self._find_held(asked) if asked.path == _MESSAGES else None
            return self._following(request, exchange or await self._begin(asked))
        except LotError as error:
            return _refusal(error)

    def _following(self, request: Request, exchange: Exchange) -> Response:
        """Return the response that follows an exchange, under the name that the gateway gave the request."""
        name = (exchange.session_id, request.headers.get(EXCHANGE_HEADER, ""))
        if name[1]:
            self._named[name] = exchange

        def leave() -> None:
            self._named.pop(name, None)
            if not exchange.followers and not exchange.is_held:
                exchange.scope.cancel()

        return Following(exchange, leave)

    async def _hold(self, request: Request) -> Response:
        """Have answers read to their end, as whoever follows them is about to be paused."""
        try:
            session_id = (await self._control.admit(request)).session_id
            hold = _parsed_hold(await _bounded_body(request, _MAX_HOLD_BYTES))
        except LotError as error:
            return _refusal(error)
        for name in hold.exchanges:
            exchange = self._named.get((session_id, name))
            if exchange is not None and exchange.request and not exchange.is_held:
                exchange.is_held = True
                self._held[session_id, exchange.request] = exchange
                if not exchange.has_task:
                    self._start(self._keep, exchange)
        return Response(status_code=204)

    async def _find_held(self, asked: _Asked) -> Exchange | None:
        """Return the exchange of the same request that was cut off by a pause: still read, or stored."""
        exchange = self._held.pop((asked.session_id, asked.key), None)
        if exchange is not None:
            exchange.is_held = False
            return exchange
        answer = await self._accounts.take(asked.session_id, asked.key)
        if answer is None:
            return None
        exchange = Exchange(asked.session_id, asked.key)
        exchange.answer_at_once(answer, is_complete=True)
        return exchange

    async def _begin(self, asked: _Asked) -> Exchange:
        """Return a new exchange with the provider.

        Raises:
            BudgetReachedError: a budget of the session or its project is used up.
        """
        reached = await self._accounts.find_reached(asked.session_id)
        if reached is not None:
            raise BudgetReachedError(f"{reached.detail}: {reached.next_step}")
        exchange = Exchange(asked.session_id, asked.key if asked.path == _MESSAGES else "")
        exchange.has_task = True
        self._start(self._run, exchange, asked)
        return exchange

    def _start(self, task: Callable[[*_Arguments], Coroutine[Any, Any, None]], *arguments: *_Arguments) -> None:
        if self._tasks is None:
            raise RuntimeError("the model broker is not running")
        self._tasks.start_soon(task, *arguments)

    async def _run(self, exchange: Exchange, asked: _Asked) -> None:
        """Read an answer to its end, for whoever follows it by then."""
        try:
            with exchange.scope, anyio.move_on_after(TIME_LIMIT_S):
                await self._ask(exchange, asked)
        except GivenUpError as error:
            exchange.answer_at_once(error.answer)
        except LotError as error:
            exchange.answer_at_once(_told(error))
        except (httpx.HTTPError, BrokenAnswerError) as error:
            exchange.fail(error)
        except Exception as error:
            logger.exception("model request failed", extra={"session_id": exchange.session_id})
            exchange.fail(error)
        finally:
            exchange.fail(BrokenAnswerError("the answer was broken off"))
            exchange.has_task = False
        if exchange.is_held:
            await self._keep(exchange)

    async def _ask(self, exchange: Exchange, asked: _Asked) -> None:
        async def may_go_on() -> None:
            await self._control.admit(asked.request)
            if exchange.is_held:
                raise StaleEpochError("the sandbox is paused; nothing was answered yet")

        asking = Asking(
            session_id=asked.session_id,
            provider=asked.provider.name,
            http=asked.provider.http,
            request=asked.outgoing,
            headers_down=_downward_headers,
            backoff=self._backoff,
            on_wait=self._told_of_wait,
            may_go_on=may_go_on,
        )
        async with asking.opened() as opened:
            await self._relay(exchange, opened, is_metered=asked.path == _MESSAGES)

    async def _relay(self, exchange: Exchange, opened: OpenAnswer, *, is_metered: bool) -> None:
        response = opened.response
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        reader = UsageReader(is_stream=is_stream)
        is_metered = is_metered and response.is_success
        exchange.begin(response.status_code, _downward_headers(response))
        try:
            async for data in opened.body:
                reader.feed(data)
                exchange.add(data)
        finally:
            reader.finish()
            if is_metered:
                await self._meter(exchange.session_id, reader)
        exchange.end(is_complete=is_metered and reader.is_complete)

    async def _meter(self, session_id: SessionId, reader: UsageReader) -> None:
        """Note what an answer used. Shielded: what was broken off is to be paid all the same."""
        if reader.usage is None:
            return
        with anyio.move_on_after(METER_TIMEOUT_S, shield=True) as limit:
            try:
                await self._accounts.meter(session_id, reader.model or "unknown", reader.usage)
            except LotError as error:
                logger.error("usage was not stored", extra={"session_id": session_id, "reason": str(error)})
        if limit.cancelled_caught:
            logger.error("usage was not stored in time", extra={"session_id": session_id})

    async def _told_of_wait(
        self, session_id: SessionId, attempt: int, delay_s: float, status: int | None, reason: str
    ) -> None:
        try:
            await self._on_wait(session_id, attempt, delay_s, status, reason)
        except LotError as error:
            logger.warning("a wait could not be told", extra={"session_id": session_id, "reason": str(error)})

    async def _keep(self, exchange: Exchange) -> None:
        """Store an answer that was read for nobody; what was not answered to its end is asked for anew."""
        key, answer = (exchange.session_id, exchange.request), exchange.answer
        try:
            if answer is not None:
                await self._accounts.hold(*key, answer)
                if not exchange.is_held:
                    # The request came again meanwhile, and follows what is in memory.
                    await self._accounts.take(*key)
        except LotError as error:
            logger.warning("an answer could not be held", extra={"session_id": key[0], "reason": str(error)})
        finally:
            if self._held.get(key) is exchange:
                del self._held[key]


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


async def _bounded_body(request: Request, limit_bytes: int = MAX_REQUEST_BYTES) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit_bytes:
            raise TooLargeError(f"the request is larger than {limit_bytes} bytes")
    return bytes(body)


def _parsed_hold(body: bytes) -> _Hold:
    try:
        return _Hold.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInputError("this names no exchanges to hold") from error


def _refusal(error: LotError) -> Response:
    answer = _told(error)
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))


def _told(error: LotError) -> HeldAnswer:
    """Return what an agent is told of one of our errors, in the Messages API's shape."""
    match error:
        case TooLargeError():
            status, kind = 413, "request_too_large"
        case StaleEpochError():
            status, kind = 409, "invalid_request_error"
        case UnauthenticatedError():
            status, kind = 401, "authentication_error"
        case BudgetReachedError():
            status, kind = 403, "permission_error"
        case CallerError():
            status, kind = 400, "invalid_request_error"
        case _:
            # Of the statuses that are not tried again, the one whose text the agent program shows.
            status, kind = 403, "permission_error"
    body = json.dumps({"type": "error", "error": {"type": kind, "message": str(error)}})
    headers = {"content-type": "application/json", "x-should-retry": "false"}
    return HeldAnswer(status=status, headers=headers, body=body.encode())
