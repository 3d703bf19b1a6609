"""The HTTP application: who is let in, how errors look, and what its own description says."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.core.errors import BootFailedError
from lot.runner.protocol import DevStatus, PortBody
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

TOKEN = "token-of-this-test"
GUARDED = ["/api/host", "/api/projects", "/api/sessions", "/api/sessions/x/events", "/api/snapshots/x/log"]


@pytest.fixture
async def lot(tmp_path: Path) -> AsyncIterator[Rig]:
    """An engine over a pretended world."""
    async with rig(tmp_path, World()) as made:
        yield made


@pytest.fixture
async def http(lot: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application, not signed in."""
    app = build_app(lot.engine, lot.parts.settings, token=TOKEN, tickets=Tickets(bytes(32)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:7070") as client:
        yield client


SIGNED_IN = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
async def test_nothing_answers_without_the_token(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    answer = await http.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "auth.required"


async def test_health_needs_no_token(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/health")).json()["ok"] is True


async def test_unknown_session_is_404_in_our_shape(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/sessions/nosuch", headers=SIGNED_IN)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_malformed_body_is_named_by_its_field(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/projects", json={"source": "/x", "port": 70_000}, headers=SIGNED_IN)
    assert answer.status_code == 422
    assert "port" in answer.json()["message"]


async def test_session_before_a_snapshot_is_refused(http: httpx.AsyncClient, lot: Rig) -> None:
    lot.world.fail["bring_up"] = BootFailedError("not today")
    project = {"source": "/somewhere/app", "dev_command": "serve", "port": 3000}
    assert (await http.post("/api/projects", json=project, headers=SIGNED_IN)).status_code == 201
    answer = await http.post("/api/sessions", json={"project": "app"}, headers=SIGNED_IN)
    assert answer.status_code == 409
    assert answer.json()["code"] == "project.not_ready"


async def test_preview_without_cookie_is_refused_and_a_ticket_lets_in(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    shown = (await http.get(f"/api/sessions/{session.id}", headers=SIGNED_IN)).json()["preview"]
    host = httpx.URL(shown["url"]).netloc.decode()
    assert (await http.get("/", headers={"Host": host})).status_code == 401
    ticket = httpx.URL(shown["sign_in_url"])
    let_in = await http.get(ticket.raw_path.decode(), headers={"Host": host})
    assert let_in.status_code == 303
    cookie = let_in.headers["set-cookie"]
    assert "HttpOnly" in cookie
    seen = await http.get("/", headers={"Host": host, "Cookie": cookie.partition(";")[0]})
    assert seen.headers["x-lot-preview"] == "nothing"


async def test_ticket_of_one_preview_opens_no_other(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    shown = (await http.get(f"/api/sessions/{session.id}", headers=SIGNED_IN)).json()["preview"]
    ticket = httpx.URL(shown["sign_in_url"]).raw_path.decode()
    other = {"Host": f"3001--{session.id}.preview.localhost:7070"}
    assert (await http.get(ticket, headers=other)).status_code == 401


async def test_ports_are_named_with_the_addresses_of_their_previews_and_the_page_of_a_silent_port_names_them(
    http: httpx.AsyncClient, lot: Rig
) -> None:
    session = await lot.session(await lot.project(processes={"worker": "work"}))
    worker = PortBody(port=9000, address="::1", process="dev-worker", pid=7, command="node")
    odd = PortBody(port=9001, address="::1", process=None, pid=8, command="<b>")
    lot.world.sandboxes[session.sandbox].ports = (worker, odd)
    answer = (await http.get(f"/api/sessions/{session.id}/ports", headers=SIGNED_IN)).json()
    assert answer["reason"] is None
    first = answer["ports"][0]
    assert first["url"] == f"http://9000--{session.id}.preview.localhost:7070/"
    assert first["sign_in_url"].startswith(first["url"])
    assert (first["name"], first["is_main"], first["addresses"]) == ("worker", False, ["::1"])
    assert (await http.get(f"/api/sessions/{session.id}", headers=SIGNED_IN)).json()["processes"] == ["worker"]

    silent = SIGNED_IN | {"Host": f"3001--{session.id}.preview.localhost:7070"}
    page = await http.get("/", headers=silent)
    assert page.headers["x-lot-preview"] == "nothing"
    assert "Something listens on 9000 (worker), 9001 (&lt;b&gt;)." in page.text
    lot.world.sandboxes[session.sandbox].ports = ()
    assert "Nothing listens on any other." in (await http.get("/", headers=silent)).text


async def test_dead_dev_server_is_told_at_its_own_port_and_at_no_other(http: httpx.AsyncClient, lot: Rig) -> None:
    session = await lot.session()
    lot.world.sandboxes[session.sandbox].dev = DevStatus(status="exited", exit_code=3, detail="its last words")
    for port, kind in ((3000, "crashed"), (3001, "nothing")):
        headers = SIGNED_IN | {"Host": f"{port}--{session.id}.preview.localhost:7070"}
        assert (await http.get("/", headers=headers)).headers["x-lot-preview"] == kind


@pytest.mark.parametrize(
    "processes",
    [{"Worker": "x"}, {"": "x"}, {"x" * 33: "x"}, {"w": ""}, {"w": "a\0b"}, {str(number): "x" for number in range(17)}],
)
async def test_process_that_cannot_be_one_is_refused(http: httpx.AsyncClient, processes: dict[str, str]) -> None:
    project = {"source": "/somewhere/app", "dev_command": "serve", "processes": processes}
    answer = await http.post("/api/projects", json=project, headers=SIGNED_IN)
    assert answer.status_code == 422
    assert "processes" in answer.json()["message"]


async def test_project_says_what_runs_beside_its_dev_server(http: httpx.AsyncClient) -> None:
    processes = {"worker": "npm run worker", "css": "npm run css"}
    project = {"source": "/somewhere/app", "port": 3000, "processes": processes}
    assert (await http.post("/api/projects", json=project, headers=SIGNED_IN)).status_code == 422
    made = await http.post("/api/projects", json=project | {"dev_command": "serve"}, headers=SIGNED_IN)
    assert list(made.json()["processes"].items()) == list(processes.items())


async def test_description_says_how_to_sign_in_and_what_errors_look_like(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/openapi.json", headers=SIGNED_IN)).json()
    operation = schema["paths"]["/api/sessions/{session}/pause"]["post"]
    assert operation["security"] == [{"HTTPBearer": []}, {"APIKeyCookie": []}]
    assert operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")
