"""Signing in to a server that really runs, from the link that its first start prints."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from lot.client.client import LotClient
from lot.client.own_server import OwnServer, own_server

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]
PASSWORD = "correct horse"
TERMINAL = "/api/sessions/x/processes/shell/stream"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnServer]:
    with own_server(tmp_path, "rehearsal") as server:
        yield server


def refused_socket(server: OwnServer, **headers: str) -> int:
    """Return the status with which a terminal's socket is refused."""
    address = server.address.socket_url + TERMINAL
    with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers, proxy=None):
        pass
    return refused.value.response.status_code


def why_closed(server: OwnServer, **headers: str) -> str:
    """Return why a terminal's socket that was let in is closed: there is no such session."""
    with connect(server.address.socket_url + TERMINAL, additional_headers=headers, proxy=None) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(20)
        return str(closed.value)


def printed_link(server: OwnServer) -> str:
    """Return the secret of the link that the server prints once it answers."""
    with LotClient(server.address) as client:
        while (found := re.search(r"/sign-in\?link=(\S+)\s", server.log.read_text())) is None:
            client.is_healthy()
    return found[1]


def test_first_user_comes_by_the_printed_link_and_nobody_without_sign_in(server: OwnServer) -> None:
    origin = server.address.url
    page = {"Origin": origin, "X-Lot-Client": "web"}
    preview = {"Host": f"3000--abcdefghij.preview.localhost:{server.address.host_and_port[1]}"}
    with httpx.Client(base_url=origin, headers=page, trust_env=False) as browser:
        for path in ("/api/projects", "/openapi.json"):
            assert browser.get(path).status_code == 401
        assert browser.get("/", headers=preview).status_code == 401
        assert refused_socket(server) == 401
        assert browser.get("/api/health", headers={"Host": "evil.example"}).status_code == 403

        entry = {"link": printed_link(server), "name": "ada", "password": PASSWORD}
        assert browser.post("/api/sign-in/link", json=entry).json() == {"name": "ada"}
        assert browser.post("/api/sign-in/link", json=entry | {"name": "eve"}).status_code == 403
        assert browser.get("/api/projects").json() == []
        cookie = f"lot_session={browser.cookies['lot_session']}"
        assert refused_socket(server, Cookie=cookie, Origin="http://evil.example") == 403
        assert "resume it first" in why_closed(server, Cookie=cookie, Origin=origin)

        token = browser.post("/api/tokens", json={"name": "ci"}).json()["token"]
        program = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{origin}/api/projects", headers=program, trust_env=False).json() == []
        assert browser.post("/api/sign-out").status_code == 204
        assert browser.get("/api/projects").status_code == 401
        signed_in = browser.post("/api/sign-in", json={"name": "Ada", "password": PASSWORD})
        assert signed_in.json() == {"name": "ada"}
