"""A runner with all its real parts: gVisor, guest, gateway, the real agent program and the rehearsal."""

import os
import secrets
import shutil
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest
from agent_rig import Followed, directive
from model_accounts import RememberedAccounts
from runner_rig import PASSES, SHORT, FleetRig, Watched, eventually, fleet_rig
from starlette.responses import PlainTextResponse

from lot.broker.app import create_broker_app
from lot.broker.model import ModelBroker
from lot.broker.passes import PassControl
from lot.broker.providers import Provider, rehearsal
from lot.broker.session import create_session_app
from lot.config import Settings
from lot.core.errors import InvalidInputError, RunnerGoneError, SandboxUnavailableError
from lot.core.ids import RunnerId, SandboxId, SessionId
from lot.fleet.zygote import PARTS
from lot.rehearsal.app import Rehearsal
from lot.rehearsal.serve import serve_rehearsal
from lot.runner.client import RunnerClient
from lot.runner.protocol import AgentOrder, BringUpOrder, CommandOrder, DevOrder, Rung, TerminalOrder
from lot.sandbox.gvisor import open_driver

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio, pytest.mark.timeout(240)]

ADOPT, DISK = Rung(kind="adopt"), Rung(kind="disk")
COUNTER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    count = 0
    def do_GET(self):
        if self.path == "/count":
            Handler.count += 1
        body = f"{Handler.count} {os.getpid()}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("", 3000), Handler).serve_forever()
"""


@dataclass
class Place:
    """A fleet on real parts, and where its sandboxes' disks come from."""

    fleet: FleetRig
    base: Path
    folder: Path
    rehearsal: Rehearsal
    accounts: RememberedAccounts
    desk: "Desk"

    def order(self, sandbox: str, *rungs: Rung) -> BringUpOrder:
        upper = str(self.folder / "disks" / sandbox)
        return BringUpOrder(layers=(str(self.base),), upper=upper, cpus=2, memory_bytes=4 << 30, rungs=rungs)

    def image(self, sandbox: str) -> str:
        return str(self.folder / "data" / "hibernation" / f"{sandbox}-{secrets.token_hex(2)}")

    async def up(self) -> tuple[RunnerId, RunnerClient, SandboxId]:
        """Return a runner whose sandbox is on and counts its visitors."""
        runner, client, sandbox = await self.fleet.assigned()
        await client.bring_up(self.order(sandbox, DISK))
        await self.start_counter(client)
        return runner, client, sandbox

    async def start_counter(self, client: RunnerClient) -> None:
        await client.start_dev(DevOrder(command=f"exec python3 -c '{COUNTER}'", port=3000))
        assert (await client.dev_status(wait_s=30)).status == "answering"

    async def next_runner(self, sandbox: SandboxId, epoch: int) -> RunnerClient:
        _, client, _ = await self.fleet.assigned(sandbox, epoch)
        return client


class Desk:
    """What agents' tools reach of a control plane: it restarts a dev server as a test says."""

    def __init__(self) -> None:
        self.do_restart: Callable[[], Awaitable[object]] | None = None

    async def restart(self, session: SessionId) -> bool:
        if self.do_restart is not None:
            await self.do_restart()
        return self.do_restart is not None

    async def refuse(self, *_: object) -> str:
        raise InvalidInputError("nobody asks for this here")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def place(anyio_backend: str) -> AsyncIterator[Place]:
    settings = Settings()
    base = settings.images_dir / "base" / "rootfs"
    if os.geteuid() != 0 or not base.exists() or not (settings.runtime_dir / "runtime.json").exists():
        pytest.skip("needs root, a proven runsc and the base image: `make setup`")
    # Not pytest's folder: an overlay must lie on a real disk.
    folder = settings.images_dir.parent / f"test-{secrets.token_hex(4)}"
    folder.mkdir()
    async with AsyncExitStack() as stack:
        rehearsed = folder / "rehearsal.sock"
        provider = rehearsal(rehearsed)
        stack.push_async_callback(provider.close)
        asked = await stack.enter_async_context(serve_rehearsal(rehearsed))
        accounts = RememberedAccounts()
        model = model_broker(provider, accounts)
        await stack.enter_async_context(model.running())
        desk = Desk()
        session = create_session_app(PassControl(PASSES, check_epoch), desk.refuse, desk.refuse, desk.restart)
        broker = create_broker_app(model, git=PlainTextResponse("git"), session=session)
        made = await stack.enter_async_context(fleet_rig(PARTS, folder=folder, broker=broker))
        yield Place(made, base.resolve(), folder, asked, accounts, desk)
    shutil.rmtree(folder, ignore_errors=True)


