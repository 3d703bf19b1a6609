"""The model broker against a provider of its own making: what passes, in which shape, and what it costs."""

import json
import logging
from pathlib import Path

import httpx
import pytest
from model_bench import SECRET, STREAM, Bench, a_provider, key, passes, streamed, whole
from pydantic import SecretStr

from lot.broker.model import MAX_REQUEST_BYTES
from lot.broker.providers import Model, Providers, anthropic
from lot.broker.usage import Usage
from lot.config import Settings
from lot.core.budgets import ReachedBudget
from lot.core.credentials import CredentialKind
from lot.core.errors import InvalidInputError, ProviderError

pytestmark = pytest.mark.anyio


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


async def test_session_without_budget_left_asks_nobody() -> None:
    bench = Bench(streamed(), key())
    bench.accounts.reached = ReachedBudget(limit="session_usd", detail="all is used", next_step="`lot session budget`")
    async with bench.client() as client:
        answer = await client.post("/v1/messages", json={})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (403, "false")
    assert answer.json() == {
        "type": "error",
        "error": {"type": "permission_error", "message": "all is used: `lot session budget`"},
    }
    assert bench.seen == []


async def test_one_hour_caches_are_told_apart() -> None:
    usage = {
        "input_tokens": 4,
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 7},
    }
    bench = Bench(whole(200, {"model": "m-2", "usage": usage}), key())
    async with bench.client() as client:
        await client.post("/v1/messages", json={})
    assert bench.metered[0][2] == Usage(input_tokens=4, cache_creation_input_tokens=9, cache_creation_1h_input_tokens=7)


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


async def test_models_are_listed_with_the_names_that_the_agent_program_knows_and_remembered() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"data": [{"id": "m-1", "display_name": "M One"}, {"id": "m-2"}, {"id": ""}]})

    provider = a_provider(answer, key(CredentialKind.AUTH_TOKEN))
    for _ in range(2):
        assert await provider.list_models() == (
            Model("opus", "Opus, the newest"),
            Model("m-1", "M One"),
            Model("m-2", "m-2"),
        )
    assert [str(request.url) for request in seen] == ["https://models.example/v1/models?limit=1000"]
    assert seen[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (seen[0].headers["anthropic-beta"], seen[0].headers["anthropic-version"]) == (
        "oauth-2025-04-20",
        "2023-06-01",
    )
    await provider.close()


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx.Response(401, json={}), "refused the key"),
        (httpx.Response(503, json={}), "answered 503"),
        (httpx.Response(200, text="no json"), "cannot be read"),
        (httpx.Response(200, json={"data": [1]}), "cannot be read"),
        (httpx.Response(200, content=b"x" * ((4 << 20) + 1)), "more models"),
    ],
)
async def test_models_that_cannot_be_listed_are_a_reason_and_asked_for_again(
    response: httpx.Response, words: str
) -> None:
    responses = [response, httpx.Response(200, json={"data": []})]
    provider = a_provider(lambda request: responses.pop(0), key())
    with pytest.raises(ProviderError, match=words):
        await provider.list_models()
    assert await provider.list_models() == (Model("opus", "Opus, the newest"),)
    await provider.close()


async def test_provider_without_a_key_is_not_ready_and_lists_nothing() -> None:
    provider = a_provider(lambda request: httpx.Response(200, json={}), None)
    assert "ANTHROPIC_API_KEY" in (provider.readiness() or "")
    with pytest.raises(ProviderError, match="ANTHROPIC_API_KEY"):
        await provider.list_models()
    await provider.close()
    ready = a_provider(lambda request: httpx.Response(200, json={}), key())
    assert ready.readiness() is None
    await ready.close()


async def test_providers_are_chosen_by_name_and_never_silently(tmp_path: Path) -> None:
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
