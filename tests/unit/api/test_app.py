"""The HTTP application: who is let in, how errors look, and what its own description says."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lot.api.app import build_app
from lot.api.tickets import Tickets
from lot.core.errors import BootFailedError
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


async def test_description_says_how_to_sign_in_and_what_errors_look_like(http: httpx.AsyncClient) -> None:
    schema = (await http.get("/openapi.json")).json()
    operation = schema["paths"]["/api/sessions/{session}/pause"]["post"]
    assert operation["security"] == [{"HTTPBearer": []}]
    assert operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorBody")
