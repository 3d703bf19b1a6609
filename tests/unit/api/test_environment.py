"""Environment variables over HTTP: what is taken, what is shown, and what never leaves."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.core.records import Project
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

TOKEN = "token-of-this-test"
PATH = "/api/projects/app/environment"


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


@pytest.fixture
async def project(lot: Rig) -> Project:
    return await lot.project(environment={"A": "secret one"})


def names(body: dict[str, Any]) -> list[str]:
    return [one["name"] for one in body["variables"]]


async def test_nobody_reads_or_changes_it_without_the_token(http: httpx.AsyncClient, project: Project) -> None:
    for method in ("GET", "PUT", "PATCH"):
        answer = await http.request(method, PATH, json={}, headers={"Authorization": "Bearer wrong"})
        assert answer.status_code == 401


async def test_values_are_shown_only_where_they_are_asked_for(http: httpx.AsyncClient, project: Project) -> None:
    listed = await http.get(PATH)
    assert [(one["name"], one["value"]) for one in listed.json()["variables"]] == [("A", None)]
    revealed = await http.get(PATH, params={"reveal": "true"})
    assert [(one["name"], one["value"]) for one in revealed.json()["variables"]] == [("A", "secret one")]
    assert revealed.headers["cache-control"] == "no-store"
    changed = await http.patch(PATH, json={"set": {"B": "secret two"}})
    for answer in (listed, changed, await http.get("/api/projects"), await http.get("/api/projects/app")):
        assert answer.is_success
        assert "secret" not in answer.text
    assert (await http.get("/api/projects/app")).json()["environment_keys"] == ["A", "B"]


async def test_pasted_text_and_single_values_are_merged(http: httpx.AsyncClient, project: Project) -> None:
    body = {"text": "\ufeff# c\r\nexport B='x y'\r\nC=1\r\n", "set": {"C": "2"}, "unset": ["A"]}
    answer = await http.patch(PATH, json=body)
    assert (answer.status_code, names(answer.json()), answer.json()["version"]) == (200, ["B", "C"], 2)
    environment = (await http.get(PATH, params={"reveal": True})).json()
    assert {one["name"]: one["value"] for one in environment["variables"]} == {"B": "x y", "C": "2"}


async def test_new_project_takes_a_pasted_file(http: httpx.AsyncClient) -> None:
    new = {
        "source": "/somewhere/shop",
        "environment_text": "# c\r\nexport A='x y'\r\nB=1\r\n",
        "environment": {"B": "2"},
    }
    assert (await http.post("/api/projects", json=new)).json()["environment_keys"] == ["A", "B"]
    revealed = (await http.get("/api/projects/shop/environment", params={"reveal": True})).json()["variables"]
    assert [one["value"] for one in revealed] == ["x y", "2"]
    refused = await http.post("/api/projects", json=new | {"name": "other", "environment_text": "secret"})
    assert (refused.status_code, "line 1" in refused.text, "secret" in refused.text) == (422, True, False)


async def test_replacing_removes_what_is_not_there(http: httpx.AsyncClient, project: Project) -> None:
    assert names((await http.put(PATH, json={"text": "B=1\nC=2\n", "variables": {"D": "3"}})).json()) == ["B", "C", "D"]
    assert names((await http.put(PATH, json={})).json()) == []


async def test_other_version_is_409_and_names_the_next_step(http: httpx.AsyncClient, project: Project) -> None:
    version = (await http.get(PATH)).json()["version"]
    assert (await http.put(PATH, json={"text": "B=1", "version": version})).is_success
    for answer in (
        await http.put(PATH, json={"text": "C=1", "version": version}),
        await http.patch(PATH, json={"set": {"C": "1"}, "version": version}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "environment.changed")
        assert "Next step" in answer.json()["message"]
    assert names((await http.get(PATH)).json()) == ["B"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"text": "A=1\n\nsecret\n"}, 422, "line 3"),
        ({"set": {"secret name": "x"}}, 422, "name of a variable"),
        ({"set": {"A": "secret\0"}}, 422, "NUL"),
        ({"set": {"A": ["secret"]}}, 422, "set.A"),
        ({"unset": ["NEVER"]}, 422, "NEVER"),
        ({"set": {"A": "secret" * 11_000}}, 413, "65,536"),
        ({"text": "#" * ((4 << 20) + 1)}, 422, "text"),
        ({"values": {}}, 422, "values"),
    ],
)
async def test_bad_input_is_refused_without_being_shown(
    http: httpx.AsyncClient, project: Project, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await http.patch(PATH, json=body)
    assert answer.status_code == status
    assert words in answer.json()["message"]
    assert "secret" not in answer.text.replace("'secret name'", "")
    assert (await http.get(PATH)).json()["version"] == 1


async def test_session_says_that_a_restart_is_needed_until_its_own(http: httpx.AsyncClient, lot: Rig) -> None:
    project = await lot.project(environment={"A": "1"})
    one, two = await lot.session(project), await lot.session(project)

    async def marks() -> dict[str, bool]:
        return {each["id"]: each["restart_needed"] for each in (await http.get("/api/sessions")).json()}

    assert await marks() == {one.id: False, two.id: False}
    saved = (await http.patch(PATH, json={"set": {"A": "2"}})).json()
    assert set(saved["sessions_to_restart"]) == {one.id, two.id}
    assert await marks() == {one.id: True, two.id: True}
    restarted = await http.post(f"/api/sessions/{one.id}/dev-server/restart")
    assert (restarted.status_code, restarted.json()["restart_needed"]) == (200, False)
    assert await marks() == {one.id: False, two.id: True}
    assert (await http.get(PATH)).json()["sessions_to_restart"] == [two.id]


async def test_commands_edited_by_hand_say_that_the_setup_is_to_be_redone(
    http: httpx.AsyncClient, project: Project
) -> None:
    assert (await http.get("/api/projects/app")).json()["retry_needed"] is False
    changed = (await http.patch("/api/projects/app", json={"dev_command": "run", "port": 4000})).json()
    assert (changed["dev_command"], changed["port"], changed["retry_needed"]) == ("run", 4000, True)
    changed = (await http.patch("/api/projects/app", json={"processes": {"worker": "work"}})).json()
    assert (changed["processes"], changed["dev_command"]) == ({"worker": "work"}, "run")
    for wrong in ({"processes": None}, {"processes": {"a b": "x"}}, {"dev_command": None}):
        assert (await http.patch("/api/projects/app", json=wrong)).status_code == 422
    for wrong in ({"port": 0}, {"name": "a b"}, {"size": "huge"}, {"size": None}):
        assert (await http.patch("/api/projects/app", json=wrong)).status_code == 422


async def test_sizes_are_listed_and_told_of_a_session(http: httpx.AsyncClient, lot: Rig) -> None:
    sizes = (await http.get("/api/sizes")).json()
    assert [(one["name"], one["cpus"], one["compute_units"]) for one in sizes] == [("small", 2, 1.0), ("large", 4, 2.0)]
    session = await lot.session()
    shown = (await http.get(f"/api/sessions/{session.id}")).json()
    assert (shown["size"], shown["cpus"], shown["memory_bytes"], shown["compute_units"]) == ("small", 2, 4 << 30, 1.0)
    refused = await http.post("/api/sessions", json={"project": session.project_id, "size": "huge"})
    assert refused.status_code == 422


async def test_pasted_text_is_read_and_kept_nowhere(http: httpx.AsyncClient, project: Project) -> None:
    answer = await http.post("/api/environment/parse", json={"text": "# none\nexport B='two words'\nA=1\nA=2\n"})
    assert list(answer.json()["variables"].items()) == [("B", "two words"), ("A", "2")]
    assert answer.headers["cache-control"] == "no-store"
    assert names((await http.get(PATH)).json()) == ["A"]
    refused = await http.post("/api/environment/parse", json={"text": "A=1\nsecret words\n"})
    assert refused.status_code == 422
    assert "line 2" in refused.json()["message"]
    assert "secret" not in refused.text
