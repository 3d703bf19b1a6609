"""The model broker against a provider of its own making: what passes, in which shape, and what it costs."""

import json
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from lot.broker.model import MAX_REQUEST_BYTES, ModelBroker
from lot.broker.passes import PassControl, Passes
from lot.broker.providers import Credential, CredentialKind, Provider, Providers, anthropic
from lot.broker.usage import Usage
from lot.config import Settings
from lot.core.errors import InvalidInputError, ProviderError, StaleEpochError
from lot.core.ids import SessionId

pytestmark = pytest.mark.anyio

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
    seen: list[httpx.Request] = field(default_factory=list)
    metered: list[tuple[str, str, Usage]] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        provider = Provider(
            name="anthropic", base_url="https://models.example", models=("m",), credential=self.credential
        )
        object.__setattr__(provider, "http", httpx.AsyncClient(transport=httpx.MockTransport(self._handle)))

        async def provider_of(session_id: SessionId) -> Provider:
            return provider

        async def check_epoch(kind: str, id: str, epoch: int) -> None:
            if epoch != 3:
                raise StaleEpochError("over")

        async def meter(session_id: SessionId, model: str, usage: Usage) -> None:
            self.metered.append((session_id, model, usage))

        broker = ModelBroker(PassControl(passes, check_epoch), provider_of, meter)
        app = Starlette(routes=[Mount("/broker/model", routes=broker.routes())])
        headers = {"authorization": f"Bearer {passes.issue('session', 'abc', 3)}"}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://c/broker/model", headers=headers)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return self.answer(request)


def key(kind: CredentialKind = CredentialKind.API_KEY) -> Credential:
    return Credential(kind=kind, secret=SecretStr(SECRET))


def streamed(size: int = 11, breaks: bool = False) -> Callable[[httpx.Request], httpx.Response]:
    headers = {"content-type": "text/event-stream", "set-cookie": "a=b", "request-id": "r1"}
    return lambda request: httpx.Response(200, headers=headers, stream=Pieces(STREAM, size, breaks))


def whole(status: int, body: object) -> Callable[[httpx.Request], httpx.Response]:
    headers = {"content-type": "application/json"}
    return lambda request: httpx.Response(status, headers=headers, stream=Pieces(json.dumps(body).encode(), 7))


@pytest.mark.parametrize("size", [1, 11, 10_000])
async def test_stream_passes_unchanged_and_is_metered(size: int) -> None:
    bench = Bench(streamed(size), key())
    async with bench.client() as client:
        answer = await client.post("/v1/messages?beta=true", json={"stream": True})
    assert answer.content == STREAM
    assert answer.headers["request-id"] == "r1"
    assert "set-cookie" not in answer.headers
    assert str(bench.seen[0].url) == "https://models.example/v1/messages?beta=true"
    assert bench.metered == [("abc", "m-1", Usage(input_tokens=7, cache_read_input_tokens=3, output_tokens=5))]


async def test_whole_answer_is_metered() -> None:
    body = {"model": "m-2", "usage": {"input_tokens": 4, "output_tokens": 2}}
    bench = Bench(whole(200, body), key())
    async with bench.client() as client:
        assert (await client.post("/v1/messages", json={})).json() == body
        await client.post("/v1/messages/count_tokens", json={})
    assert bench.metered == [("abc", "m-2", Usage(input_tokens=4, output_tokens=2))]


async def test_what_a_broken_stream_has_used_is_metered() -> None:
    bench = Bench(streamed(breaks=True), key())
    async with bench.client() as client:
        with pytest.raises(httpx.ReadError):
            await client.post("/v1/messages", json={})
    assert bench.metered[0][2].output_tokens == 5