async def check_epoch(kind: str, id: str, epoch: int) -> None:
    """Every epoch holds."""


def model_broker(provider: Provider, accounts: RememberedAccounts) -> ModelBroker:
    async def provider_of(session: SessionId) -> Provider:
        return provider

    return ModelBroker(PassControl(PASSES, check_epoch), provider_of, accounts, accounts.on_wait)


async def count(client: RunnerClient) -> tuple[int, int]:
    """Visit the counter; return how often that was done, and its process id inside."""
    async with client.dial(3000) as stream:
        await stream.send(b"GET /count HTTP/1.0\r\n\r\n")
        answer = b""
        while True:
            try:
                answer += await stream.receive()
            except anyio.EndOfStream:
                number, pid = answer.rpartition(b"\r\n\r\n")[2].split()
                return int(number), int(pid)


def agent_order(name: str, run: int = 1) -> AgentOrder:
    return AgentOrder(
        run=run, agent_session=name, is_continuation=run > 1, model="rehearsal", provider="rehearsal", is_scripted=True
    )


async def test_memory_goes_on_after_pauses_and_every_part_still_works(place: Place) -> None:
    _, client, sandbox = await place.up()
    first = await count(client)
    for visit in (2, 3):
        image = place.image(sandbox)
        await client.open_terminal(TerminalOrder(name="terminal-1", rows=24, columns=80))
        paused = await client.pause(image)
        assert paused.total_bytes > 0
        with pytest.raises(SandboxUnavailableError):
            await client.ports()
        brought = await client.bring_up(place.order(sandbox, ADOPT, Rung(kind="memory", image=image), DISK))
        assert (brought.rung, brought.reason) == ("memory", None)
        assert await count(client) == (visit, first[1])
        assert (await client.dev_status(wait_s=30)).status == "answering"
        assert (await client.run_command(CommandOrder(name=f"c{visit}", command="id -un; pwd"))).tail == (
            "lot\n/workspace\n"
        )
        async with client.attach("terminal-1") as stream:
            await stream.send(b"echo he''re\n")
            seen = b""
            async for chunk in stream:
                seen += chunk.data
                if b"here" in seen:
                    break
    assert (await client.state()).memory_bytes < 120 << 20
    await client.destroy_sandbox()


async def test_agent_turn_survives_a_pause_in_its_middle_and_the_death_of_its_runner(place: Place) -> None:
    runner, client, sandbox = await place.fleet.assigned()
    await client.bring_up(place.order(sandbox, DISK))
    name = str(uuid.uuid4())
    await client.start_agent(agent_order(name))
    await client.send_message(str(uuid.uuid4()), directive("say", text="first words"))
    followed = Followed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(followed.follow, client.agent_records(1, 0))
        await followed.turns(1, 60)
        tasks.cancel_scope.cancel()
    offset = followed.records[-1].to_offset

    image = place.image(sandbox)
    await client.pause(image)
    await client.bring_up(place.order(sandbox, ADOPT, Rung(kind="memory", image=image)))
    await client.start_agent(agent_order(name))
    await client.send_message(str(uuid.uuid4()), directive("say", text="second words"))
    place.fleet.processes(runner)[0].kill()
    await place.fleet.fleet.stop(runner)
    after = await place.next_runner(sandbox, 2)
    assert (await after.bring_up(place.order(sandbox, ADOPT))).rung == "adopt"
    await after.start_agent(agent_order(name))
    again = Followed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(again.follow, after.agent_records(1, offset))
        await again.turns(1, 60)
        tasks.cancel_scope.cancel()
    assert [event.text for event in again.of("agent_text")] == ["second words"]  # type: ignore[attr-defined]
    await after.destroy_sandbox()


async def test_answer_in_whose_middle_the_sandbox_is_paused_is_paid_once(place: Place) -> None:
    _, client, sandbox = await place.fleet.assigned()
    await client.bring_up(place.order(sandbox, DISK))
    name = str(uuid.uuid4())
    await client.start_agent(agent_order(name))
    asked, metered = len(place.rehearsal.log), len(place.accounts.metered)
    await client.send_message(str(uuid.uuid4()), directive("slow", seconds=4))

    async def is_asked() -> bool:
        return len(place.rehearsal.log) > asked

    await eventually(is_asked)
    await anyio.sleep(1.0)  # into the middle of the answer
    image = place.image(sandbox)
    await client.pause(image)
    await place.accounts.until_held()
    await client.bring_up(place.order(sandbox, ADOPT, Rung(kind="memory", image=image)))
    await client.start_agent(agent_order(name))
    followed = Followed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(followed.follow, client.agent_records(1, 0))
        await followed.turns(1, 60)
        tasks.cancel_scope.cancel()
    assert followed.of("turn_ended")[0].outcome == "completed"  # type: ignore[attr-defined]
    assert followed.of("agent_text")[-1].text.endswith("it ends here.")  # type: ignore[attr-defined]
    assert len(place.rehearsal.log) == asked + 1
    assert len(place.accounts.metered) == metered + 1
    assert place.accounts.held == {}
    await client.destroy_sandbox()


