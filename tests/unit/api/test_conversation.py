"""The conversation over HTTP: messages with files, what is asked, settings, providers, raw lines, live frames."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from httpx_ws import AsyncWebSocketSession, aconnect_ws
from httpx_ws.transport import ASGIWebSocketTransport

from lot.api.app import build_app
from lot.api.attachments import MAX_FILE_BYTES, MAX_IMAGE_BYTES
from lot.api.tickets import Tickets
from lot.core.errors import ProviderError
from lot.core.events import LivePart, Notice, PermissionAsked, StoredEvent
from lot.core.session import SessionLabel
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.test_asks import AT, agent_of, asking, taken
from tests.unit.engine.world import World

TOKEN = "token-of-this-test"
SIGNED_IN = {"Authorization": f"Bearer {TOKEN}"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine over a pretended world."""
    async with rig(tmp_path, World()) as made:
        yield made


@pytest.fixture
def app(lot: Rig) -> FastAPI:
    """The application."""
    return build_app(lot.engine, lot.parts.settings, token=TOKEN, tickets=Tickets(bytes(32)))


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost:7070", headers=SIGNED_IN
    ) as client:
        yield client


def message(*files: dict[str, str], text: str = "look") -> dict[str, object]:
    """Return the body of a new message."""
    return {"id": str(uuid4()), "text": text, "attachments": list(files)}


def file(data: bytes, name: str = "a.png", media_type: str = "image/png") -> dict[str, str]:
    """Return the body of a file."""
    return {"name": name, "media_type": media_type, "data": base64.b64encode(data).decode()}


async def test_files_come_with_a_message_and_can_be_read_again(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    sent = message(file(PNG), file(b"a,b\n", "b.csv", "text/csv"))
    answer = await http.post(f"/api/sessions/{session.id}/messages", json=sent)
    assert answer.status_code == 202
    assert answer.json()["attachments"][0] == {"name": "a.png", "media_type": "image/png", "size_bytes": len(PNG)}
    await lot.delivered(session.id, 1)
    assert lot.world.files == ["a.png", "b.csv"]
    path = f"/api/sessions/{session.id}/messages/{sent['id']}/attachments"
    read = await http.get(f"{path}/0")
    assert (read.content, read.headers["content-type"]) == (PNG, "image/png")
    assert read.headers["x-content-type-options"] == "nosniff"
    assert (await http.get(f"{path}/2")).status_code == 404


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([file(b"\xff\xd8\xff" + bytes(9))], 422),
        ([file(b"<svg/>", "a.svg", "image/svg+xml")], 422),
        ([file(b"plain", "a.pdf", "application/pdf")], 422),
        ([file(PNG, "../a.png")], 422),
        ([file(PNG, "..")], 422),
        ([file(PNG), file(PNG)], 422),
        ([file(PNG) | {"data": "no base64!"}], 422),
        ([file(PNG + bytes(MAX_IMAGE_BYTES))], 413),
        ([file(bytes(MAX_FILE_BYTES + 1), "a.bin", "application/octet-stream")], 413),
        ([file(bytes(9 << 20), f"{n}.bin", "application/octet-stream") for n in range(2)], 413),
    ],
    ids=["kind", "svg", "pdf", "path", "dots", "twice", "base64", "image", "file", "together"],
)
async def test_files_that_are_not_as_they_should_be_are_refused(
    http: httpx.AsyncClient, lot: Rig, files: list[dict[str, str]], status: int
) -> None:
    session = await lot.session()
    answer = await http.post(f"/api/sessions/{session.id}/messages", json=message(*files))
    assert answer.status_code == status, answer.text
    assert "message_added" not in await lot.kinds(session.id)


