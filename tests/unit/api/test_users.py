"""Users as they see each other: listed, invited, renamed and removed."""

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
async def ada(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """The first user's browser."""
    async with door.browser(**FROM_PAGE) as browser:
        await door.become(browser)
        yield browser


@pytest.fixture
async def grace(door: Door, ada: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """The second user's."""
    async with door.browser(**FROM_PAGE) as browser:
        await door.become(browser, "grace")
        yield browser


async def read_to_the_end(socket: AsyncWebSocketSession) -> None:
    while True:
        await socket.receive_text()


async def test_users_see_each_other(ada: httpx.AsyncClient, grace: httpx.AsyncClient) -> None:
    first, second = (await ada.get("/api/users")).json()
    assert (first["name"], first["is_current"], first["has_password"], first["providers"]) == ("ada", True, True, [])
    assert (second["name"], second["is_current"], second["last_seen_at"] is None) == ("grace", False, False)
    for_operator = await ada.get("/api/users", headers=OPERATOR)
    assert [user["is_current"] for user in for_operator.json()] == [False, False]
    assert "argon2" not in for_operator.text


async def test_user_invites_another_one_from_a_browser(door: Door, ada: httpx.AsyncClient) -> None:
    made = (await ada.post("/api/sign-in-links", json={"is_new": True})).json()
    assert made["user"] is None
    link = httpx.URL(made["url"]).params["link"]
    async with door.browser(**FROM_PAGE) as guest:
        await guest.post("/api/sign-in/link", json={"link": link, "name": "grace", "password": PASSWORD})
        assert [user["name"] for user in (await guest.get("/api/users")).json()] == ["ada", "grace"]


async def test_renamed_user_stays_signed_in_and_signs_in_by_the_new_name(
    ada: httpx.AsyncClient, grace: httpx.AsyncClient
) -> None:
    answer = await ada.patch("/api/users/grace", json={"name": " Hopper "})
    assert (answer.status_code, answer.json()) == (200, {"name": "hopper"})
    assert (await grace.get("/api/sign-in")).json()["user"] == {"name": "hopper"}
    assert (await grace.post("/api/sign-in", json={"name": "hopper", "password": PASSWORD})).status_code == 200
    assert (await grace.post("/api/sign-in", json={"name": "grace", "password": PASSWORD})).status_code == 403
    for name in ("ada", "no name", ""):
        assert (await ada.patch("/api/users/hopper", json={"name": name})).status_code == 422
    assert (await ada.patch("/api/users/grace", json={"name": "x"})).status_code == 404


async def test_removed_users_browsers_tokens_and_sockets_end_at_once(
    door: Door, ada: httpx.AsyncClient, grace: httpx.AsyncClient
) -> None:
    session = await door.lot.session()
    token = (await grace.post("/api/tokens", json={"name": "ci"})).json()["token"]
    address = f"{ORIGIN}/api/sessions/{session.id}/events/stream"
    ways_in = (
        {"Cookie": f"lot_session={grace.cookies['lot_session']}", "Origin": ORIGIN},
        {"Authorization": f"Bearer {token}"},
    )
    for way_in in ways_in:
        async with door.browser(**way_in) as client:
            assert (await client.get("/api/projects")).status_code == 200
    with anyio.fail_after(20):
        async with (
            httpx.AsyncClient(transport=ASGIWebSocketTransport(door.app), headers=ways_in[0]) as browser,
            httpx.AsyncClient(transport=ASGIWebSocketTransport(door.app), headers=ways_in[1]) as program,
            aconnect_ws(address, browser, keepalive_ping_interval_seconds=None) as seen,
            aconnect_ws(address, program, keepalive_ping_interval_seconds=None) as read,
        ):
            for socket in (seen, read):
                await socket.receive_text()
            assert (await ada.delete("/api/users/grace")).status_code == 204
            for socket in (seen, read):
                with pytest.raises(WebSocketDisconnect) as ended:
                    await read_to_the_end(socket)
                assert ended.value.code == 4401
    for way_in in ways_in:
        async with door.browser(**way_in) as client:
            assert (await client.get("/api/projects")).status_code == 401
    assert (await grace.post("/api/sign-in", json={"name": "grace", "password": PASSWORD})).status_code == 403
    assert [user["name"] for user in (await ada.get("/api/users")).json()] == ["ada"]
    assert (await ada.get(f"/api/sessions/{session.id}")).status_code == 200


async def test_removed_users_invitation_lets_nobody_in(
    door: Door, ada: httpx.AsyncClient, grace: httpx.AsyncClient
) -> None:
    kept = httpx.URL((await grace.post("/api/sign-in-links", json={"is_new": True})).json()["url"]).params["link"]
    await ada.delete("/api/users/grace")
    async with door.browser(**FROM_PAGE) as browser:
        back = await browser.post("/api/sign-in/link", json={"link": kept, "name": "grace", "password": PASSWORD})
    assert (back.status_code, back.json()["code"]) == (403, "auth.refused")


async def test_nobody_removes_themselves_or_the_only_user(ada: httpx.AsyncClient, grace: httpx.AsyncClient) -> None:
    own = await ada.delete("/api/users/ada")
    assert (own.status_code, "another user" in own.json()["message"]) == (422, True)
    assert (await ada.delete("/api/users/eve")).status_code == 404
    assert (await ada.delete("/api/users/grace")).status_code == 204
    only = await ada.delete("/api/users/ada", headers=OPERATOR)
    assert (only.status_code, "only user" in only.json()["message"]) == (422, True)
    assert (await ada.get("/api/projects")).status_code == 200


async def test_token_of_a_user_changes_nobody_and_invites_nobody(
    door: Door, ada: httpx.AsyncClient, grace: httpx.AsyncClient
) -> None:
    token = (await ada.post("/api/tokens", json={"name": "ci"})).json()["token"]
    async with door.browser(Authorization=f"Bearer {token}") as program:
        refused = [
            await program.delete("/api/users/grace"),
            await program.patch("/api/users/grace", json={"name": "eve"}),
            await program.post("/api/sign-in-links", json={"is_new": True}),
        ]
        listed = (await program.get("/api/users")).json()
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "forbidden")] * 3
    assert [(user["name"], user["is_current"]) for user in listed] == [("ada", True), ("grace", False)]


async def test_who_runs_lot_removes_and_renames_anybody(ada: httpx.AsyncClient, grace: httpx.AsyncClient) -> None:
    assert (await ada.patch("/api/users/ada", json={"name": "lovelace"}, headers=OPERATOR)).status_code == 200
    assert (await ada.delete("/api/users/lovelace", headers=OPERATOR)).status_code == 204
    assert (await ada.get("/api/projects")).status_code == 401
