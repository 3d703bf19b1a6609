"""What runs beside the dev server: started and ended with it; an end by itself is told, and takes nobody with it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, cast

import anyio
import pytest
from anyio.abc import TaskGroup

from lot.core.errors import SandboxUnavailableError
from lot.runner.dev_processes import DevProcesses
from lot.runner.protocol import MAX_DEV_PROCESSES, DevOrder, DevProcess
from lot.sandbox.link import Chunk, GuestLink, ProcessSpec, ProcessStatus

pytestmark = pytest.mark.anyio

ORDER = DevOrder(
    command="serve",
    port=3000,
    environment={"KEY": "value"},
    processes=(DevProcess(name="worker", command="work"), DevProcess(name="css", command="watch")),
)


@dataclass
class Guest:
    """Processes in memory, which end when a test says so."""

    known: dict[str, ProcessStatus] = field(default_factory=dict)
    specs: list[ProcessSpec] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    is_gone: bool = False
    ends: dict[str, anyio.Event] = field(default_factory=dict)

    async def processes(self) -> tuple[ProcessStatus, ...]:
        return tuple(self.known.values())

    async def start(self, spec: ProcessSpec) -> ProcessStatus:
        self.specs.append(spec)
        known = self.known.get(spec.name)
        if known is None or not known.is_running:
            self.known[spec.name] = running(spec.name, run=1 if known is None else known.run + 1)
        return self.known[spec.name]

    async def attach(self, name: str, stream: str, offset: int) -> AsyncIterator[Chunk]:
        self.attached.append(name)
        end = self.ends[name] = anyio.Event()
        yield Chunk(offset=0, data=b"x" * 9000 + b"the last line of " + name.encode())
        await end.wait()

    async def stop(self, name: str) -> ProcessStatus:
        if self.is_gone:
            raise SandboxUnavailableError("the sandbox is gone")
        self.stopped.append(name)
        self.end(name, -15)
        return self.known[name]

    def end(self, name: str, exit_code: int) -> None:
        """Let a process end."""
        self.known[name] = replace(self.known[name], is_running=False, exit_code=exit_code)
        self.ends[name].set()


def running(name: str, run: int = 1) -> ProcessStatus:
    return ProcessStatus(
        name=name,
        pid=10 + run,
        is_running=True,
        exit_code=None,
        started_at=0.0,
        stdin_offset=0,
        starts={"out": 0},
        ends={"out": 0},
        run=run,
    )


@dataclass
class Made:
    """The processes of a guest, and what they tell."""

    guest: Guest
    processes: DevProcesses
    told: list[tuple[str, str]]


@contextmanager
def made(tasks: TaskGroup) -> Iterator[Made]:
    def start_soon(work: Any, *arguments: Any) -> None:
        tasks.start_soon(work, *arguments)

    guest, told = Guest(), list[tuple[str, str]]()
    link = cast(GuestLink, guest)
    yield Made(
        guest, DevProcesses(link, PurePosixPath("/workspace"), start_soon, lambda *words: told.append(words)), told
    )
    tasks.cancel_scope.cancel()


async def test_each_is_a_durable_process_of_its_own_in_the_dev_servers_environment() -> None:
    async with anyio.create_task_group() as tasks:
        with made(tasks) as its:
            await its.processes.start(ORDER)
            assert [(spec.name, spec.argv) for spec in its.guest.specs] == [
                ("dev-worker", ("bash", "-lc", "work")),
                ("dev-css", ("bash", "-lc", "watch")),
            ]
            assert {(spec.environment["KEY"], spec.cwd) for spec in its.guest.specs} == {
                ("value", PurePosixPath("/workspace"))
            }
            assert "PORT" not in its.guest.specs[0].environment


async def test_one_that_ends_is_told_with_its_last_lines_and_the_others_go_on() -> None:
    async with anyio.create_task_group() as tasks:
        with made(tasks) as its:
            await its.processes.start(ORDER)
            await anyio.wait_all_tasks_blocked()
            its.guest.end("dev-worker", 3)
            await anyio.wait_all_tasks_blocked()
            [(name, detail)] = its.told
            assert name == "worker"
            assert detail.startswith("the process worker ended with exit code 3\nx")
            assert detail.endswith("the last line of dev-worker")
            assert len(detail) < 5000
            assert its.guest.known["dev-css"].is_running

            await its.processes.start(ORDER)
            await anyio.wait_all_tasks_blocked()
            assert its.guest.known["dev-worker"].run == 2
            assert its.guest.attached == ["dev-worker", "dev-css", "dev-worker"]
            its.guest.end("dev-worker", 4)
            await anyio.wait_all_tasks_blocked()
            assert len(its.told) == 2


async def test_one_that_is_stopped_with_the_dev_server_is_no_news() -> None:
    async with anyio.create_task_group() as tasks:
        with made(tasks) as its:
            await its.processes.start(ORDER)
            await anyio.wait_all_tasks_blocked()
            await its.processes.stop()
            await anyio.wait_all_tasks_blocked()
            assert (sorted(its.guest.stopped), its.told) == (["dev-css", "dev-worker"], [])


async def test_those_that_came_along_are_followed_and_ended_too_but_not_without_limit() -> None:
    async with anyio.create_task_group() as tasks:
        with made(tasks) as its:
            strangers = [running(f"dev-{number:03}") for number in range(1000)]
            its.processes.take_up([running("dev"), running("terminal-1"), *strangers])
            await anyio.wait_all_tasks_blocked()
            assert its.guest.attached == [one.name for one in strangers[:MAX_DEV_PROCESSES]]
            its.guest.known = {one.name: one for one in strangers}
            its.guest.end("dev-000", 1)
            await anyio.wait_all_tasks_blocked()
            assert [name for name, _ in its.told] == ["000"]
            await its.processes.stop()
            assert len(its.guest.stopped) == MAX_DEV_PROCESSES


async def test_stop_in_a_sandbox_that_is_gone_raises_our_error() -> None:
    async with anyio.create_task_group() as tasks:
        with made(tasks) as its:
            await its.processes.start(ORDER)
            its.guest.is_gone = True
            with pytest.raises(SandboxUnavailableError):
                await its.processes.stop()
