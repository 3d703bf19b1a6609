"""What was used and what was read, over the API: from real moves of sessions, in series that a chart takes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.core.session import SandboxState
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine over a pretended world."""
    async with rig(tmp_path, World()) as made:
        yield made


@pytest.fixture
async def http(lot: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    app = build_app(lot.engine, lot.parts.settings, token="t", tickets=Tickets(bytes(32)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost:7070", headers={"Authorization": "Bearer t"}
    ) as client:
        yield client


async def test_compute_units_stand_still_while_paused_and_survive_the_session(
    http: httpx.AsyncClient, lot: Rig
) -> None:
    lot.clock.at = datetime(2026, 2, 28, 23, 59, 40, tzinfo=UTC)
    session = await lot.session()
    lot.clock.forward(50)
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    lot.clock.forward(3600)
    used = (await http.get(f"/api/sessions/{session.id}/usage")).json()
    assert (used["seconds_on"], used["compute_units"]) == (50.0, 50.0)
    asked = {"days": 3, "project": session.project_id}
    body = (await http.get("/api/usage", params=asked)).json()
    assert [(day["day"], day["compute_units"]) for day in body["total"]["days"]] == [
        ("2026-02-27", 0.0),
        ("2026-02-28", 20.0),
        ("2026-03-01", 30.0),
    ]
    [own] = body["sessions"]
    assert (own["id"], own["name"], own["days"]) == (session.id, session.title, body["total"]["days"])
    await lot.engine.delete_session(session.id)
    body = (await http.get("/api/usage", params=asked)).json()
    assert (sum(day["compute_units"] for day in body["total"]["days"]), body["sessions"]) == (50.0, [])
    await lot.engine.delete_project(session.project_id, cascade=False)
    [gone] = (await http.get("/api/usage", params={"days": 3})).json()["projects"]
    assert (gone["id"], gone["name"], gone["days"][1]["compute_units"]) == (session.project_id, None, 20.0)


async def test_session_that_is_deleted_while_on_counts_to_its_end(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    lot.clock.forward(30)
    await lot.engine.delete_session(session.id)
    body = (await http.get("/api/usage", params={"days": 1})).json()
    assert body["total"]["days"][0]["seconds_on"] == 30.0


async def test_time_in_which_the_control_plane_was_away_is_not_counted(tmp_path: Path) -> None:
    world = World()
    async with rig(tmp_path, world) as lot:
        session = await lot.session()
        lot.clock.forward(20)
        await lot.engine.meter.look()
        at = lot.clock.at
    async with rig(tmp_path, world) as lot:
        lot.clock.at = at
        lot.clock.forward(8 * 3600)
        await lot.engine.meter.look()
        lot.clock.forward(5)
        await lot.engine.meter.look()
        days = await lot.parts.store.days_of_session(session.id)
        assert sum(day.seconds_on for day in days) == 25.0


async def test_tokens_and_money_are_in_the_series(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    await lot.parts.store.add_model_usage(session.id, "m", 1, 2, 3, 4, lot.clock.at, 0.5)
    [project] = (await http.get("/api/usage")).json()["projects"]
    assert len(project["days"]) == 30
    today = project["days"][-1]
    assert (project["name"], today["cache_write_tokens"], today["cost_usd"]) == ("app", 4, 0.5)
    assert (await http.get("/api/usage", params={"project": "nobody"})).status_code == 404
    assert (await http.get("/api/usage", params={"days": 0})).status_code == 422


async def test_disk_is_told_by_kind(http: httpx.AsyncClient, lot: Rig) -> None:
    layers = lot.parts.folders.layers
    layers.mkdir(exist_ok=True)
    (layers / "file").write_bytes(bytes(1 << 20))
    body = (await http.get("/api/disk")).json()
    assert 1 << 20 <= body["disks_bytes"] < 2 << 20
    assert body["database_bytes"] > 0
    assert 0 < body["free_bytes"] <= body["total_bytes"]


async def test_session_is_unread_until_it_is_seen(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    path = f"/api/sessions/{session.id}"
    unread = (await http.get(path)).json()
    assert 0 == unread["seen_event"] < unread["last_event"] <= unread["events"]
    seen = (await http.post(f"{path}/seen", json={"event": unread["last_event"]})).json()
    assert seen["seen_event"] == seen["last_event"] == unread["last_event"]
    assert (await http.post(f"{path}/seen", json={"event": 1})).json()["seen_event"] == unread["last_event"]
    assert (await http.post("/api/sessions/nosuch/seen", json={"event": 1})).status_code == 404
