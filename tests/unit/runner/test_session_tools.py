"""The agent's tools as far as the runner carries them out, and the browser's command."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, cast

import pytest

from lot.core.errors import AgentError, CommandTimedOutError, InvalidInputError
from lot.runner.browser import install_order, picture
from lot.runner.dev_server import DevServer
from lot.runner.parts import ControlPlane
from lot.runner.protocol import DevOrder, DevStatus
from lot.runner.session_tools import RunnerTools
from lot.sandbox.link import Chunk, CommandRequest, CommandResult, GuestLink, ProcessStatus

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n..."
ORDER = DevOrder(command="npm run dev", port=5173)


@dataclass
class Sandbox:
    """A guest with the log of a dev server, and a browser."""

    log: bytes | None = b""
    begin: int = 0
    image: bytes = PNG
    exit_code: int = 0
    is_hanging: bool = False
    is_bare: bool = False
    commands: list[CommandRequest] = field(default_factory=list)
    name: str = "dev"

    async def processes(self) -> tuple[ProcessStatus, ...]:
        if self.log is None:
            return ()
        ends = {"out": self.begin + len(self.log)}
        return (
            ProcessStatus(
                name=self.name, pid=7, is_running=True, exit_code=None, started_at=0.0, stdin_offset=0,
                ends=ends, starts={"out": self.begin},
            ),
        )  # fmt: skip

    async def attach(self, name: str, stream: str, offset: int) -> AsyncIterator[Chunk]:
        assert self.log is not None
        assert name == self.name
        for at in range(offset, self.begin + len(self.log), 1000):
            yield Chunk(offset=at, data=self.log[at - self.begin : at - self.begin + 1000])
        raise AssertionError("read beyond the end")

    async def run(self, request: CommandRequest) -> CommandResult:
        self.commands.append(request)
        if self.is_bare and request.argv[0] == "chromium":
            raise InvalidInputError("cannot start 'chromium'")
        if self.is_hanging and request.argv[0] == "chromium":
            raise CommandTimedOutError("45 s")
        return CommandResult(
            exit_code=self.exit_code, stdout=b"", stderr=b"no display", is_truncated=False, duration_s=0
        )

    async def read_file(self, path: PurePosixPath, max_bytes: int) -> bytes:
        assert max_bytes == 10 << 20
        return self.image


@dataclass
class Dev:
    """A dev server that becomes what it is told to."""

    becomes: DevStatus

    async def status(self, wait_s: float) -> DevStatus:
        return self.becomes


ANSWERING = DevStatus(status="answering", port=5173, pid=7, http_status=200)


@dataclass
class Control:
    """A control plane that restarts whatever dev server there is."""

    has_dev_server: bool = True
    restarts: int = 0

    async def restart_dev_server(self) -> bool:
        self.restarts += 1
        return self.has_dev_server


def tools(sandbox: Sandbox, status: DevStatus = ANSWERING) -> tuple[RunnerTools, Control]:
    control = Control()
    made = RunnerTools(cast(GuestLink, sandbox), cast(DevServer, Dev(status)), cast(ControlPlane, control))
    return made, control


async def test_log_comes_without_what_is_for_terminals() -> None:
    log = b"".join(b"\x1b[32mline %d\x1b[0m\x1b[K\r\n" % number for number in range(500)) + b"\x1b]0;title\x07end"
    made, _ = tools(Sandbox(log=log, begin=123))
    assert await made.read_dev_log(3) == "line 498\nline 499\nend"
    assert len((await made.read_dev_log(1000)).splitlines()) == 501


async def test_log_of_a_process_beside_the_dev_server_is_read_by_its_name_and_of_no_other() -> None:
    alone, _ = tools(Sandbox(log=b""))
    with pytest.raises(InvalidInputError, match="there are: none"):
        await alone.read_dev_log(1, "worker")
    made, _ = tools(Sandbox(log=b"one\r\ntwo\r\n", name="dev-worker"))
    assert await made.read_dev_log(1, "worker") == "two"
    assert await made.read_dev_log(1, "dev") == "The dev server was not started."
    with pytest.raises(InvalidInputError, match="there are: worker"):
        await made.read_dev_log(1, "../agent-1")


@pytest.mark.parametrize(("log", "text"), [(None, "The dev server was not started."), (b"", "")])
async def test_log_of_nothing_is_no_error(log: bytes | None, text: str) -> None:
    made, _ = tools(Sandbox(log=log))
    assert await made.read_dev_log(10) == text


async def test_restart_says_what_became_of_the_dev_server() -> None:
    made, control = tools(Sandbox())
    assert await made.restart_dev_server() == "The dev server answers on port 5173 with HTTP 200."
    assert control.restarts == 1
    control.has_dev_server = False
    with pytest.raises(AgentError, match="no dev command"):
        await made.restart_dev_server()
    made, _ = tools(Sandbox(log=b"SyntaxError\r\n"), DevStatus(status="exited", exit_code=1))
    assert (await made.restart_dev_server()).endswith("is exited. Its log ends:\nSyntaxError")


async def test_screenshot_is_of_the_app_and_nothing_else() -> None:
    sandbox = Sandbox()
    made, _ = tools(sandbox)
    assert await made.screenshot("/a b?x=1&y=%20#top\n--flag", 800, 600) == PNG
    take, clean = sandbox.commands
    assert take.argv[-1] == "http://localhost:5173/a%20b?x=1&y=%20#top%0A--flag"
    assert "--window-size=800,600" in take.argv
    assert take.user == "lot"
    assert clean.argv[:2] == ("rm", "-rf")
    with pytest.raises(InvalidInputError, match="begins with /"):
        await made.screenshot("@example.com/", 800, 600)
    silent, _ = tools(sandbox, DevStatus(status="silent"))
    with pytest.raises(AgentError, match="silent"):
        await silent.screenshot("/", 800, 600)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exit_code": 127}, "exit code 127: no display"),
        ({"is_hanging": True}, "after 45 s"),
        ({"is_bare": True}, "has no browser"),
        ({"image": b"<html>"}, "no PNG"),
    ],
)
async def test_browser_that_fails_says_how_and_leaves_nothing(changes: dict[str, Any], words: str) -> None:
    sandbox = Sandbox(**changes)
    with pytest.raises(AgentError, match=words):
        await picture(cast(GuestLink, sandbox), "http://localhost:1/", 1, 1)
    assert sandbox.commands[-1].argv[0] == "rm"


def test_browser_is_installed_from_the_distribution() -> None:
    assert "apt-get install -y -q --no-install-recommends chromium" in install_order().command
