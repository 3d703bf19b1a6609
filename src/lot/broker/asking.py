"""Asks a provider until it answers: what is overloaded, failing or unreachable is asked again before the agent is told.

Only what came to nothing is repeated; an answer that has begun never is.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx

from lot.broker.backoff import Backoff
from lot.core.ids import SessionId
from lot.core.model_answers import HeldAnswer

RETRIED = frozenset({429, 500, 502, 503, 504, 529})
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_MAX_ERROR_BYTES = 64 << 10
_MAX_REASON_CHARS = 500
_CLOSE_TIMEOUT_S = 5.0

OnWait = Callable[[SessionId, int, float, int | None, str], Awaitable[None]]
"""Told when a wait begins: session, the attempt that failed (1 is the first), seconds, HTTP status, reason."""
MayGoOn = Callable[[], Awaitable[None]]
"""Raises when the request is not to be made again."""

logger = logging.getLogger(__name__)


class GivenUpError(Exception):
    """The provider did not answer, however often it was asked. Never leaves the broker."""

    def __init__(self, answer: HeldAnswer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer
        """What the agent is told."""


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """An answer that has begun: the first bytes of its body are there, or it has none."""

    response: httpx.Response
    body: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """One request to a provider, with what is needed to make it again."""

    session_id: SessionId
    provider: str
    http: httpx.AsyncClient
    request: Callable[[], httpx.Request]
    headers_down: Callable[[httpx.Response], dict[str, str]]
    backoff: Backoff
    on_wait: OnWait
    may_go_on: MayGoOn

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[OpenAnswer]:
        """Yield the provider's answer, once there is one that is not to be asked for again.

        Raises:
            GivenUpError: there is none.
        """
        began, attempt = self.backoff.clock(), 0
        while True:
            attempt += 1
            found = await self._attempt()
            if isinstance(found, OpenAnswer):
                break
            spent_s = self.backoff.clock() - began
            delay_s = self.backoff.delay_s(attempt, spent_s, found.retry_after)
            if delay_s is None or found.is_hopeless:
                raise GivenUpError(self._last_words(found, attempt, spent_s))
            await self.may_go_on()
            await self.on_wait(self.session_id, attempt, delay_s, found.status, found.reason)
            await self.backoff.sleep(delay_s)
            await self.may_go_on()
        try:
            yield found
        finally:
            await _close(found.response)

    async def _attempt(self) -> "OpenAnswer | _Failure":
        try:
            response = await self.http.send(self.request(), stream=True)
        except httpx.HTTPError as error:
            return self._unreachable(error)
        is_open = False
        try:
            if response.status_code in RETRIED and response.headers.get("x-should-retry") != "false":
                return await _failure(response, self.headers_down(response))
            body = response.aiter_raw()
            first = await anext(body, b"")
            is_open = True
            return OpenAnswer(response, _from(first, body))
        except httpx.HTTPError as error:
            return self._unreachable(error)
        finally:
            if not is_open:
                await _close(response)

    def _unreachable(self, error: httpx.HTTPError) -> "_Failure":
        # The class alone: a message may hold a proxy's address with its password.
        kind = type(error).__name__
        logger.warning("provider unreachable", extra={"session_id": self.session_id, "reason": kind})
        reason = f"the model provider {self.provider} cannot be reached ({kind})"
        is_hopeless = isinstance(error, _HOPELESS)
        return _Failure(status=None, kind="api_error", reason=reason, headers={}, is_hopeless=is_hopeless)

    def _last_words(self, failure: "_Failure", attempts: int, spent_s: float) -> HeldAnswer:
        text = failure.reason
        if failure.status is not None:
            text = f"the model provider {self.provider} answered {failure.status}: {text}"
        if attempts > 1:
            text += f" (tried {attempts} times in {spent_s:.0f} s)"
        # The agent program would only begin anew what was given up here.
        headers = dict(failure.headers) | {"content-type": "application/json", "x-should-retry": "false"}
        body = {"type": "error", "error": {"type": failure.kind, "message": text}}
        return HeldAnswer(status=failure.status or 502, headers=headers, body=json.dumps(body).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    status: int | None
    """None: there was no answer."""
    kind: str
    reason: str
    headers: Mapping[str, str]
    is_hopeless: bool = False

    @property
    def retry_after(self) -> str | None:
        return self.headers.get("retry-after")


async def _failure(response: httpx.Response, headers: dict[str, str]) -> _Failure:
    body = bytearray()
    async for data in response.aiter_raw():
        body += data
        if len(body) > _MAX_ERROR_BYTES:
            break
    kind, reason = _told(bytes(body[:_MAX_ERROR_BYTES]))
    return _Failure(
        status=response.status_code,
        kind=kind or "api_error",
        reason=reason or response.reason_phrase or "no reason given",
        headers={name: value for name, value in headers.items() if name != "content-encoding"},
    )


def _told(body: bytes) -> tuple[str | None, str | None]:
    """Return type and message of an error in the Messages API's shape, as far as it has one."""
    try:
        error = json.loads(body)["error"]
        return str(error["type"])[:100], str(error["message"])[:_MAX_REASON_CHARS]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, None


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for data in rest:
        yield data


async def _close(response: httpx.Response) -> None:
    with anyio.move_on_after(_CLOSE_TIMEOUT_S, shield=True):
        await response.aclose()
