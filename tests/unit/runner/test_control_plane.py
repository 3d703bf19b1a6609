"""What a runner asks of the control plane for its agent, and what becomes of refusals."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lot.core.errors import InvalidInputError, UnavailableError
from lot.rehearsal.serve import serve_on_socket
from lot.runner.control_plane import BrokerControlPlane
from lot.runner.parts import Credentials
from lot.runner.wire_errors import error_body

pytestmark = pytest.mark.anyio


class Broker:
    """Answers with what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Response = JSONResponse({"text": "Opened http://forge/1"})
        self.asked: list[tuple[str, object]] = []

    async def make(self, request: Request) -> Response:
        self.asked.append((request.headers["authorization"], await request.json()))
        return self.answer

    def app(self) -> Starlette:
        paths = ("pull-request", "dev-server/restart")
        return Starlette(routes=[Route(f"/broker/session/{path}", self.make, methods=["POST"]) for path in paths])


@pytest.fixture
def folder() -> Iterator[Path]:  # not pytest's: a socket's path must be short
    with TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def plane(folder: Path) -> BrokerControlPlane:
    return BrokerControlPlane(Credentials(control_socket=folder / "c.sock", pass_token="a pass"))


async def test_pull_request_is_asked_for_with_the_runners_pass(folder: Path, plane: BrokerControlPlane) -> None:
    broker = Broker()
    async with serve_on_socket(broker.app(), folder / "c.sock"):
        assert await plane.create_pull_request("Title", None) == "Opened http://forge/1"
    assert broker.asked == [("Bearer a pass", {"title": "Title", "body": None})]


async def test_restart_says_whether_there_is_a_dev_server(folder: Path, plane: BrokerControlPlane) -> None:
    broker = Broker()
    async with serve_on_socket(broker.app(), folder / "c.sock"):
        for has_one in (True, False):
            broker.answer = JSONResponse({"has_dev_server": has_one})
            assert await plane.restart_dev_server() is has_one
    assert broker.asked == [("Bearer a pass", {})] * 2


async def test_refusal_is_raised_as_the_error_that_it_is(folder: Path, plane: BrokerControlPlane) -> None:
    broker = Broker()
    broker.answer = Response(json.dumps(error_body(InvalidInputError("nothing to open"))), status_code=422)
    async with serve_on_socket(broker.app(), folder / "c.sock"):
        with pytest.raises(InvalidInputError, match="nothing to open"):
            await plane.create_pull_request(None, None)


async def test_control_plane_that_is_away_or_talks_nonsense_is_unavailable(
    folder: Path, plane: BrokerControlPlane
) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        await plane.create_pull_request(None, None)
    broker = Broker()
    broker.answer = PlainTextResponse("oops", status_code=500)
    async with serve_on_socket(broker.app(), folder / "c.sock"):
        with pytest.raises(UnavailableError, match="does not answer"):
            await plane.create_pull_request(None, None)
