"""The gateway between a sandbox that is not trusted and a control plane that comes and goes."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lot.rehearsal.serve import serve_on_socket
from lot.runner.gateway import MAX_MODEL_BYTES, SandboxGateway
from lot.runner.parts import Credentials

pytestmark = pytest.mark.anyio

MESSAGES = "/model/v1/messages"
GIT = "/git/repo.git/git-upload-pack"


@dataclass
class Control:
    """A control plane that notes what it is asked, and streams until it is told to end."""

    socket: Path
    seen: list[tuple[str, str, dict[str, str], int]] = field(default_factory=list)
    has_left: anyio.Event = field(default_factory=anyio.Event)
    end: anyio.Event = field(default_factory=anyio.Event)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        app = Starlette(routes=[Route("/{path:path}", self._handle, methods=["GET", "POST"])])
        async with serve_on_socket(app, self.socket):
            yield

    async def _handle(self, request: Request) -> Response:
        size = 0
        async for piece in request.stream():
            size += len(piece)
        self.seen.append((request.method, str(request.url.path), dict(request.headers), size))
        if request.headers.get("x-stream") is None:
            return PlainTextResponse("fine", headers={"set-cookie": "a=b", "request-id": "r"})
        return StreamingResponse(self._stream(), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[bytes]:
        try:
            yield b"data: 1\n\n"
            await self.end.wait()
            yield b"data: 2\n\n"
        except BaseException:
            self.has_left.set()
            raise


@dataclass
class Bench:
    control: Control
    gateway: SandboxGateway
    sandbox: httpx.AsyncClient
    port: int


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listener = socket.create_server(("127.0.0.1", port))
    control = Control(tmp_path / "c.sock")
    gateway = SandboxGateway(listener, Credentials(control_socket=control.socket, pass_token="the-pass"))
    await gateway.open()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as sandbox:
        yield Bench(control, gateway, sandbox, port)
    await gateway.close()


async def test_pass_takes_the_place_of_what_the_sandbox_says_of_itself(bench: Bench) -> None:
    headers = {"authorization": "Bearer own", "x-api-key": "own", "cookie": "c", "x-claude-code-session-id": "s"}
    async with bench.control.serving():
        answer = await bench.sandbox.post(MESSAGES + "?beta=true", content=b"{}", headers=headers)
    assert (answer.text, answer.headers["request-id"]) == ("fine", "r")
    assert "set-cookie" not in answer.headers
    method, path, seen, size = bench.control.seen[0]
    assert (method, path, size) == ("POST", "/broker" + MESSAGES, 2)
    assert seen["authorization"] == "Bearer the-pass"
    assert seen["x-claude-code-session-id"] == "s"
    assert "x-api-key" not in seen
    assert "cookie" not in seen


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/broker/lease/renew",
        "/model/v1/files",
        "/model/v1/messages/batches",
        "/git/",
        "/git/other.git/info/refs",
        "/git/repo.git/../../lease/renew",
        "/git/repo.git/%2e%2e/%2e%2e/lease/renew",
        "/git/repo.git/..%2f..%2flease",
        "/git/repo.git//info",
        "/model/../lease/renew",
        "//broker/lease/renew",
    ],
)
async def test_nothing_else_can_be_reached(bench: Bench, target: str) -> None:
    async with bench.control.serving(), await anyio.connect_tcp("127.0.0.1", bench.port) as raw:
        await raw.send(f"POST {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        assert (await raw.receive()).startswith(b"HTTP/1.1 404")
    assert bench.control.seen == []


async def test_methods_are_few(bench: Bench) -> None:
    async with bench.control.serving():
        assert (await bench.sandbox.delete(MESSAGES)).status_code == 404
    assert bench.control.seen == []


async def test_bodies_of_git_are_streamed_and_those_of_the_model_are_bounded(bench: Bench) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * (1 << 20)

    async with bench.control.serving():
        assert (await bench.sandbox.get("/git/repo.git/info/refs?service=git-upload-pack")).status_code == 200
        assert (await bench.sandbox.post(GIT, content=pieces())).status_code == 200
        assert (await bench.sandbox.post(MESSAGES, content=b"x" * (MAX_MODEL_BYTES + 1))).status_code == 413
    assert [size for *_, size in bench.control.seen] == [0, 40 << 20]


@pytest.mark.parametrize("path", [MESSAGES, GIT])
async def test_request_waits_for_a_control_plane_that_is_away(bench: Bench, path: str) -> None:
    answers: list[httpx.Response] = []

    async def ask() -> None:
        answers.append(await bench.sandbox.post(path, content=b"{}"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.sleep(0.5)
        assert answers == []
        async with bench.control.serving():
            with anyio.fail_after(10):
                while not answers:  # noqa: ASYNC110 - an answer sets no event
                    await anyio.sleep(0.01)
    assert answers[0].text == "fine"


async def test_control_plane_is_told_when_the_sandbox_leaves(bench: Bench) -> None:
    async with bench.control.serving():
        async with bench.sandbox.stream("POST", MESSAGES, content=b"{}", headers={"x-stream": "1"}) as answer:
            assert await anext(answer.aiter_raw()) == b"data: 1\n\n"
        with anyio.fail_after(10):
            await bench.control.has_left.wait()


async def test_quiesce_lets_an_answer_end_that_ends_soon(bench: Bench) -> None:
    async with (
        bench.control.serving(),
        anyio.create_task_group() as tasks,
        bench.sandbox.stream("POST", MESSAGES, content=b"{}", headers={"x-stream": "1"}) as answer,
    ):
        parts = answer.aiter_raw()
        await anext(parts)
        tasks.start_soon(bench.gateway.quiesce, 20.0)
        await anyio.sleep(0.1)
        bench.control.end.set()
        assert [part async for part in parts] == [b"data: 2\n\n"]


async def test_quiesce_ends_a_long_answer_in_order_and_leaves_no_connection(bench: Bench) -> None:
    async with bench.control.serving():
        await bench.sandbox.post(MESSAGES, content=b"{}")  # leaves a connection that is kept
        async with bench.sandbox.stream("POST", MESSAGES, content=b"{}", headers={"x-stream": "1"}) as answer:
            parts = answer.aiter_raw()
            await anext(parts)
            await bench.gateway.quiesce(0.1)
            assert [part async for part in parts] == []  # no error: the answer is over, though not complete
            assert _connections(bench.port) == []
            with pytest.raises(httpx.ConnectError):
                await bench.sandbox.post(MESSAGES, content=b"{}")
            await bench.gateway.quiesce()
        await bench.gateway.open()
        assert (await bench.sandbox.post(MESSAGES, content=b"{}")).text == "fine"


async def test_request_that_waits_is_put_off_when_the_gateway_goes_quiet(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        answers: list[httpx.Response] = []

        async def ask() -> None:
            answers.append(await bench.sandbox.post(MESSAGES, content=b"{}"))

        tasks.start_soon(ask)
        await anyio.sleep(0.3)
        await bench.gateway.quiesce(0.1)
    assert (answers[0].status_code, answers[0].headers["retry-after"]) == (503, "1")


def _connections(port: int) -> list[str]:
    """Return the sandbox's connections that the host still holds open, from the kernel's own list."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ours = [line for line in lines if line.split()[1].endswith(f":{port:04X}")]
    return [line for line in ours if line.split()[3] == "01"]