@pytest.mark.parametrize("kind", list(CredentialKind))
async def test_secret_takes_the_place_of_what_the_sandbox_sent(kind: CredentialKind) -> None:
    bench = Bench(streamed(), key(kind))
    headers = {
        "x-api-key": "placeholder",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,oauth-2025-04-20",
        "cookie": "c",
        "x-forwarded-for": "1.2.3.4",
        "x-claude-code-session-id": "s",
    }
    async with bench.client() as client:
        await client.post("/v1/messages", json={}, headers=headers)
    sent = bench.seen[0].headers
    assert "cookie" not in sent
    assert "x-forwarded-for" not in sent
    assert sent["anthropic-version"] == "2023-06-01"
    assert sent["x-claude-code-session-id"] == "s"
    if kind is CredentialKind.API_KEY:
        assert sent["x-api-key"] == SECRET
        assert "authorization" not in sent
    else:
        assert sent["authorization"] == f"Bearer {SECRET}"
        assert "x-api-key" not in sent
        assert sent["anthropic-beta"] == "a,oauth-2025-04-20"


async def test_wrong_key_passes_through_and_is_not_to_be_tried_again() -> None:
    bench = Bench(whole(401, {"type": "error"}), key())
    async with bench.client() as client:
        answer = await client.post("/v1/messages", json={})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (401, "false")
    assert bench.metered == []


async def test_missing_key_says_what_to_do() -> None:
    bench = Bench(streamed())
    async with bench.client() as client:
        answer = await client.post("/v1/messages", json={})
    assert answer.status_code == 403
    assert "ANTHROPIC_API_KEY" in answer.json()["error"]["message"]
    assert "--provider rehearsal" in answer.json()["error"]["message"]
    assert bench.seen == []


async def test_unreachable_provider_is_said_plainly_and_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"proxy http://user:{SECRET}@proxy refused")

    caplog.set_level(logging.DEBUG)
    async with Bench(refuse, key()).client() as client:
        answer = await client.post("/v1/messages", json={})
    assert answer.status_code == 502
    assert "cannot be reached" in answer.json()["error"]["message"]
    assert SECRET not in answer.text + caplog.text
    assert SECRET not in repr(key())


async def test_only_what_an_agent_needs_passes() -> None:
    bench = Bench(whole(200, {}), key())
    async with bench.client() as client:
        for method, path in [("POST", "/v1/files"), ("GET", "/v1/messages"), ("DELETE", "/v1/models"), ("POST", "/v1")]:
            assert (await client.request(method, path)).status_code in (404, 405)
        assert (await client.get("/v1/models")).status_code == 200
    assert [request.url.path for request in bench.seen] == ["/v1/models"]


async def test_stale_forged_and_foreign_passes_are_refused() -> None:
    bench = Bench(streamed(), key())
    async with bench.client() as client:
        for token, status in [
            (passes.issue("session", "abc", 2), 409),
            (passes.issue("snapshot", "abc", 3), 401),
            ("lot1.forged.forged", 401),
        ]:
            headers = {"authorization": f"Bearer {token}"}
            assert (await client.post("/v1/messages", json={}, headers=headers)).status_code == status
    assert bench.seen == []


async def test_request_that_is_too_large_is_refused() -> None:
    bench = Bench(streamed(), key())
    async with bench.client() as client:
        answer = await client.post("/v1/messages", content=b"x" * (MAX_REQUEST_BYTES + 1))
    assert answer.status_code == 413
    assert json.loads(answer.text)["error"]["type"] == "request_too_large"
    assert bench.seen == []


async def test_providers_are_chosen_by_name_and_never_silently(tmp_path) -> None:  # type: ignore[no-untyped-def]
    settings = Settings(anthropic_auth_token=SecretStr(SECRET), anthropic_base_url="https://x.example/")
    providers = Providers.from_settings(settings, tmp_path / "r.sock")
    assert providers.get_provider("anthropic").base_url == "https://x.example"
    assert providers.get_provider("rehearsal").is_scripted
    providers.get_provider("rehearsal").require_credential()
    with pytest.raises(InvalidInputError, match="anthropic, rehearsal"):
        providers.get_provider("other")
    without = anthropic(Settings())
    with pytest.raises(ProviderError, match="--provider rehearsal"):
        without.require_credential()
    await without.close()
    await providers.close()
