"""What counts as an HTTP answer of a dev server, and how one that came along with a memory image is asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any, cast

import anyio
import pytest
from anyio.abc import TaskGroup

from lot.runner.dev_processes import DevProcesses
from lot.runner.dev_server import DevServer, _http_status
from lot.runner.protocol import DevOrder
from lot.sandbox.link import GuestLink, ListeningPort, ProcessStatus

PORT = 5173


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", 200),
        (b"HTTP/1.0 404 Not Found\r\n", 404),
        (b"HTTP/1.1 500\r\n", 500),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"HTTP/1.1 2x0 odd\r\n", None),
        (b"HTTP/1.1", None),
        (b"", None),
    ],
)
def test_only_a_status_line_is_an_answer(beginning: bytes, status: int | None) -> None:
    assert _http_status(beginning) == status


class RestoredGuest:
    """A guest in which a dev server runs that answers each question once `answers` is set."""

    def __init__(self) -> None:
        self.answers = anyio.Event()
        self.asked: list[int] = []
        self.started = 0

    async def processes(self) -> tuple[ProcessStatus, ...]:
        return (_running(),)

    async def start(self, spec: object) -> ProcessStatus:
        self.started += 1
        return _running()

    async def ports(self) -> tuple[ListeningPort, ...]:
        return (ListeningPort(address="127.0.0.1", port=PORT, process="dev"),)

    async def attach(self, name: str, stream: str, offset: int) -> AsyncIterator[Any]:
        await anyio.sleep_forever()
        yield

    @asynccontextmanager
    async def dial(self, port: int) -> AsyncIterator["RestoredGuest"]:
        self.asked.append(port)
        yield self

    async def send(self, data: bytes) -> None:
        assert data.startswith(b"GET / ")

    async def receive(self, max_bytes: int) -> bytes:
        await self.answers.wait()
        return b"HTTP/1.1 200 OK\r\n"


def _running() -> ProcessStatus:
    return ProcessStatus(
        name="dev",
        pid=37,
        is_running=True,
        exit_code=None,
        started_at=0.0,
        stdin_offset=0,
        starts={"out": 0},
        ends={"out": 0},
    )


def _dev_server(guest: RestoredGuest, tasks: TaskGroup) -> DevServer:
    def start_soon(work: Any, *arguments: Any) -> None:
        tasks.start_soon(work, *arguments)

    link, workspace = cast(GuestLink, guest), PurePosixPath("/workspace")
    beside = DevProcesses(link, workspace, start_soon, lambda name, detail: None)
    return DevServer(link, workspace, start_soon, lambda status: None, beside)


async def test_restored_dev_server_is_asked_by_one_at_a_time_until_it_has_answered() -> None:
    guest, seen = RestoredGuest(), anyio.Event()

    async def visit(dev: DevServer) -> None:
        await dev.until_thawed()
        seen.set()

    async with anyio.create_task_group() as tasks:
        dev = _dev_server(guest, tasks)
        await dev.find()
        await dev.start(DevOrder(command="npm run dev", port=PORT))
        tasks.start_soon(visit, dev)
        await anyio.wait_all_tasks_blocked()
        assert (guest.asked, guest.started, seen.is_set()) == ([PORT], 0, False)
        guest.answers.set()
        with anyio.fail_after(5):
            await seen.wait()
            assert (await dev.status(5)).port == PORT
        tasks.cancel_scope.cancel()


async def test_nobody_waits_for_a_dev_server_that_did_not_come_along() -> None:
    guest = RestoredGuest()
    async with anyio.create_task_group() as tasks:
        dev = _dev_server(guest, tasks)
        await dev.start(DevOrder(command="npm run dev", port=PORT))
        with anyio.fail_after(1):
            await dev.until_thawed()
        tasks.cancel_scope.cancel()
    assert guest.started == 1