async def test_question_is_listed_answered_and_taken(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await asking(lot)
    path = f"/api/sessions/{session.id}"
    assert (await http.get(path)).json()["open_asks"] == 1
    (ask,) = (await http.get(f"{path}/asks")).json()
    assert (ask["kind"], ask["state"]) == ("question", "open")
    assert ask["event"]["event"]["questions"][0]["question"] == "Which colour?"
    assert (await http.post(f"{path}/asks/{ask['id']}/answer", json={})).status_code == 422
    answered = await http.post(f"{path}/asks/{ask['id']}/answer", json={"choices": {"Which colour?": ["red"]}})
    assert answered.json()["state"] == "answered"
    await taken(lot, session)
    again = await http.post(f"{path}/asks/{ask['id']}/answer", json={"text": "blue"})
    assert (again.status_code, again.json()["code"]) == (409, "session.transition_not_allowed")
    assert (await http.get(f"{path}/asks")).json() == []
    assert [one["state"] for one in (await http.get(f"{path}/asks", params={"all": True})).json()] == ["taken"]
    assert (await http.post(f"{path}/asks/nosuch/answer", json={"text": "x"})).status_code == 404


async def test_settings_are_changed_and_only_those_given(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    path = f"/api/sessions/{session.id}"
    changed = (await http.patch(path, json={"model": "pretended-large", "budget_tokens": 5, "mode": "ask"})).json()
    assert (changed["model"], changed["budget_tokens"], changed["mode"]) == ("pretended-large", 5, "ask")
    changed = (await http.patch(path, json={"budget_tokens": None, "effort": "high"})).json()
    assert (changed["model"], changed["budget_tokens"], changed["effort"]) == ("pretended-large", None, "high")
    refused = await http.patch(path, json={"model": "nosuch"})
    assert (refused.status_code, refused.json()["code"]) == (422, "input.invalid")
    assert (await http.patch(path, json={"mode": "wild"})).status_code == 422
    assert (await http.patch("/api/sessions/nosuch", json={"title": "x"})).status_code == 404


async def test_projects_image_is_changed_and_a_wrong_one_is_refused(http: httpx.AsyncClient, lot: Rig) -> None:
    path = f"/api/projects/{(await lot.project()).id}"
    assert (await http.patch(path, json={"image": "dockerfile"})).json()["image"] == "dockerfile:Dockerfile"
    assert (await http.patch(path, json={"image": None})).json()["image"] is None
    refused = await http.patch(path, json={"image": "ubuntu"})
    assert (refused.status_code, refused.json()["code"]) == (422, "input.invalid")
    new = {"source": "/somewhere/other", "name": "other", "image": "dir:/etc"}
    assert (await http.post("/api/projects", json=new)).status_code == 422


async def test_projects_budget_is_changed_and_beyond_it_messages_are_refused(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    path = f"/api/projects/{session.project_id}"
    changed = (await http.patch(path, json={"budget_tokens": 10, "has_browser": True})).json()
    assert (changed["budget_tokens"], changed["has_browser"], changed["spent_tokens"]) == (10, True, 0)
    await lot.parts.store.add_model_usage(session.id, "pretended", 7, 3, 0, 0, lot.clock.now(), 0.25)
    refused = await http.post(f"/api/sessions/{session.id}/messages", json=message())
    assert (refused.status_code, refused.json()["code"]) == (409, "budget.reached")
    assert (await http.get(path)).json()["spent_tokens"] == 10
    usage = (await http.get(f"/api/sessions/{session.id}/usage")).json()
    assert (usage["input_tokens"], usage["output_tokens"], usage["cost_usd"], usage["models"]) == (
        7,
        3,
        0.25,
        {"pretended": 10},
    )
    await http.patch(path, json={"budget_tokens": None})
    assert (await http.post(f"/api/sessions/{session.id}/messages", json=message())).status_code == 202


async def test_session_starts_with_the_settings_asked_for(http: httpx.AsyncClient, lot: Rig) -> None:
    project = await lot.project()
    new = {
        "project": project.name,
        "message": message(file(PNG), text="hello"),
        "model": "pretended-large",
        "effort": "low",
        "mode": "plan",
        "program": "acp:other acp",
        "budget_usd": 1.5,
    }
    body = (await http.post("/api/sessions", json=new)).json()
    assert [body[name] for name in ("model", "effort", "mode", "program", "budget_usd", "title")] == [
        "pretended-large",
        "low",
        "plan",
        "acp:other acp",
        1.5,
        "hello",
    ]
    await lot.delivered(body["id"], 1)
    assert lot.world.files == ["a.png"]


async def test_providers_say_whether_they_can_be_used_and_what_they_have(http: httpx.AsyncClient, lot: Rig) -> None:
    (provider,) = (await http.get("/api/providers")).json()
    assert (provider["name"], provider["is_ready"], provider["reason"]) == ("pretended", True, None)
    assert [model["id"] for model in provider["models"]] == ["pretended", "pretended-large"]
    lot.world.provider.error = ProviderError("no key: set one")
    (provider,) = (await http.get("/api/providers")).json()
    assert (provider["is_ready"], provider["reason"]) == (False, "no key: set one")
    assert [model["id"] for model in provider["models"]] == ["pretended"]


async def test_raw_lines_are_read_on_from_where_they_ended(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    agent_of(lot, session).say(lines='{"type":"one"}\n')
    agent_of(lot, session).say(lines='{"type":"two"}\n')
    path, read = f"/api/sessions/{session.id}/agent-lines", ""

    async def is_there() -> bool:
        nonlocal read
        read = (await http.get(path, params={"run": 1})).text
        return "two" in read

    await lot.eventually(is_there)
    assert [json.loads(line)["type"] for line in read.splitlines()] == ["one", "two"]
    first = await http.get(path, params={"run": 1})
    after = await http.get(path, params={"run": 1, "after": first.headers["x-lot-next"]})
    assert (after.status_code, after.text) == (200, "")


async def test_stop_withdraws_what_is_asked(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await asking(lot)
    agent_of(lot, session).ask(PermissionAsked(at=AT, ask_id="toolu_2", name="Bash", input={}))
    await lot.told(session.id, "permission_asked")
    stopped = await http.post(f"/api/sessions/{session.id}/stop", params={"wait_s": 10})
    assert stopped.json()["label"] == SessionLabel.IDLE
    assert stopped.json()["open_asks"] == 0


async def _frames(socket: AsyncWebSocketSession, wanted: str) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    while not frames or wanted not in json.dumps(frames[-1]):
        frames.append(json.loads(await socket.receive_text(timeout=10.0)))
    return frames


async def test_stream_carries_parts_beside_the_events(app: FastAPI, lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="hello")
    await lot.told(session.id, "agent_text")
    async with (
        httpx.AsyncClient(transport=ASGIWebSocketTransport(app), headers=SIGNED_IN) as http,
        aconnect_ws(f"http://localhost:7070/api/sessions/{session.id}/events/stream", http) as socket,
    ):
        told = await _frames(socket, "heard: hello")
        assert [frame["number"] for frame in told] == list(range(1, len(told) + 1))
        agent_of(lot, session).stream(LivePart(kind="text", key="m1", text="Hel"))
        (frame,) = await _frames(socket, "Hel")
        assert set(frame) == {"part"}


async def test_stream_in_pages_tells_the_same_events(app: FastAPI, lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    at = f"http://localhost:7070/api/sessions/{session.id}/events/stream"
    async with httpx.AsyncClient(transport=ASGIWebSocketTransport(app), headers=SIGNED_IN) as http:
        async with aconnect_ws(at, http) as socket:
            one_by_one = await _frames(socket, "turn_ended")
        async with aconnect_ws(f"{at}?in_pages=true", http) as socket:
            [page] = await _frames(socket, "turn_ended")
            assert page["page"][: len(one_by_one)] == one_by_one


async def test_events_that_come_while_a_page_is_read_are_counted(
    http: httpx.AsyncClient, lot: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, store = await lot.session(), lot.parts.store
    read = store.read_events

    async def read_late(*args: Any, **how: Any) -> list[StoredEvent]:
        await store.append_events(session.id, [Notice(at=AT, text="in between")])
        return await read(*args, **how)

    monkeypatch.setattr(store, "read_events", read_late)
    page = (await http.get(f"/api/sessions/{session.id}/events")).json()
    assert page["newest"] == page["events"][-1]["number"]
