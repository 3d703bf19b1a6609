"""What an agent's own tools may ask for."""

import httpx
import pytest
from model_bench import passes

from lot.broker.passes import PassControl
from lot.broker.session import create_session_app
from lot.core.errors import LotError, NothingToDoError, RunnerGoneError, StaleEpochError
from lot.core.ids import SessionId
from lot.core.records import SetupCommands
from lot.runner.wire_errors import error_from

pytestmark = pytest.mark.anyio


class Desk:
    """Publishes nothing, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.proposed: list[tuple[str, SetupCommands]] = []
        self.error: LotError | None = None

    async def propose(self, session_id: SessionId, commands: SetupCommands) -> str:
        self.proposed.append((session_id, commands))
        return "under way"

    async def publish(self, session_id: SessionId, title: str | None, body: str | None) -> str:
        self.asked.append((session_id, title, body))
        if self.error is not None:
            raise self.error
        return "pull request 1 is open"

    async def restart(self, session_id: SessionId) -> bool:
        self.asked.append((session_id, "restart", None))
        if self.error is not None:
            raise self.error
        return True


async def check_epoch(kind: str, id: str, epoch: int) -> None:
    if epoch != 3:
        raise StaleEpochError("over")


async def ask(desk: Desk, body: bytes, token: str | None = None, path: str = "/pull-request") -> httpx.Response:
    session = create_session_app(PassControl(passes, check_epoch), desk.publish, desk.propose, desk.restart)
    transport = httpx.ASGITransport(session)
    headers = {"authorization": f"Bearer {token or passes.issue('session', 'abc', 3)}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://c", headers=headers) as client:
        return await client.post(path, content=body)


async def test_pull_request_is_made_for_the_session_of_the_pass() -> None:
    desk = Desk()
    answer = await ask(desk, b'{"title": "A fix", "body": null}')
    assert (answer.status_code, answer.json()) == (200, {"text": "pull request 1 is open"})
    await ask(desk, b"{}")
    assert desk.asked == [("abc", "A fix", None), ("abc", None, None)]


async def test_dev_server_is_restarted_for_the_session_of_the_pass() -> None:
    desk = Desk()
    answer = await ask(desk, b"{}", path="/dev-server/restart")
    assert (answer.status_code, answer.json()) == (200, {"has_dev_server": True})
    assert desk.asked == [("abc", "restart", None)]
    desk.error = RunnerGoneError("gone")
    assert (await ask(desk, b"{}", path="/dev-server/restart")).status_code == 503
    assert (await ask(desk, b"{}", "forged", "/dev-server/restart")).status_code == 401


@pytest.mark.parametrize(
    ("error", "status"),
    [(NothingToDoError("nothing changed"), 400), (RunnerGoneError("gone"), 503), (LotError("x"), 500)],
)
async def test_error_reaches_the_agent_as_it_is(error: LotError, status: int) -> None:
    desk = Desk()
    desk.error = error
    answer = await ask(desk, b"{}")
    assert answer.status_code == status
    again = error_from(answer.json())
    assert (type(again), str(again)) == (type(error), str(error))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"title": 1}', b'{"branch": "main"}', b'{"title": "' + b"x" * 301 + b'"}', b" " * (2 << 20)]
)
async def test_what_is_no_request_is_refused(body: bytes) -> None:
    desk = Desk()
    assert (await ask(desk, body)).status_code == 400
    assert desk.asked == []


@pytest.mark.parametrize(
    ("token", "status"),
    [(passes.issue("session", "abc", 2), 409), (passes.issue("snapshot", "abc", 3), 401), ("forged", 401)],
)
async def test_pass_is_needed(token: str, status: int) -> None:
    desk = Desk()
    assert (await ask(desk, b"{}", token)).status_code == status
    assert desk.asked == []


async def test_setup_is_proposed_for_the_session_of_the_pass() -> None:
    desk = Desk()
    answer = await ask(desk, b'{"setup_command": "npm ci", "port": 3000}', path="/setup")
    assert (answer.status_code, answer.json()) == (200, {"text": "under way"})
    commands = SetupCommands(setup_command="npm ci", dev_command=None, port=3000)
    assert desk.proposed == [("abc", commands)]
    for wrong in (b'{"port": 0}', b'{"command": "x"}', b"[]"):
        assert (await ask(desk, wrong, path="/setup")).status_code == 400
    assert (await ask(desk, b"{}", passes.issue("session", "abc", 2), path="/setup")).status_code == 409
