"""The stream of everything: what a sidebar needs, and that nothing is left out after its first frame."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from httpx_ws import AsyncWebSocketSession, aconnect_ws
from httpx_ws.transport import ASGIWebSocketTransport

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.core.ids import SessionId
from lot.engine.environment import Edit
from lot.engine.overview import MAX_TOUCHED
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

HEADERS = {"Authorization": "Bearer t"}
Frame = dict[str, Any]


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine over a pretended world."""
    async with rig(tmp_path, World()) as made:
        yield made


@pytest.fixture
def app(lot: Rig) -> FastAPI:
    """The application."""
    return build_app(lot.engine, lot.parts.settings, token="t", tickets=Tickets(bytes(32)))


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in, for sockets too."""
    async with httpx.AsyncClient(
        transport=ASGIWebSocketTransport(app), base_url="http://localhost:7070", headers=HEADERS
    ) as client:
        yield client


async def until(socket: AsyncWebSocketSession, is_wanted: Callable[[Frame], bool]) -> Frame:
    """Return the first frame that is wanted."""
    while True:
        frame: Frame = json.loads(await socket.receive_text(timeout=10.0))
        if is_wanted(frame):
            return frame


async def first_frame(socket: AsyncWebSocketSession) -> Frame:
    return await until(socket, lambda _: True)


async def test_stream_of_everything_needs_the_token(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=ASGIWebSocketTransport(app)) as http:
        with pytest.raises(Exception, match=r"401|403|Unauthenticated|token"):
            async with aconnect_ws("http://localhost:7070/api/stream", http):
                pass


async def test_project_and_session_are_told_from_their_making_to_their_end(http: httpx.AsyncClient, lot: Rig) -> None:
    async with aconnect_ws("http://localhost:7070/api/stream", http) as socket:
        assert await first_frame(socket) == {"resync": True}
        project = await lot.project()
        told = await until(socket, lambda frame: frame.get("project", {}).get("ready_snapshot") is not None)
        assert told["project"]["id"] == project.id
        session = await lot.session(project, message="hello")
        await until(socket, lambda frame: frame.get("session", {}).get("label") == "Idle")
        await lot.engine.change_session(session.id, {"title": "Another"})
        await until(socket, lambda frame: frame.get("session", {}).get("title") == "Another")
        await lot.engine.pause(session.id)
        await until(socket, lambda frame: frame.get("session", {}).get("label") == "Paused")
        await lot.engine.delete_session(session.id)
        assert await until(socket, lambda frame: "session_deleted" in frame) == {"session_deleted": session.id}
        await until(socket, lambda frame: frame.get("project", {}).get("sessions") == 0)
        await lot.engine.delete_project(project.id, cascade=False)
        assert await until(socket, lambda frame: "project_deleted" in frame) == {"project_deleted": project.id}


async def test_build_is_told_with_its_steps_and_its_project(http: httpx.AsyncClient, lot: Rig) -> None:
    project = await lot.project()
    async with aconnect_ws("http://localhost:7070/api/stream", http) as socket:
        await first_frame(socket)
        built = await lot.engine.redo_setup(project.id)
        stepped = await until(socket, lambda frame: (frame.get("snapshot") or {}).get("step") is not None)
        assert (stepped["snapshot"]["id"], stepped["snapshot"]["project_id"]) == (built.id, project.id)
        await until(socket, lambda frame: frame.get("project", {}).get("ready_snapshot") == built.id)


async def test_needed_restart_longer_life_and_pull_request_are_told(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session(message="work")
    async with aconnect_ws("http://localhost:7070/api/stream", http) as socket:
        await first_frame(socket)
        await lot.engine.change_environment(session.project_id, Edit(values={"KEY": "value"}))
        await until(socket, lambda frame: frame.get("session", {}).get("restart_needed") is True)
        lot.clock.forward(60)
        await lot.engine.extend(session.id, "terminal in use")
        await until(socket, lambda frame: frame.get("session", {}).get("pause_reason") == "terminal in use")
        opened = await lot.engine.publish(session.id, None, None)
        told = await until(socket, lambda frame: bool(frame.get("session", {}).get("pull_request")))
        assert told["session"]["pull_request"] == {"number": opened.number, "state": "open", "url": opened.url}


async def test_client_in_a_jam_is_told_to_list_everything(http: httpx.AsyncClient, lot: Rig) -> None:
    async with aconnect_ws("http://localhost:7070/api/stream", http) as socket:
        await first_frame(socket)
        for number in range(MAX_TOUCHED + 1):
            lot.parts.bus.overview.session(SessionId(f"gone-{number}"))
        assert await first_frame(socket) == {"resync": True}


async def test_description_has_frames_and_events(http: httpx.AsyncClient) -> None:
    schemas = (await http.get("/openapi.json")).json()["components"]["schemas"]
    assert {"ResyncFrame", "SessionFrame", "PartFrame", "LivePart", "QuestionAsked", "TurnEnded"} <= schemas.keys()
    assert schemas["SessionFrame"]["properties"]["session"] == {"$ref": "#/components/schemas/SessionBody"}
