"""Signing in by an account elsewhere, at a provider that is really asked."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from oidc_provider import CLIENT, SECRET, Provider, provider_at_work
from pydantic import ValidationError
from sign_in_rig import Door, door_to

from lot.config import Settings
from tests.unit.engine.conftest import rig
from tests.unit.engine.world import World

WITH = "/api/sign-in/with"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_at_work() as provider:
        yield provider


@pytest.fixture
async def door(tmp_path: Path, provider: Provider) -> AsyncIterator[Door]:
    common = {"client_id": CLIENT, "client_secret": SECRET}
    ways: dict[str, Any] = {
        "oidc": {"work": common | {"issuer": f"{provider.url}/", "allow": "ada@example.org, @lot.example"}},
        "github_sign_in": common | {"url": provider.url, "allow": "ada"},
    }
    async with rig(tmp_path, World(), **ways) as lot:
        yield door_to(lot)


@asynccontextmanager
async def at_provider(browser: httpx.AsyncClient, name: str, to: str = "/") -> AsyncIterator[httpx.URL]:
    """Begin, and return where the provider leads a browser back to."""
    begun = await browser.get(f"{WITH}/{name}", params={"to": to})
    assert begun.status_code == 303
    async with httpx.AsyncClient(trust_env=False) as outside:
        yield httpx.URL((await outside.get(begun.headers["location"])).headers["location"])


async def sign_in(browser: httpx.AsyncClient, name: str = "work", to: str = "/") -> str:
    """Sign in at a provider and return where that leads."""
    async with at_provider(browser, name, to) as back:
        return (await browser.get(back.raw_path.decode())).headers["location"]


async def user_of(browser: httpx.AsyncClient) -> str | None:
    user = (await browser.get("/api/sign-in")).json()["user"]
    return None if user is None else user["name"]


@pytest.mark.parametrize(("name", "user"), [("work", "ada@example.org"), ("github", "ada")])
async def test_who_is_allowed_is_signed_in_as_the_same_user_each_time(door: Door, name: str, user: str) -> None:
    for _ in range(2):
        async with door.browser() as browser:
            assert await sign_in(browser, name, "/sessions/x?y=z") == "/sessions/x?y=z"
            assert await user_of(browser) == user
            assert "lot_sign_in" not in browser.cookies
    assert len(await door.lot.parts.store.list_users()) == 1


async def test_ways_are_listed(door: Door) -> None:
    async with door.browser() as browser:
        methods = (await browser.get("/api/sign-in")).json()["methods"]
    ways = [{"kind": "oidc", "name": name, "url": f"{WITH}/{name}"} for name in ("work", "github")]
    assert methods == [{"kind": "password"}, *ways]


async def test_domain_is_allowed_and_what_only_ends_like_it_is_not(door: Door, provider: Provider) -> None:
    for number, email in enumerate(("x@lot.example", "x@evil-lot.example", "x@sub.lot.example", "lot.example")):
        provider.claims |= {"email": email, "sub": f"new {number}"}
        async with door.browser() as browser:
            await sign_in(browser)
            assert await user_of(browser) == (email if number == 0 else None)


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"email": "eve@example.org"}, "auth.refused"),
        ({"email_verified": False}, "auth.refused"),
        ({"email_verified": "true"}, "auth.refused"),
        ({"nonce": "of another"}, "auth.provider"),
        ({"aud": "another client"}, "auth.provider"),
        ({"iss": "https://evil.example"}, "auth.provider"),
        ({"exp": 1}, "auth.provider"),
    ],
)
async def test_token_that_does_not_do_lets_nobody_in(
    door: Door, provider: Provider, claims: dict[str, Any], error: str
) -> None:
    provider.claims |= claims
    async with door.browser() as browser:
        assert await sign_in(browser) == f"/sign-in?error={error}"
        assert await user_of(browser) is None


async def test_token_with_another_key_lets_nobody_in(door: Door, provider: Provider) -> None:
    provider.signing_key = RSAKey.generate_key(2048)
    async with door.browser() as browser:
        assert await sign_in(browser) == "/sign-in?error=auth.provider"


async def test_login_that_is_not_on_the_list_is_refused(door: Door, provider: Provider) -> None:
    provider.login = "eve"
    async with door.browser() as browser:
        assert await sign_in(browser, "github") == "/sign-in?error=auth.refused"


async def test_refusal_at_the_provider_leads_back(door: Door, provider: Provider) -> None:
    provider.refuses = True
    async with door.browser() as browser:
        assert await sign_in(browser) == "/sign-in?error=auth.provider"


async def test_answer_counts_once_and_only_in_the_browser_that_began(door: Door) -> None:
    async with door.browser() as browser, door.browser() as other, at_provider(browser, "work") as back:
        path = back.raw_path.decode()
        assert (await other.get(path)).headers["location"] == "/sign-in?error=auth.refused"
        secret = browser.cookies["lot_sign_in"]
        wrong = await browser.get(path.replace("state=", "state=x"))
        assert wrong.headers["location"] == "/sign-in?error=auth.refused"
        again = await browser.get(path, headers={"Cookie": f"lot_sign_in={secret}"})
        assert again.headers["location"] == "/sign-in?error=auth.refused"
    async with door.browser() as browser, at_provider(browser, "work") as back:
        secret = browser.cookies["lot_sign_in"]
        assert (await browser.get(back.raw_path.decode())).headers["location"] == "/"
        again = await browser.get(back.raw_path.decode(), headers={"Cookie": f"lot_sign_in={secret}"})
        assert again.headers["location"] == "/sign-in?error=auth.refused"


async def test_user_of_the_same_name_is_another_one(door: Door) -> None:
    async with door.browser() as browser, door.browser() as other:
        await door.become(other, "ada")
        await sign_in(browser, "github")
        assert await user_of(browser) == "ada-2"


async def test_afterwards_a_browser_stays_here(door: Door) -> None:
    async with door.browser() as browser:
        assert await sign_in(browser, to="//evil.example/") == "/"


async def test_unknown_and_silent_providers_lead_back(tmp_path: Path) -> None:
    silent = {"issuer": "http://127.0.0.1:9", "client_id": "x", "client_secret": "y", "allow": "ada@example.org"}
    async with rig(tmp_path, World(), oidc={"silent": silent}) as lot, door_to(lot).browser() as browser:
        for name, code in (("silent", "auth.provider"), ("nosuch", "not_found")):
            led = await browser.get(f"{WITH}/{name}")
            assert led.headers["location"] == f"/sign-in?error={code}"


def test_providers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "LOT_OIDC_WORK_ISSUER": "https://id.example.org",
        "LOT_OIDC_WORK_CLIENT_ID": "a",
        "LOT_OIDC_WORK_CLIENT_SECRET": "b",
        "LOT_OIDC_WORK_ALLOW": "@Example.org, ",
        "LOT_GITHUB_SIGN_IN_CLIENT_ID": "c",
        "LOT_GITHUB_SIGN_IN_CLIENT_SECRET": "d",
        "LOT_GITHUB_SIGN_IN_ALLOW": "ada,Grace",
    }.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.oidc["work"].allow == ("@example.org",)
    assert settings.github_sign_in is not None
    assert settings.github_sign_in.allow == ("ada", "grace")
    assert settings.github_sign_in.api_url == "https://api.github.com/"
    assert "b" not in repr(settings.oidc["work"].client_secret)
    monkeypatch.setenv("LOT_OIDC_WORK_ALLOW", " ,")
    with pytest.raises(ValidationError, match=r"oidc\.work\.allow"):
        Settings()