async def test_files_that_change_inside_are_noticed_on_the_host_soon_until_the_pause(place: Place) -> None:
    _, client, sandbox = await place.up()
    steps = {
        "makes": "mkdir -p src dist; echo one >src/a.txt; echo out >dist/a.js",
        "rewrites": "echo two >src/a.txt",
        "maps": 'python3 -c \'import mmap; f = open("src/a.txt", "r+b"); mmap.mmap(f.fileno(), 0)[:3] = b"123"\'',
        "moves": "mv src/a.txt src/b.txt",
        "removes": "rm -r src",
    }

    async def carry_out(name: str, command: str) -> float:
        outcome = await client.run_command(CommandOrder(name=name, command=command))
        assert outcome.exit_code == 0, outcome.tail
        return time.monotonic()

    await carry_out("repository", "git init --quiet; echo dist/ >.gitignore")
    changes, waited = client.file_changes(), {}
    with anyio.fail_after(60):
        await anext(changes)
        for name, command in steps.items():
            began = await carry_out(name, command)
            await anext(changes)
            waited[name] = time.monotonic() - began
    assert max(waited.values()) < 2.0, waited
    await client.pause(place.image(sandbox))
    with pytest.raises(SandboxUnavailableError), anyio.fail_after(60):
        await anext(changes)


async def test_killed_runners_sandbox_is_adopted_untouched(place: Place) -> None:
    runner, client, sandbox = await place.up()
    number, pid = await count(client)
    place.fleet.processes(runner)[0].kill()
    await place.fleet.fleet.stop(runner)
    after = await place.next_runner(sandbox, 2)
    assert (await after.bring_up(place.order(sandbox, ADOPT, DISK))).rung == "adopt"
    assert await count(after) == (number + 1, pid)
    assert (await after.dev_status(wait_s=30)).status == "answering"
    await after.destroy_sandbox()
    assert sandbox not in await place.fleet.fleet.list_sandboxes()


async def test_runner_killed_while_it_brings_up_leaves_a_sandbox_that_can_be_brought_up(place: Place) -> None:
    runner, client, sandbox = await place.fleet.assigned()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_until_gone, client.bring_up(place.order(sandbox, DISK)))
        home = place.folder / "data" / "sandboxes" / sandbox
        await eventually(lambda: anyio.Path(home).exists())
        place.fleet.processes(runner)[0].kill()
    await place.fleet.fleet.stop(runner)
    after = await place.next_runner(sandbox, 2)
    await after.bring_up(place.order(sandbox, ADOPT, DISK))
    await place.start_counter(after)
    await after.destroy_sandbox()


async def test_runner_killed_while_it_pauses_loses_nothing(place: Place) -> None:
    runner, client, sandbox = await place.up()
    number, pid = await count(client)
    image = Path(place.image(sandbox))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_until_gone, client.pause(str(image)))
        await eventually(lambda: anyio.Path(f"{image}.partial").exists())
        place.fleet.processes(runner)[0].kill()
    await place.fleet.fleet.stop(runner)
    after = await place.next_runner(sandbox, 2)
    await after.pause(str(image))
    brought = await after.bring_up(place.order(sandbox, ADOPT, Rung(kind="memory", image=str(image))))
    assert brought.rung == "memory"
    assert await count(after) == (number + 1, pid)
    await after.destroy_sandbox()


async def _until_gone(call: Awaitable[object]) -> None:
    with suppress(RunnerGoneError):
        await call


async def test_killed_sandbox_is_news_and_its_disk_can_be_booted(place: Place) -> None:
    _, client, sandbox = await place.up()
    await client.run_command(CommandOrder(name="write", command="echo kept > kept; sync"))
    watched = Watched()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.follow, client)
        await client.state()
        running = await open_driver(place.fleet.settings).find(sandbox)
        assert running is not None
        os.kill(running.pid, signal.SIGKILL)
        await watched.until(lambda news: news.news == "sandbox_gone")
        tasks.cancel_scope.cancel()
    assert (await client.bring_up(place.order(sandbox, ADOPT, DISK))).rung == "disk"
    assert (await client.run_command(CommandOrder(name="read", command="cat kept"))).tail == "kept\n"
    await client.destroy_sandbox()


