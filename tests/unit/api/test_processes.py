"""Processes, logs and terminals over the API, also while the sandbox is off."""

from collections.abc import AsyncIterator
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


async def test_terminals_are_found_by_name_and_closed(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    path = f"/api/sessions/{session.id}"
    own = (await http.post(f"{path}/terminals", json={"name": "terminal-build"})).json()
    again = (await http.post(f"{path}/terminals", json={"name": "terminal-build"})).json()
    other = (await http.post(f"{path}/terminals", json={})).json()
    assert own["name"] == again["name"] == "terminal-build" != other["name"]
    assert own["pid"] == again["pid"]
    assert own["started_at"] == "2026-01-01T00:00:00Z"
    assert (await http.delete(f"{path}/terminals/terminal-build")).status_code == 204
    listed = {one["name"]: one["is_running"] for one in (await http.get(f"{path}/processes")).json()}
    assert (listed["terminal-build"], listed[other["name"]]) == (False, True)
    assert (await http.delete(f"{path}/terminals/terminal-none")).status_code == 404
    assert (await http.post(f"{path}/terminals", json={"name": "dev"})).status_code == 422


async def test_processes_and_whose_logs_there_are_can_be_read_while_the_sandbox_is_off(
    http: httpx.AsyncClient, lot: Rig
) -> None:
    lot.world.printed["dev-worker"] = b"working\n"
    session = await lot.session(await lot.project(processes={"worker": "work"}))
    path = f"/api/sessions/{session.id}"
    await http.post(f"{path}/terminals", json={"name": "terminal-1"})
    live = (await http.get(f"{path}/processes")).json()
    assert all(one["is_live"] and one["has_log"] for one in live)
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    kept = (await http.get(f"{path}/processes")).json()
    assert [one["name"] for one in kept] == [one["name"] for one in live]
    assert {one["name"]: (one["is_live"], one["has_log"], one["is_running"]) for one in kept} == {
        "dev-worker": (False, True, True),
        "terminal-1": (False, False, True),
    }
    assert (await http.get(f"{path}/logs", params={"process": "dev-worker"})).text == "working\n"
    assert (await http.delete(f"{path}/terminals/terminal-1")).status_code == 503


async def test_session_that_was_never_on_has_no_processes(http: httpx.AsyncClient, lot: Rig) -> None:
    project = await lot.project()
    session = await lot.engine.create_session(project)
    assert (await http.get(f"/api/sessions/{session.id}/processes")).json() == []
    assert (await http.get("/api/sessions/nosuch/processes")).status_code == 404
