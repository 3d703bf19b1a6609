"""Keys of model providers over the API: tried, sealed, used at once, above them the environment's, never given back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.broker.providers import Provider, Providers, anthropic
from lot.config import Settings
from lot.core.credentials import CredentialKind
from lot.engine.parts import Parts
from lot.rehearsal.serve import serve_on_socket
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

KEY, PATH = "sk-of-this-test", "/api/providers/anthropic/credential"


@dataclass
class Upstream:
    """A provider that knows some keys, and what it was shown."""

    socket: Path
    known: set[str] = field(default_factory=lambda: {KEY, "token"})
    seen: list[tuple[str | None, str | None]] = field(default_factory=list)

    def provider(self, settings: Settings) -> Provider:
        """Return the provider that the settings describe, reached on this socket."""
        made = anthropic(settings)
        # No TLS on a unix socket.
        return replace(made, socket=self.socket, base_url=made.base_url.replace("https://", "http://"))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Be there for the length of the block."""
        async with serve_on_socket(Starlette(routes=[Route("/v1/models", self._models)]), self.socket):
            yield

    async def _models(self, request: Request) -> JSONResponse:
        shown = (request.headers.get("x-api-key"), request.headers.get("authorization"))
        self.seen.append(shown)
        if {shown[0], (shown[1] or "").removeprefix("Bearer ")} & self.known:
            return JSONResponse({"data": [{"id": "m-1", "display_name": "One"}]})
        return JSONResponse({}, 401)


@pytest.fixture
async def upstream(tmp_path: Path) -> AsyncIterator[Upstream]:
    made = Upstream(tmp_path / "provider.sock")
    async with made.serving():
        yield made


def with_providers(providers: Providers) -> Callable[[Parts], Parts]:
    """Return what puts real providers in place of the pretended one."""
    return lambda parts: replace(
        parts,
        get_provider=providers.get_provider,
        list_providers=providers.list_providers,
        model_access=providers,
    )


@asynccontextmanager
async def installed(folder: Path, upstream: Upstream, **settings: object) -> AsyncIterator[tuple[Rig, Providers]]:
    """Run an engine with real providers, set as the environment would."""
    given = Settings(data_dir=folder, **settings)  # type: ignore[arg-type]
    providers = Providers((upstream.provider(given),))
    async with rig(folder, World(), change=with_providers(providers)) as made:
        yield made, providers
    await providers.close()


