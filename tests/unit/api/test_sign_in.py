"""Signing in and out, and what a user is signed in with."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import httpx
import pytest
from httpx_ws import AsyncWebSocketSession, WebSocketDisconnect, aconnect_ws
from httpx_ws.transport import ASGIWebSocketTransport
from sign_in_rig import FROM_PAGE, OPERATOR, ORIGIN, PASSWORD, Door, door_to

from tests.unit.engine.conftest import rig
from tests.unit.engine.world import World


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with rig(tmp_path, World()) as lot:
        yield door_to(lot)


@pytest.fixture
async def http(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody is signed in with."""
    async with door.browser(**FROM_PAGE, **{"User-Agent": "Firefox"}) as browser:
        yield browser


@pytest.fixture
async def other(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """Another one."""
    async with door.browser(**FROM_PAGE) as browser:
        yield browser


async def enter(http: httpx.AsyncClient, name: str = "ada", password: str = PASSWORD) -> httpx.Response:
    return await http.post("/api/sign-in", json={"name": name, "password": password})


async def read_to_the_end(socket: AsyncWebSocketSession) -> None:
    while True:
        await socket.receive_text()


async def test_first_start_leads_from_a_link_to_a_user_with_a_password(door: Door, http: httpx.AsyncClient) -> None:
    shown = (await http.get("/api/sign-in")).json()
    nobody = {"is_signed_in": False, "user": None, "has_users": False, "methods": [{"kind": "password"}]}
    assert shown == nobody
    link = await door.link()
    assert (await http.post("/api/sign-in/link/check", json={"link": link})).json() == {"user": None}
    for lacking in ({}, {"name": "ada"}, {"name": "ada", "password": "short"}, {"name": "a b", "password": PASSWORD}):
        refused = await http.post("/api/sign-in/link", json={"link": link} | lacking)
        assert (refused.status_code, "set-cookie" in refused.headers) == (422, False)
        assert "short" not in refused.text
    used = await http.post("/api/sign-in/link", json={"link": link, "name": " Ada ", "password": PASSWORD})
    assert used.json() == {"name": "ada"}
    cookie = used.headers["set-cookie"]
    assert cookie.startswith("lot_session=")
    assert cookie.endswith("; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax")
    shown = (await http.get("/api/sign-in")).json()
    assert shown == nobody | {"is_signed_in": True, "user": {"name": "ada"}, "has_users": True}
    again = await http.post("/api/sign-in/link", json={"link": link, "name": "eve", "password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (403, "auth.refused")


async def test_link_survives_a_restart_and_is_over_after_a_day(door: Door, http: httpx.AsyncClient) -> None:
    link = await door.link()
    restarted = door_to(door.lot)
    async with restarted.browser() as browser:
        assert (await browser.post("/api/sign-in/link/check", json={"link": link})).status_code == 200
    door.lot.clock.forward(24 * 3600)
    assert (await http.post("/api/sign-in/link/check", json={"link": link})).json()["code"] == "auth.refused"


async def test_password_signs_in_and_a_wrong_one_is_refused_in_the_words_of_an_unknown_name(
    door: Door, http: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.become(http)
    assert (await enter(other, "ADA ")).json() == {"name": "ada"}
    wrong, unknown = await enter(other, password="something else"), await enter(other, "nobody\0")
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.content == unknown.content


async def test_sign_in_waits_after_ten_wrong_passwords_and_a_link_helps(
    door: Door, http: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.become(http)
    for _ in range(10):
        assert (await enter(other, password="wrong")).status_code == 403
    limited = await enter(other)
    assert (limited.status_code, limited.json()["code"]) == (429, "auth.too_many_attempts")
    assert 0 < int(limited.headers["retry-after"]) <= 900
    assert "Next step: wait " in limited.json()["message"]
    assert (await other.post("/api/sign-in/link", json={"link": await door.link()})).json() == {"name": "ada"}


async def test_signing_in_again_ends_the_session_before(door: Door, http: httpx.AsyncClient) -> None:
    await door.become(http)
    first = http.cookies["lot_session"]
    await enter(http)
    assert http.cookies["lot_session"] != first
    assert len((await http.get("/api/browser-sessions")).json()) == 1


async def test_signing_out_ends_the_session_and_takes_the_cookie(door: Door, http: httpx.AsyncClient) -> None:
    await door.become(http)
    kept = http.cookies["lot_session"]
    left = await http.post("/api/sign-out")
    assert (left.status_code, "lot_session=; Max-Age=0" in left.headers["set-cookie"]) == (204, True)
    assert (await http.get("/api/projects", headers={"Cookie": f"lot_session={kept}"})).status_code == 401


async def test_link_of_a_user_replaces_a_forgotten_password_and_signs_browsers_out(
    door: Door, http: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.become(http)
    link = await door.link()
    assert (await other.post("/api/sign-in/link/check", json={"link": link})).json() == {"user": {"name": "ada"}}
    assert (await other.post("/api/sign-in/link", json={"link": link, "password": "remembered"})).status_code == 200
    assert (await http.get("/api/projects")).status_code == 401
    assert (await enter(http)).status_code == 403
    assert (await enter(http, password="remembered")).status_code == 200


async def test_further_users_come_by_links_and_each_is_named(
    door: Door, http: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.become(http)
    await door.become(other, "grace")
    taken = {"link": await door.link(is_new=True), "name": "ada", "password": PASSWORD}
    assert (await other.post("/api/sign-in/link", json=taken)).json()["code"] == "input.invalid"
    unclear = await http.post("/api/sign-in-links", json={}, headers=OPERATOR)
    assert "ada, grace" in unclear.json()["message"]
    unknown = await http.post("/api/sign-in-links", json={"user": "eve"}, headers=OPERATOR)
    assert unknown.status_code == 404
    assert await door.link(user="Grace")


async def test_only_the_token_of_the_data_folder_makes_links_for_a_user(door: Door, http: httpx.AsyncClient) -> None:
    await door.become(http)
    for wanted in ({}, {"user": "ada"}):
        refused = await http.post("/api/sign-in-links", json=wanted)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await door.link(user="ada")


async def test_browsers_are_listed_and_revoked_by_whose_they_are(
    door: Door, http: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.become(http)
    [own] = (await http.get("/api/browser-sessions")).json()
    assert (own["user"], own["user_agent"], own["address"], own["is_current"]) == ("ada", "Firefox", "192.0.2.7", True)
    await door.become(other, "grace")
    assert (await other.delete(f"/api/browser-sessions/{own['id']}")).status_code == 404
    everybody = (await http.get("/api/browser-sessions", headers=OPERATOR)).json()
    assert sorted(session["user"] for session in everybody) == ["ada", "grace"]
    assert (await http.delete(f"/api/browser-sessions/{own['id']}")).status_code == 204
    assert (await http.get("/api/projects")).status_code == 401


async def test_token_is_shown_once_used_and_revoked(door: Door, http: httpx.AsyncClient) -> None:
    await door.become(http)
    made = (await http.post("/api/tokens", json={"name": "ci"})).json()
    program = {"Authorization": f"Bearer {made['token']}"}
    async with door.browser(**program) as ci:
        shown = (await ci.get("/api/sign-in")).json()
        assert (shown["is_signed_in"], shown["user"]) == (True, {"name": "ada"})
        assert (await ci.post("/api/tokens", json={"name": "more"})).json()["code"] == "forbidden"
        change = {"current": PASSWORD, "new": "taken over"}
        assert (await ci.put("/api/password", json=change)).json()["code"] == "forbidden"
        listed = await http.get("/api/tokens")
        assert made["token"] not in listed.text
        assert [(token["name"], token["last_used_at"] is None) for token in listed.json()] == [("ci", False)]
        assert (await http.delete(f"/api/tokens/{made['id']}")).status_code == 204
        assert (await ci.get("/api/projects")).status_code == 401


async def test_new_password_signs_out_the_other_browsers_only(
    door: Door, http: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    await door.become(http)
    await enter(other)
    wrong = await http.put("/api/password", json={"current": "wrong", "new": "another one"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "auth.refused")
    short = await http.put("/api/password", json={"current": PASSWORD, "new": "short"})
    assert short.status_code == 422
    assert (await other.get("/api/projects")).status_code == 200
    assert (await http.put("/api/password", json={"current": PASSWORD, "new": "another one"})).status_code == 204
    assert (await http.get("/api/projects")).status_code == 200
    assert (await other.get("/api/projects")).status_code == 401
    assert (await enter(other, password="another one")).status_code == 200


async def test_open_socket_ends_with_the_session_of_its_browser(door: Door, http: httpx.AsyncClient) -> None:
    await door.become(http)
    session = await door.lot.session()
    headers = {"Cookie": f"lot_session={http.cookies['lot_session']}", "Origin": ORIGIN}
    address = f"{ORIGIN}/api/sessions/{session.id}/events/stream"
    with anyio.fail_after(20):
        async with (
            httpx.AsyncClient(transport=ASGIWebSocketTransport(door.app), headers=headers) as browser,
            aconnect_ws(address, browser, keepalive_ping_interval_seconds=None) as socket,
        ):
            await socket.receive_text()
            await http.post("/api/sign-out")
            with pytest.raises(WebSocketDisconnect) as ended:
                await read_to_the_end(socket)
    assert ended.value.code == 4401


async def test_nothing_that_lets_in_stands_in_the_database(door: Door, http: httpx.AsyncClient) -> None:
    link = await door.link()
    await http.post("/api/sign-in/link", json={"link": link, "name": "ada", "password": PASSWORD})
    unused = await door.link()
    token = (await http.post("/api/tokens", json={"name": "ci"})).json()["token"]
    secrets = [link, unused, token, PASSWORD, http.cookies["lot_session"]]
    for file in door.lot.parts.settings.data_dir.glob("lot.db*"):
        content = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content]
