"""Turning push on and off in a browser: whose devices are whose, and which addresses a server is never made to call."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from push_rig import Browser
from sign_in_rig import FROM_PAGE, OPERATOR, Door, door_to

from lot.push.encryption import unpack
from tests.unit.engine.conftest import rig
from tests.unit.engine.world import World

ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with rig(tmp_path, World()) as lot:
        yield door_to(lot)


@asynccontextmanager
async def signed_in(door: Door, name: str, agent: str = "Firefox") -> AsyncIterator[httpx.AsyncClient]:
    """Return a user's browser."""
    async with door.browser(**FROM_PAGE, **{"User-Agent": agent}) as http:
        await door.become(http, name)
        yield http


async def devices(http: httpx.AsyncClient) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = (await http.get("/api/push")).json()["devices"]
    return shown


async def test_push_is_turned_on_seen_and_turned_off_by_its_user_alone(door: Door, tmp_path: Path) -> None:
    async with signed_in(door, "ada") as ada, signed_in(door, "grace", "Safari") as grace:
        shown = (await ada.get("/api/push")).json()
        assert (shown["is_on"], shown["reason"], shown["devices"]) == (True, None, [])
        assert len(unpack(shown["public_key"])) == 65
        assert (await grace.get("/api/push")).json()["public_key"] == shown["public_key"]
        made = await ada.post("/api/push/devices", json=Browser().body(ENDPOINT))
        assert made.status_code == 201
        device = made.json()
        assert (device["user_agent"], device["is_current"], device["failure"]) == ("Firefox", True, None)
        assert await devices(ada) == [device]
        assert await devices(grace) == []
        path = f"/api/push/devices/{device['id']}"
        assert (await grace.delete(path)).status_code == 404
        assert (await ada.delete(path)).status_code == 204
        assert await devices(ada) == []
        assert (await ada.delete(path)).status_code == 404


async def test_what_a_browser_gave_never_comes_out_and_is_sealed(door: Door, tmp_path: Path) -> None:
    async with signed_in(door, "ada") as ada:
        body = Browser().body(ENDPOINT)
        made = await ada.post("/api/push/devices", json=body)
        said = made.text + (await ada.get("/api/push")).text
        files = b"".join(path.read_bytes() for path in tmp_path.glob("lot.db*"))
        for secret in (ENDPOINT, body["keys"]["auth"], body["keys"]["p256dh"]):
            assert secret not in said
            assert secret.encode() not in files
        assert b"BEGIN PRIVATE KEY" not in files


async def test_signing_out_and_revoking_a_browser_end_its_device(door: Door) -> None:
    async with signed_in(door, "ada") as ada:
        link = await door.link(user="ada")
        async with door.browser(**FROM_PAGE, **{"User-Agent": "Phone"}) as phone:
            await phone.post("/api/sign-in/link", json={"link": link})
            await phone.post("/api/push/devices", json=Browser().body(f"{ENDPOINT}-phone"))
            await ada.post("/api/push/devices", json=Browser().body(ENDPOINT))
            seen = {one["user_agent"]: one["is_current"] for one in await devices(ada)}
            assert seen == {"Firefox": True, "Phone": False}
            [other] = [one for one in (await ada.get("/api/browser-sessions")).json() if not one["is_current"]]
            await ada.delete(f"/api/browser-sessions/{other['id']}")
            assert [one["user_agent"] for one in await devices(ada)] == ["Firefox"]
        await ada.post("/api/sign-out")
    async with door.browser(**OPERATOR) as operator:
        assert await devices(operator) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"endpoint": "https://169.254.169.254/latest"}, "LOT_PUSH_HOSTS"),
        ({"endpoint": "http://fcm.googleapis.com/abc"}, "https alone"),
        ({"endpoint": "https://fcm.googleapis.com/" + "x" * 2000}, "endpoint"),
        ({"keys": {"p256dh": "AAAA", "auth": "AAAA"}}, "the browser's key"),
        ({"keys": {"p256dh": "AAAA"}}, "keys.auth"),
    ],
)
async def test_other_address_or_key_is_refused(door: Door, change: dict[str, object], words: str) -> None:
    async with signed_in(door, "ada") as ada:
        refused = await ada.post("/api/push/devices", json=Browser().body(ENDPOINT) | change)
        assert (refused.status_code, refused.json()["code"]) == (422, "input.invalid")
        assert words in refused.json()["message"]
        assert await devices(ada) == []


async def test_token_has_no_notices_sent_to_it_and_the_operator_sees_all_devices(door: Door) -> None:
    async with signed_in(door, "ada") as ada, door.browser(**OPERATOR) as operator:
        await ada.post("/api/push/devices", json=Browser().body(ENDPOINT))
        refused = await operator.post("/api/push/devices", json=Browser().body(ENDPOINT))
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        [device] = await devices(operator)
        assert (await operator.delete(f"/api/push/devices/{device['id']}")).status_code == 204


async def test_stranger_is_refused(door: Door) -> None:
    async with door.browser(**FROM_PAGE) as stranger:
        assert (await stranger.get("/api/push")).status_code == 401
        assert (await stranger.post("/api/push/devices", json=Browser().body(ENDPOINT))).status_code == 401


async def test_server_without_push_services_says_so_and_takes_no_device(tmp_path: Path) -> None:
    async with rig(tmp_path, World(), push_hosts=()) as lot, signed_in(door_to(lot), "ada") as ada:
        shown = (await ada.get("/api/push")).json()
        assert (shown["is_on"], shown["public_key"]) == (False, None)
        assert "LOT_PUSH_HOSTS" in shown["reason"]
        refused = await ada.post("/api/push/devices", json=Browser().body(ENDPOINT))
        assert (refused.status_code, refused.json()["code"]) == (409, "push.off")