@asynccontextmanager
async def client_of(lot: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """Connect a client that is signed in."""
    app = build_app(lot.engine, lot.parts.settings, token="t", tickets=Tickets(bytes(32)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:7070", headers={"Authorization": "Bearer t"}
    ) as http:
        yield http


async def test_stored_key_is_used_at_once_and_after_a_restart_and_never_shown(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with installed(tmp_path, upstream) as (lot, providers), client_of(lot) as http:
        [before] = (await http.get("/api/providers")).json()
        assert (before["is_ready"], before["key_kind"], before["needs_key"]) == (False, None, True)
        assert "lot provider connect anthropic" in before["reason"]
        old = providers.get_provider("anthropic")
        stored = await http.put(PATH, json={"kind": "api_key", "value": f" {KEY}\n"})
        assert stored.status_code == 200
        [now] = (await http.get("/api/providers")).json()
        assert (now["is_ready"], now["key_kind"], now["key_origin"]) == (True, "api_key", "stored")
        assert "m-1" in [model["id"] for model in now["models"]]
        assert not old.http.is_closed, "requests may still be under way with the key before"
        assert KEY not in stored.text + str(now)
        files = [path.read_bytes() for path in tmp_path.glob("lot.db*")]
        assert not any(KEY.encode() in file for file in files)
    async with installed(tmp_path, upstream) as (lot, providers), client_of(lot) as http:
        assert providers.get_provider("anthropic").readiness() is None
        assert (await http.delete(PATH)).status_code == 204
        assert providers.get_provider("anthropic").readiness() is not None
    async with installed(tmp_path, upstream) as (_, providers):
        assert providers.get_provider("anthropic").readiness() is not None


async def test_subscription_token_takes_the_place_of_a_key_and_another_address_counts(
    tmp_path: Path, upstream: Upstream
) -> None:
    async with installed(tmp_path, upstream) as (lot, providers), client_of(lot) as http:
        await http.put(PATH, json={"kind": "api_key", "value": KEY})
        answer = await http.put(
            PATH, json={"kind": "auth_token", "value": "token", "base_url": "http://gateway.example/"}
        )
        assert (answer.json()["key_kind"], answer.json()["base_url"]) == ("auth_token", "http://gateway.example")
        assert upstream.seen[-1] == (None, "Bearer token")
        provider = providers.get_provider("anthropic")
        assert provider.credential is not None
        assert provider.credential.kind is CredentialKind.AUTH_TOKEN


async def test_key_that_the_provider_refuses_changes_nothing(tmp_path: Path, upstream: Upstream) -> None:
    async with installed(tmp_path, upstream) as (lot, providers), client_of(lot) as http:
        await http.put(PATH, json={"kind": "api_key", "value": KEY})
        refused = await http.put(PATH, json={"kind": "api_key", "value": "wrong"})
        assert (refused.status_code, refused.json()["code"]) == (422, "model.key_refused")
        assert "wrong" not in refused.text
        credential = providers.get_provider("anthropic").credential
        assert credential is not None
        assert credential.secret.get_secret_value() == KEY


async def test_provider_out_of_reach_takes_the_key_at_its_word(tmp_path: Path) -> None:
    async with installed(tmp_path, Upstream(tmp_path / "nobody.sock")) as (lot, _), client_of(lot) as http:
        stored = (await http.put(PATH, json={"kind": "api_key", "value": KEY})).json()
        assert (stored["key_origin"], stored["is_ready"], "cannot be reached" in stored["reason"]) == (
            "stored",
            False,
            True,
        )


async def test_environment_counts_above_what_is_stored_and_says_so(tmp_path: Path, upstream: Upstream) -> None:
    async with installed(tmp_path, upstream) as (lot, _), client_of(lot) as http:
        await http.put(PATH, json={"kind": "auth_token", "value": "token"})
    async with (
        installed(tmp_path, upstream, anthropic_api_key=SecretStr(KEY)) as (lot, providers),
        client_of(lot) as http,
    ):
        [seen] = (await http.get("/api/providers")).json()
        assert (seen["key_origin"], seen["key_kind"]) == ("environment", "api_key")
        refused = await http.put(PATH, json={"kind": "auth_token", "value": "token"})
        assert (refused.status_code, "environment" in refused.text) == (409, True)
        await http.delete(PATH)
        assert providers.get_provider("anthropic").key_origin == "environment"
    async with installed(tmp_path, upstream) as (_, providers):
        assert providers.get_provider("anthropic").credential is None, "it was forgotten all the same"


async def test_address_of_the_environment_cannot_be_changed(tmp_path: Path, upstream: Upstream) -> None:
    settings = {"anthropic_base_url": "http://gateway.example"}
    async with installed(tmp_path, upstream, **settings) as (lot, _), client_of(lot) as http:
        body = {"kind": "api_key", "value": KEY}
        refused = await http.put(PATH, json=body | {"base_url": "https://elsewhere.example"})
        assert (refused.status_code, "LOT_ANTHROPIC_BASE_URL" in refused.text) == (409, True)
        assert (await http.put(PATH, json=body)).json()["base_url"] == "http://gateway.example"


@pytest.mark.parametrize(
    ("name", "changes", "status"),
    [
        ("anthropic", {"value": " "}, 422),
        ("anthropic", {"value": "two words"}, 422),
        ("anthropic", {"value": "line\r\nx-header: 1"}, 422),
        ("anthropic", {"kind": "password"}, 422),
        ("anthropic", {"base_url": "file:///etc/passwd"}, 422),
        ("anthropic", {"base_url": "https://user:word@host"}, 422),
        ("nobody", {}, 422),
    ],
)
async def test_wrong_key_is_refused_without_repeating_it(
    tmp_path: Path, upstream: Upstream, name: str, changes: dict[str, str], status: int
) -> None:
    async with installed(tmp_path, upstream) as (lot, _), client_of(lot) as http:
        body = {"kind": "api_key", "value": KEY} | changes
        answer = await http.put(f"/api/providers/{name}/credential", json=body)
        assert answer.status_code == status
        assert body["value"].strip() == "" or body["value"] not in answer.text
        assert upstream.seen == []