async def test_sandbox_stands_still_without_a_lease_and_goes_on_with_it(place: Place) -> None:
    _, client, sandbox = await place.fleet.assigned(times=replace(SHORT, kill_after_s=60.0))
    await client.bring_up(place.order(sandbox, DISK))
    await place.start_counter(client)
    number, pid = await count(client)
    place.fleet.control.status = 503

    async def is_frozen() -> bool:
        return (await client.state()).is_frozen

    async def goes_on() -> bool:
        return not await is_frozen()

    try:
        await eventually(is_frozen)
        before = (await client.state()).sandbox_cpu_s
        assert (await client.state()).sandbox_cpu_s == before
    finally:
        place.fleet.control.status = 204
    await eventually(goes_on)
    assert await count(client) == (number + 1, pid)
    await client.destroy_sandbox()


async def test_frozen_sandbox_is_saved_as_a_candidate_that_the_next_epoch_resumes(place: Place) -> None:
    runner, client, sandbox = await place.fleet.assigned(times=replace(SHORT, freeze_after_s=3.0, kill_after_s=4.0))
    await client.bring_up(place.order(sandbox, DISK))
    await place.start_counter(client)
    number, pid = await count(client)
    place.fleet.control.status = 503
    try:
        for process in place.fleet.processes(runner):
            await process.wait_ended()
    finally:
        place.fleet.control.status = 204
    await eventually(lambda: place.fleet.fleet.is_dead(runner))
    image = place.folder / "data" / "hibernation" / f"candidate-{sandbox}-1"
    after = await place.next_runner(sandbox, 2)
    brought = await after.bring_up(place.order(sandbox, ADOPT, Rung(kind="memory", image=str(image))))
    assert (brought.rung, brought.reason) == ("memory", None)
    assert await count(after) == (number + 1, pid)
    await after.destroy_sandbox()


async def test_sandbox_of_a_runner_that_hangs_is_killed(place: Place) -> None:
    runner, client, sandbox = await place.fleet.assigned(times=replace(SHORT, freeze_after_s=3.0, kill_after_s=4.0))
    await client.bring_up(place.order(sandbox, DISK))
    process, watchdog = place.fleet.processes(runner)
    process.kill(signal.SIGSTOP)
    await watchdog.wait_ended()
    await process.wait_ended()
    await eventually(lambda: place.fleet.fleet.is_dead(runner))
    assert await open_driver(place.fleet.settings).find(sandbox) is None
    await place.fleet.fleet.reap_sandbox(sandbox)
    assert sandbox not in await place.fleet.fleet.list_sandboxes()


async def test_agent_in_a_sandbox_has_lots_tools_and_its_commands_are_watched_also_after_a_pause(place: Place) -> None:
    _, client, sandbox = await place.up()
    dev = DevOrder(command=f"echo '\033[32mready\033[0m'; exec python3 -c '{COUNTER}'", port=3000, restart=True)
    place.desk.do_restart = lambda: client.start_dev(dev)
    order = agent_order(str(uuid.uuid4())).model_copy(update={"preview_url": "http://preview"})
    await client.start_agent(order)
    followed = Followed()

    async def call(name: str, **given: object) -> str:
        turns = len(followed.of("turn_ended"))
        await client.send_message(str(uuid.uuid4()), directive("tools", name=name, input=given))
        await followed.turns(turns + 1, 60)
        return followed.of("tool_finished")[-1].output  # type: ignore[attr-defined, no-any-return]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(followed.follow, client.agent_records(1, 0))
        assert "answers on port 3000 with HTTP 200" in await call("restart_dev_server")
        assert await call("read_dev_log", lines=5) == "ready"
        assert "http://preview" in await call("preview_address")
        slow = "for i in $(seq 60); do echo tick $i; test -e go && break; sleep 0.5; done"
        await client.send_message(str(uuid.uuid4()), directive("bash", command=slow))
        await followed.until(lambda f: any("tick 2" in part.text for part in f.parts), 60)
        tasks.cancel_scope.cancel()

    image, offset = place.image(sandbox), max(record.to_offset for record in followed.records)
    await client.pause(image)
    await client.bring_up(place.order(sandbox, Rung(kind="memory", image=image)))
    await client.start_agent(order)
    after = Followed()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(after.follow, client.agent_records(1, offset))
        await after.until(lambda f: any("tick" in part.text for part in f.parts), 60)
        await client.run_command(CommandOrder(name="go", command="touch go"))
        await after.turns(1, 60)
        tasks.cancel_scope.cancel()
    key = next(part.key for part in after.parts if part.kind == "tool_output")
    assert key == after.of("tool_finished")[-1].tool_call_id  # type: ignore[attr-defined]
    await client.destroy_sandbox()
