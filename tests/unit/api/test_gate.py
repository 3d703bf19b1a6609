"""Who is let in: nobody without sign-in, no page but our own by cookie, and under no name but ours."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from sign_in_rig import FROM_PAGE, OPERATOR, ORIGIN, Door, door_to, try_socket

from tests.unit.engine.conftest import rig
from tests.unit.engine.world import World

OPEN = {
    ("GET", "/"),
    ("GET", "/api/health"),
    ("GET", "/api/sign-in"),
    ("POST", "/api/sign-in"),
    ("POST", "/api/sign-in/link"),
    ("POST", "/api/sign-in/link/check"),
    ("GET", "/api/previews/enter"),
}
SOCKET = "/api/sessions/x/events/stream"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with rig(tmp_path, World()) as lot:
        yield door_to(lot)


@pytest.fixture
async def http(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody is signed in with."""
    async with door.browser() as browser:
        yield browser


@pytest.fixture
async def signed_in(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that somebody is signed in with."""
    async with door.browser() as browser:
        await door.become(browser)
        yield browser


async def test_every_route_refuses_without_sign_in_but_those_that_are_named(
    door: Door, http: httpx.AsyncClient
) -> None:
    answered, refused, sockets = set(), 0, 0
    for route in iter_route_contexts(door.app.routes):
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        if route.methods is None:
            assert (await try_socket(door.app, path))["code"] == 4401
            sockets += 1
        for method in route.methods or ():
            answer = await http.request(method, path)
            if answer.status_code == 401 and (method == "HEAD" or answer.json()["code"] == "auth.required"):
                refused += 1
            else:
                answered.add((method, route.path))
    assert answered == OPEN
    assert refused > 60
    assert sockets >= 2


@pytest.mark.parametrize("path", ["/api/nosuch", "/api", "/docs/x", "/api/sign-in-links", "/api/sign-out"])
async def test_what_is_no_route_refuses_all_the_same(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 401


async def test_refusal_says_how_to_sign_in(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/projects")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer <token>" in answer.json()["message"]


async def test_socket_is_refused_with_the_reason_where_the_server_can(door: Door) -> None:
    answer = await try_socket(door.app, SOCKET, extensions=("websocket.http.response",))
    assert (answer["type"], answer["status"]) == ("websocket.http.response.start", 401)


async def test_cookie_signs_in_for_what_is_read(signed_in: httpx.AsyncClient) -> None:
    assert (await signed_in.get("/api/projects")).json() == []
    assert "openapi" in (await signed_in.get("/openapi.json")).json()
    assert (await signed_in.get("/docs")).status_code == 200


@pytest.mark.parametrize("cookie", ["", "wrong", "__Host-lot_session"])
async def test_other_cookies_sign_nobody_in(http: httpx.AsyncClient, signed_in: httpx.AsyncClient, cookie: str) -> None:
    value = f"{cookie}={signed_in.cookies['lot_session']}" if cookie.startswith("__") else f"lot_session={cookie}"
    assert (await http.get("/api/projects", headers={"Cookie": value})).status_code == 401


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://localhost:7071",
        "https://localhost:7070",
        "http://127.0.0.1:7070",
        "http://evil.example",
        "http://3000--abcd.preview.localhost:7070",
        "http://localhost:7070/",
        "http://x@localhost:7070",
    ],
)
async def test_request_by_cookie_from_another_page_is_refused(
    door: Door, signed_in: httpx.AsyncClient, origin: str | None
) -> None:
    headers = {"X-Lot-Client": "web"} | ({} if origin is None else {"Origin": origin})
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await signed_in.request(method, "/api/tokens", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden.origin")
    cookie = f"lot_session={signed_in.cookies['lot_session']}"
    refused = await try_socket(
        door.app, SOCKET, ("websocket.http.response",), cookie=cookie, **({} if origin is None else {"origin": origin})
    )
    assert refused["status"] == 403


async def test_request_by_cookie_from_our_own_page_is_let_in_when_it_says_what_it_is(
    door: Door, signed_in: httpx.AsyncClient
) -> None:
    without = await signed_in.post("/api/tokens", json={"name": "ci"}, headers={"Origin": ORIGIN})
    assert (without.status_code, without.json()["code"]) == (403, "forbidden.origin")
    assert (await signed_in.post("/api/tokens", json={"name": "ci"}, headers=FROM_PAGE)).status_code == 201
    cookie = f"lot_session={signed_in.cookies['lot_session']}"
    assert (await try_socket(door.app, SOCKET, cookie=cookie, origin=ORIGIN))["type"] == "websocket.accept"


async def test_token_needs_no_origin(door: Door, http: httpx.AsyncClient) -> None:
    for headers in (OPERATOR, OPERATOR | {"Origin": "http://dev.example"}):
        assert (await http.post("/api/sign-in-links", json={}, headers=headers)).status_code == 201
    accepted = await try_socket(door.app, SOCKET, authorization=OPERATOR["Authorization"])
    assert accepted["type"] == "websocket.accept"


async def test_wrong_token_is_not_made_good_by_a_cookie(signed_in: httpx.AsyncClient) -> None:
    assert (await signed_in.get("/api/projects", headers={"Authorization": "Bearer wrong"})).status_code == 401
    assert (await signed_in.get("/api/projects", headers={"Authorization": "Basic cHJveHk="})).status_code == 200


async def test_other_site_cannot_sign_a_browser_in(http: httpx.AsyncClient) -> None:
    body = {"name": "eve", "password": "of the attacker"}
    answer = await http.post("/api/sign-in", json=body, headers={"Origin": "http://evil.example"})
    assert answer.json()["code"] == "forbidden.origin"
    assert (await http.post("/api/sign-in", json=body)).json()["code"] == "auth.refused"


@pytest.mark.parametrize("host", ["localhost:7070", "LOCALHOST", "127.0.0.1:7070", "[::1]:7070", "192.0.2.1:7070"])
async def test_known_hosts_are_answered(http: httpx.AsyncClient, host: str) -> None:
    assert (await http.get("/api/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["evil.example:7070", "localhost.evil.example", "a@localhost", "", "localhost:x"])
async def test_other_names_are_refused_even_with_the_token(http: httpx.AsyncClient, host: str) -> None:
    answer = await http.get("/api/host", headers=OPERATOR | {"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden.host")
    assert "LOT_PUBLIC_URL" in answer.json()["message"]


async def test_behind_a_proxy_with_tls_the_cookie_is_bound_to_its_host_and_the_public_address_is_our_origin(
    tmp_path: Path,
) -> None:
    async with rig(tmp_path, World(), public_url="https://lot.example.org") as lot:
        door = door_to(lot)
        async with door.browser("http://lot.example.org") as browser:
            link = await door.link()
            entry = {"link": link, "name": "ada", "password": "correct horse"}
            entered = await browser.post("/api/sign-in/link", json=entry)
            cookie = entered.headers["set-cookie"]
            assert cookie.startswith("__Host-lot_session=")
            assert cookie.endswith("; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax; Secure")
            headers = {"Cookie": cookie.partition(";")[0], "X-Lot-Client": "web"}
            for origin, status in (("https://lot.example.org", 201), ("https://other.example.org", 403)):
                made = await browser.post("/api/tokens", json={"name": "ci"}, headers=headers | {"Origin": origin})
                assert made.status_code == status
            other = await browser.get("/api/health", headers={"Host": "other.example.org"})
            assert other.json()["code"] == "forbidden.host"


async def test_session_lasts_thirty_days_from_its_last_use_and_its_cookie_is_sent_anew(
    door: Door, signed_in: httpx.AsyncClient
) -> None:
    door.lot.clock.forward(60)
    assert "set-cookie" not in (await signed_in.get("/api/projects")).headers
    for _ in range(3):
        door.lot.clock.forward(timedelta(days=20).total_seconds())
        again = await signed_in.get("/api/projects")
        assert again.status_code == 200
        assert "Max-Age=2592000" in again.headers["set-cookie"]
    door.lot.clock.forward(timedelta(days=30).total_seconds())
    assert (await signed_in.get("/api/projects")).status_code == 401
