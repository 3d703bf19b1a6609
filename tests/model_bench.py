"""The model broker before a provider that plays what a test says."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from model_accounts import RememberedAccounts
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from lot.broker.backoff import Backoff
from lot.broker.model import ModelBroker
from lot.broker.passes import PassControl, Passes
from lot.broker.providers import Credential, Model, Provider
from lot.broker.usage import Usage
from lot.core.credentials import CredentialKind
from lot.core.errors import StaleEpochError
from lot.core.ids import SessionId

SECRET = "sk-very-secret"
passes = Passes(b"k" * 32)
STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"m-1","usage":{"input_tokens":7,'
    b'"cache_read_input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"hi"}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":5}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


class Pieces(httpx.AsyncByteStream):
    def __init__(self, data: bytes, size: int, breaks: bool = False) -> None:
        self._data, self._size, self._breaks = data, size, breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._data), self._size):
            yield self._data[at : at + self._size]
        if self._breaks:
            raise httpx.ReadError("broken")


@dataclass
class Bench:
    """A broker, the provider behind it, and what came of it."""

    answer: Callable[[httpx.Request], httpx.Response]
    credential: Credential | None = None
    backoff: Backoff = field(default_factory=lambda: Backoff(attempts=1))
    seen: list[httpx.Request] = field(default_factory=list)
    accounts: RememberedAccounts = field(default_factory=RememberedAccounts)
    epoch: int = 3

    @property
    def metered(self) -> list[tuple[SessionId, str, Usage]]:
        return self.accounts.metered

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        provider = a_provider(self._handle, self.credential)

        async def provider_of(session_id: SessionId) -> Provider:
            return provider

        async def check_epoch(kind: str, id: str, epoch: int) -> None:
            if epoch != self.epoch:
                raise StaleEpochError("over")

        control = PassControl(passes, check_epoch)
        broker = ModelBroker(control, provider_of, self.accounts, self.accounts.on_wait, self.backoff)
        app = Starlette(routes=[Mount("/broker/model", routes=broker.routes())])
        headers = {"authorization": f"Bearer {passes.issue('session', 'abc', 3)}"}
        transport = httpx.ASGITransport(app)
        async with (
            broker.running(),
            httpx.AsyncClient(transport=transport, base_url="http://c/broker/model", headers=headers) as client,
        ):
            yield client

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return self.answer(request)


def a_provider(handle: Callable[[httpx.Request], httpx.Response], credential: Credential | None) -> Provider:
    provider = Provider(
        name="anthropic",
        base_url="https://models.example",
        models=("m",),
        credential=credential,
        aliases=(Model("opus", "Opus, the newest"),),
    )
    object.__setattr__(provider, "http", httpx.AsyncClient(transport=httpx.MockTransport(handle)))
    return provider


def key(kind: CredentialKind = CredentialKind.API_KEY) -> Credential:
    return Credential(kind=kind, secret=SecretStr(SECRET))


def streamed(size: int = 11, breaks: bool = False) -> Callable[[httpx.Request], httpx.Response]:
    headers = {"content-type": "text/event-stream", "set-cookie": "a=b", "request-id": "r1"}
    return lambda request: httpx.Response(200, headers=headers, stream=Pieces(STREAM, size, breaks))


def whole(status: int, body: object) -> Callable[[httpx.Request], httpx.Response]:
    headers = {"content-type": "application/json"}
    return lambda request: httpx.Response(status, headers=headers, stream=Pieces(json.dumps(body).encode(), 7))
