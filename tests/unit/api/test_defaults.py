"""Defaults over HTTP: shown with where they come from, changed one by one or all together, refused as a whole."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lot.api.app import build_app
from lot.api.tickets import Tickets
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

TOKEN, PATH = "token-of-this-test", "/api/settings"


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    async with rig(tmp_path, World()) as made:
        yield made


@pytest.fixture
async def http(lot: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    app = build_app(lot.engine, lot.parts.settings, token=TOKEN, tickets=Tickets(bytes(32)))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:7070", headers=headers) as client:
        yield client


async def test_nobody_reads_or_changes_them_without_sign_in(http: httpx.AsyncClient) -> None:
    for method in ("GET", "PATCH"):
        answer = await http.request(method, PATH, json={}, headers={"Authorization": "Bearer wrong"})
        assert answer.status_code == 401


async def test_each_says_where_it_comes_from_and_what_the_configuration_says(http: httpx.AsyncClient) -> None:
    from_configuration = {"origin": "configuration"}
    before = {
        "model": {
            "value": "pretended",
            "provider": "anthropic",
            "configured": "pretended",
            "configured_provider": "anthropic",
            **from_configuration,
        },
        "effort": {"value": "default", "configured": "default", **from_configuration},
        "mode": {"value": "full", "configured": "full", **from_configuration},
        "size": {"value": "small", "configured": "small", **from_configuration},
        "idle_countdown_s": {"value": 300.0, "configured": 300.0, **from_configuration},
    }
    assert (await http.get(PATH)).json() == before
    changes = {"mode": "plan", "idle_countdown_s": 90}
    changed = await http.patch(PATH, json=changes)
    after = before | {
        "mode": {"value": "plan", "configured": "full", "origin": "chosen"},
        "idle_countdown_s": {"value": 90.0, "configured": 300.0, "origin": "chosen"},
    }
    assert (changed.status_code, changed.json()) == (200, after)
    assert (await http.get(PATH)).json() == after
    again = await http.patch(PATH, json=dict.fromkeys(changes))
    assert again.json() == before


async def test_chosen_value_that_equals_the_configured_one_stays_chosen(http: httpx.AsyncClient) -> None:
    size = (await http.patch(PATH, json={"size": "small"})).json()["size"]
    assert size == {"value": "small", "configured": "small", "origin": "chosen"}


async def test_sessions_and_projects_that_say_nothing_start_from_them(http: httpx.AsyncClient, lot: Rig) -> None:
    changes = {"model": "pretended-large", "effort": "low", "mode": "edits", "size": "large"}
    assert (await http.patch(PATH, json=changes)).is_success
    await lot.project()
    said = {"model": "pretended", "effort": "default", "mode": "full"}
    for given, wanted in (
        ({}, ("pretended-large", "low", "edits")),
        ({"effort": None, "mode": None}, ("pretended-large", "low", "edits")),
        (said, ("pretended", None, "full")),
    ):
        made = (await http.post("/api/sessions", json={"project": "app", **given})).json()
        assert (made["model"], made["effort"], made["mode"]) == wanted
    made = (await http.post("/api/projects", json={"source": "/somewhere/shop"})).json()
    assert made["size"] == "large"


async def test_host_says_whose_models_new_sessions_ask(http: httpx.AsyncClient, lot: Rig) -> None:
    lot.world.provider.name = "other"
    await http.patch(PATH, json={"model": "pretended"})
    assert (await http.get("/api/host")).json()["provider"] == "other"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "nosuch"}, "default model: pretended has no model 'nosuch'"),
        ({"provider": "pretended"}, "give a model, too"),
        ({"model": ""}, "body.model"),
        ({"effort": "some"}, "body.effort"),
        ({"mode": "yolo"}, "body.mode"),
        ({"size": "huge"}, "default size: there is no size 'huge'"),
        ({"idle_countdown_s": 5}, "idle countdown: 5 s is not within 30 and 86400 s"),
        ({"idle_countdown_s": "soon"}, "body.idle_countdown_s"),
        ({"colour": "red"}, "body.colour"),
    ],
)
async def test_what_cannot_be_is_refused_at_its_name_and_nothing_is_changed(
    http: httpx.AsyncClient, changes: dict[str, Any], words: str
) -> None:
    before = (await http.get(PATH)).json()
    answer = await http.patch(PATH, json={"effort": "max"} | changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "input.invalid")
    assert words in answer.json()["message"]
    assert (await http.get(PATH)).json() == before
