"""A runner through its client: calls, sockets, repeats and refusals, over a sandbox that is an ordinary process."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace

import anyio
import pytest
from runner_rig import SHORT, FleetRig, Watched, eventually, fleet_rig
from stand_in_parts import ProcessDriver, Wish, wishes

from lot.core.errors import (
    BootFailedError,
    CommandTimedOutError,
    HostFullError,
    InvalidInputError,
    NotFoundError,
    PauseFailedError,
    RunnerGoneError,
    SandboxUnavailableError,
    StaleEpochError,
    TooLargeError,
    TransitionNotAllowedError,
)
from lot.core.events import AgentText
from lot.runner.client import RunnerClient
from lot.runner.http_client import HttpRunnerClient
from lot.runner.protocol import (
    AgentOrder,
    BringUpOrder,
    BringUpResult,
    CommandOrder,
    DevOrder,
    DevProcess,
    PauseResult,
    PortBody,
    Rung,
    TerminalOrder,
)
from lot.sandbox.link import Chunk

pytestmark = pytest.mark.anyio

ADOPT, DISK = Rung(kind="adopt"), Rung(kind="disk")
_SERVE = (
    "python3 -u -c 'import http.server as h; h.HTTPServer((\"\", {port}), h.SimpleHTTPRequestHandler).serve_forever()'"
)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def rig(anyio_backend: str) -> AsyncIterator[FleetRig]:
    """One fleet for all tests here: each takes runners and sandboxes of its own."""
    async with fleet_rig(warm=2) as made:
        yield made


@pytest.fixture(autouse=True)
def no_wishes(rig: FleetRig) -> None:
    for wish in Wish:
        (wishes(rig.data_dir) / wish).unlink(missing_ok=True)


def wish(rig: FleetRig, wanted: Wish) -> None:
    wishes(rig.data_dir).mkdir(exist_ok=True)
    (wishes(rig.data_dir) / wanted).touch()


def calls(rig: FleetRig, sandbox: str) -> list[str]:
    """Return what the driver was asked to do to a sandbox."""
    lines = (wishes(rig.data_dir) / "calls").read_text().splitlines()
    return [call for _, call, named in (line.split() for line in lines) if named == sandbox]


def order(rig: FleetRig, sandbox: str, *rungs: Rung) -> BringUpOrder:
    return BringUpOrder(
        layers=(), upper=str(rig.data_dir / "uppers" / sandbox), cpus=2, memory_bytes=4 << 30, rungs=rungs or (DISK,)
    )


async def up(rig: FleetRig) -> tuple[str, RunnerClient, str]:
    """Return a runner whose sandbox is on."""
    runner, client, sandbox = await rig.assigned()
    await client.bring_up(order(rig, sandbox))
    return runner, client, sandbox


def image(rig: FleetRig, sandbox: str) -> str:
    return str(rig.data_dir / "hibernation" / sandbox)


async def read_all(client: RunnerClient, name: str) -> bytes:
    async with client.attach(name) as stream:
        return await drain(aiter(stream))


async def drain(chunks: AsyncIterator[Chunk]) -> bytes:
    return b"".join([chunk.data async for chunk in chunks])


async def test_idle_runner_refuses_what_needs_an_assignment(rig: FleetRig) -> None:
    handle, client = await rig.fleet.take()
    assert isinstance(client, HttpRunnerClient)
    client.epoch = 1
    with pytest.raises(TransitionNotAllowedError):
        await client.bring_up(order(rig, "s"))
    await rig.fleet.stop(handle.runner)


async def test_call_of_another_epoch_is_refused(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    assert isinstance(client, HttpRunnerClient)
    client.epoch = 2
    with pytest.raises(StaleEpochError):
        await client.processes()
    with pytest.raises(StaleEpochError):
        async with client.dial(80):
            pass
    with pytest.raises(StaleEpochError):
        await read_all(client, "dev")
    client.epoch = 1
    await client.processes()


async def test_assignment_may_be_repeated_but_not_changed(rig: FleetRig) -> None:
    runner, client, sandbox = await rig.assigned()
    await client.assign(rig.assignment(runner, sandbox, 1))
    with pytest.raises(TransitionNotAllowedError) as caught:
        await client.assign(rig.assignment(runner, sandbox, 2))
    assert caught.value.state == "the runner is assigned"
    assignment = json.loads((rig.data_dir / "run/runners" / runner / "assignment.json").read_text())
    assert (assignment["id"], assignment["epoch"]) == (sandbox, 1)
    assert "pass_token" not in assignment


async def test_bring_up_is_joined_while_under_way_and_repeated_without_effect(rig: FleetRig) -> None:
    _, client, sandbox = await rig.assigned()
    wish(rig, Wish.BOOT_WAITS)
    results: list[BringUpResult] = []

    async def bring_up() -> None:
        results.append(await client.bring_up(order(rig, sandbox)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bring_up)
        tasks.start_soon(bring_up)
        await eventually(lambda: asyncio.to_thread((wishes(rig.data_dir) / "calls").exists))
        (wishes(rig.data_dir) / Wish.BOOT_WAITS).unlink()
    results.append(await client.bring_up(order(rig, sandbox)))
    assert results[0] == results[1] == results[2]
    assert calls(rig, sandbox).count("boot") == 1
    assert (await client.state()).sandbox_is_on


async def test_damaged_image_falls_to_the_next_rung_with_the_reason(rig: FleetRig) -> None:
    _, client, sandbox = await rig.assigned()
    result = await client.bring_up(order(rig, sandbox, ADOPT, Rung(kind="memory", image="/nowhere"), DISK))
    assert result.rung == "disk"
    assert result.reason is not None
    assert "no complete image in /nowhere" in result.reason


async def test_full_host_is_no_reason_for_a_lower_rung(rig: FleetRig) -> None:
    _, client, sandbox = await rig.assigned()
    wish(rig, Wish.HOST_FULL_AT_BOOT)
    with pytest.raises(HostFullError):
        await client.bring_up(order(rig, sandbox, DISK, DISK))
    assert calls(rig, sandbox) == ["boot"]


async def test_bring_up_that_fails_on_every_rung_says_each_reason_and_may_be_tried_again(rig: FleetRig) -> None:
    _, client, sandbox = await rig.assigned()
    wish(rig, Wish.BOOT_FAILS)
    with pytest.raises(BootFailedError, match=r"memory: .*; disk: as wished"):
        await client.bring_up(order(rig, sandbox, Rung(kind="memory", image="/nowhere"), DISK))
    (wishes(rig.data_dir) / Wish.BOOT_FAILS).unlink()
    assert (await client.bring_up(order(rig, sandbox))).rung == "disk"


async def test_pause_gives_the_same_result_when_repeated_and_the_sandbox_can_come_back(rig: FleetRig) -> None:
    _, client, sandbox = await up(rig)
    results: list[PauseResult] = []

    async def pause() -> None:
        results.append(await client.pause(image(rig, sandbox)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pause)
        tasks.start_soon(pause)
    await pause()
    assert results[0] == results[1] == results[2]
    assert calls(rig, sandbox).count("pause") == 1
    assert not (await client.state()).sandbox_is_on
    with pytest.raises(SandboxUnavailableError):
        await client.processes()
    result = await client.bring_up(order(rig, sandbox, ADOPT, Rung(kind="memory", image=image(rig, sandbox))))
    assert (result.rung, result.reason) == ("memory", None)


async def test_pause_without_room_leaves_everything_going_on(rig: FleetRig) -> None:
    _, client, sandbox = await up(rig)
    await client.start_agent(agent_order())
    await client.start_dev(DevOrder(command="sleep 600", port=None))
    before = {process.name: process.pid for process in await client.processes()}
    wish(rig, Wish.HOST_FULL_AT_PAUSE)
    with pytest.raises(HostFullError):
        await client.pause(image(rig, sandbox))
    assert {process.name: process.pid for process in await client.processes()} == before
    await client.send_message("m", "still there")
    async for record in client.agent_records(1, 0):
        assert texts(record) == ["still there"]
        break
    assert (await client.dev_status()).status == "starting"


async def test_pause_that_fails_says_so_and_the_disk_can_be_booted(rig: FleetRig) -> None:
    _, client, sandbox = await up(rig)
    wish(rig, Wish.PAUSE_FAILS)
    with pytest.raises(PauseFailedError):
        await client.pause(image(rig, sandbox))
    assert not (await client.state()).sandbox_is_on
    assert (await client.bring_up(order(rig, sandbox, ADOPT, DISK))).rung == "disk"


async def test_command_has_one_outcome_however_often_it_is_asked_for(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    setup = CommandOrder(name="setup", command="echo out; echo err >&2; echo $$; read x; exit 3")
    outcome = await client.run_command(setup)
    assert outcome.exit_code == 3
    assert outcome.tail.splitlines()[:2] == ["out", "err"]
    assert await client.run_command(setup) == outcome
    again = await client.run_command(setup.model_copy(update={"command": "echo other"}))
    assert (again.exit_code, again.tail) == (0, "other\n")


async def test_command_beyond_its_time_is_ended_with_its_children(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    with pytest.raises(CommandTimedOutError, match="setup did not end"):
        await client.run_command(CommandOrder(name="setup", command="echo begun; sleep 600 & wait", timeout_s=1.0))
    assert not next(process for process in await client.processes() if process.name == "setup").is_running


async def test_only_the_end_of_a_flood_is_kept(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    outcome = await client.run_command(CommandOrder(name="flood", command="yes x | head -c 300000; echo end"))
    assert len(outcome.tail) <= 64 << 10
    assert outcome.tail.endswith("end\n")


async def test_dev_server_is_found_on_whatever_port_it_listens(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    begun = await client.start_dev(DevOrder(command=_SERVE.format(port=0), port=None))
    assert begun.status == "starting"
    status = await client.dev_status(wait_s=30)
    assert (status.status, status.http_status) == ("answering", 200)
    assert status.port is not None
    async with client.dial(status.port) as stream:
        await stream.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await stream.receive()).startswith(b"HTTP/1.0 200")


async def test_dev_server_that_dies_is_told_of_with_the_end_of_its_log(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    watched = Watched()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.follow, client)
        await client.start_dev(DevOrder(command="echo no such module; exit 4", port=5173))
        status = await client.dev_status(wait_s=30)
        assert (status.status, status.exit_code) == ("exited", 4)
        assert status.detail is not None
        assert "no such module" in status.detail
        news = await watched.until(lambda news: news.news == "dev_server" and news.dev is not None)
        assert news.dev == status
        tasks.cancel_scope.cancel()


async def test_dev_server_restarts_on_demand_and_starts_once_otherwise(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    dev = DevOrder(command="sleep 600", port=None)
    first = (await client.start_dev(dev)).pid
    assert (await client.start_dev(dev)).pid == first
    second = (await client.start_dev(dev.model_copy(update={"restart": True}))).pid
    assert second != first
    for _ in range(2):
        await client.stop_dev()
        assert (await client.dev_status()).status == "absent"


def agent_order(run: int = 1) -> AgentOrder:
    return AgentOrder(
        run=run, agent_session="a", is_continuation=False, model=None, provider="rehearsal", is_scripted=True
    )


def texts(record: object) -> list[str]:
    return [event.text for event in record.events if isinstance(event, AgentText)]  # type: ignore[attr-defined]


async def test_records_go_on_from_any_offset_and_come_as_they_were(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    await client.start_agent(agent_order())
    for text in ("one", "two", "three"):
        await client.send_message(text, text)
    records = []
    async for record in client.agent_records(1, 0):
        records.append(record)
        if len(records) == 3:
            break
    assert [texts(record) for record in records] == [["one"], ["two"], ["three"]]
    async for record in client.agent_records(1, records[0].to_offset):
        assert record == records[1]
        break


async def test_records_end_when_the_agent_has_ended_and_the_news_say_so(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    await client.start_agent(agent_order())
    watched = Watched()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.follow, client)
        await client.state()
        agent = next(process for process in await client.processes() if process.name == "agent-1")
        await client.run_command(CommandOrder(name="end", command=f"kill {agent.pid}"))
        assert [record.is_end async for record in client.agent_records(1, 0)] == [True]
        await watched.until(lambda news: news.news == "agent_gone")
        tasks.cancel_scope.cancel()


async def test_records_of_an_unknown_run_are_not_found(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    with pytest.raises(NotFoundError):
        async for _ in client.agent_records(9, 0):
            pass


async def test_terminal_is_a_shell_that_can_be_left_and_taken_up_again(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    terminal = TerminalOrder(name="terminal-1", rows=24, columns=80)
    assert (await client.open_terminal(terminal)).pid == (await client.open_terminal(terminal)).pid
    seen, offset = b"", 0
    async with client.attach("terminal-1") as stream:
        await stream.resize(30, 100)
        await stream.send(b"stty size; echo $TERM; echo en''d\n")
        async for chunk in stream:
            seen += chunk.data
            offset = chunk.offset + len(chunk.data)
            if b"end\r\n" in seen:
                break
    assert b"30 100" in seen
    assert b"xterm-256color" in seen
    async with client.attach("terminal-1", offset=offset) as stream:
        await stream.send(b"exit\n")
        assert [chunk.offset async for chunk in stream][0] >= offset  # noqa: RUF015 - and to the end
        await stream.send(b"to nobody")
    with pytest.raises(InvalidInputError):
        await client.open_terminal(TerminalOrder(name="dev", rows=24, columns=80))


async def test_closed_terminal_ends_what_runs_in_it_and_what_it_showed_stays(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    await client.open_terminal(TerminalOrder(name="terminal-a", rows=24, columns=80))
    async with client.attach("terminal-a") as stream:
        await stream.send(b"trap '' HUP TERM; sleep 7654321 & echo be''gun\n")
        seen = b""
        async for chunk in stream:
            seen += chunk.data
            if b"begun\r\n" in seen:
                break
    for _ in range(2):
        await client.close_terminal("terminal-a")
    [terminal] = [one for one in await client.processes() if one.name == "terminal-a"]
    assert (terminal.is_running, terminal.started_at > 0) == (False, True)
    assert (await client.run_command(CommandOrder(name="look", command="! pgrep -f 'sleep 765432[1]'"))).exit_code == 0
    assert b"begun\r\n" in await read_all(client, "terminal-a")
    with pytest.raises(NotFoundError):
        await client.close_terminal("terminal-b")
    with pytest.raises(InvalidInputError):
        await client.close_terminal("dev")


_HALF_CLOSING = """
import socket
server = socket.create_server(("127.0.0.1", 0)); print(server.getsockname()[1], flush=True)
connection, _ = server.accept(); said = b""
while data := connection.recv(100): said += data
connection.sendall(said[::-1]); connection.close()
"""


async def test_forwarded_connection_honours_a_half_close(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    await client.start_dev(DevOrder(command=f"python3 -u -c '{_HALF_CLOSING}'", port=1))

    async def own_ports() -> list[int]:
        return [listening.port for listening in await client.ports() if listening.process == "dev"]

    (port,) = await eventually(own_ports)
    async with client.dial(port) as stream:
        await stream.send(b"hello")
        await stream.send_eof()
        assert await stream.receive() == b"olleh"
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_process_beside_the_dev_server_comes_and_goes_with_it_and_its_port_and_end_are_news(
    rig: FleetRig,
) -> None:
    _, client, _ = await up(rig)
    worker = DevProcess(name="worker", command=f"exec python3 -u -c '{_HALF_CLOSING}'")
    dev = DevOrder(command="exec sleep 600", port=1, processes=(worker,))
    watched = Watched()

    async def own_ports() -> list[PortBody]:
        return [listening for listening in await client.ports() if listening.process == "dev-worker"]

    async def pids() -> dict[str, int]:
        return {one.name: one.pid for one in await client.processes() if one.is_running}

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.follow, client)
        await client.start_dev(dev)
        await watched.until(lambda news: news.news == "ports")
        [port] = await eventually(own_ports)
        before = await pids()
        assert (port.pid, port.command) == (before["dev-worker"], "python3")

        await client.start_dev(dev)
        assert await pids() == before
        await client.start_dev(dev.model_copy(update={"restart": True}))
        after = await pids()
        assert set(after) == set(before) == {"dev", "dev-worker"}
        assert not set(after.values()) & set(before.values())

        os.kill(after["dev-worker"], signal.SIGKILL)
        news = await watched.until(lambda news: news.news == "dev_process")
        assert news.process == "worker"
        assert (news.detail or "").startswith("the process worker ended with exit code -9\n")
        assert await pids() == {"dev": after["dev"]}
        await client.stop_dev()
        assert await pids() == {}
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("port", [7000, 0, 65536])
async def test_guests_own_port_and_no_port_are_refused(rig: FleetRig, port: int) -> None:
    _, client, _ = await up(rig)
    with pytest.raises(InvalidInputError):
        async with client.dial(port):
            pass


async def test_port_that_nobody_serves_is_said_so(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    with pytest.raises(SandboxUnavailableError):
        async with client.dial(9):
            pass


async def test_sandbox_that_ends_by_itself_is_news_and_can_be_booted_again(rig: FleetRig) -> None:
    _, client, sandbox = await up(rig)
    watched = Watched()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.follow, client)
        await client.state()
        record = json.loads((wishes(rig.data_dir) / sandbox / "running.json").read_text())
        os.kill(record["process"]["pid"], signal.SIGKILL)
        news = await watched.until(lambda news: news.news == "sandbox_gone")
        assert news.detail is not None
        tasks.cancel_scope.cancel()
    with pytest.raises(SandboxUnavailableError):
        await client.processes()
    assert (await client.bring_up(order(rig, sandbox, ADOPT, DISK))).rung == "disk"


async def test_pause_ends_open_streams_with_the_reason(rig: FleetRig) -> None:
    _, client, sandbox = await up(rig)
    await client.open_terminal(TerminalOrder(name="terminal-1", rows=24, columns=80))
    async with client.attach("terminal-1") as stream:
        chunks = aiter(stream)
        await anext(chunks)
        await client.pause(image(rig, sandbox))
        with pytest.raises(SandboxUnavailableError):
            await drain(chunks)


async def test_retired_runner_leaves_a_running_sandbox_to_the_next(rig: FleetRig) -> None:
    runner, client, sandbox = await up(rig)
    await client.start_dev(DevOrder(command="sleep 600", port=None))
    pid = (await client.dev_status()).pid
    await client.retire()
    await rig.processes(runner)[0].wait_ended()
    _, after, _ = await rig.assigned(sandbox, epoch=2)
    assert (await after.bring_up(order(rig, sandbox, ADOPT, DISK))).rung == "adopt"
    assert (await after.dev_status()).pid == pid
    await eventually(lambda: rig.fleet.is_dead(runner))


async def test_retired_runner_without_a_sandbox_leaves_nothing(rig: FleetRig) -> None:
    runner, client, sandbox = await up(rig)
    await client.destroy_sandbox()
    processes = rig.processes(runner)
    await client.retire()
    for process in processes:
        await process.wait_ended()
    await eventually(lambda: rig.fleet.is_dead(runner))
    assert not (rig.data_dir / "run/holds" / f"{sandbox}.json").exists()
    with pytest.raises(RunnerGoneError):
        await client.state()


async def test_killed_runners_sandbox_is_adopted_with_its_processes_and_journals(rig: FleetRig) -> None:
    runner, client, sandbox = await up(rig)
    await client.start_agent(agent_order())
    await client.send_message("one", "one")
    before = {process.name: process.pid for process in await client.processes()}
    rig.processes(runner)[0].kill()
    with pytest.raises(RunnerGoneError):
        async for _ in client.watch():
            pass
    await rig.fleet.stop(runner)
    assert await rig.fleet.is_dead(runner)
    _, after, _ = await rig.assigned(sandbox, epoch=2)
    result = await after.bring_up(order(rig, sandbox, ADOPT, DISK))
    assert (result.rung, result.reason) == ("adopt", None)
    assert {process.name: process.pid for process in await after.processes()} == before
    await after.start_agent(agent_order())
    await after.send_message("two", "two")
    said: list[str] = []
    async for record in after.agent_records(1, 0):
        said += texts(record)
        if len(said) == 2:
            break
    assert said == ["one", "two"]


async def test_newer_epoch_ends_an_older_runner_that_still_lives(rig: FleetRig) -> None:
    runner, _, sandbox = await up(rig)
    processes = rig.processes(runner)
    _, after, _ = await rig.assigned(sandbox, epoch=2)
    assert not any(process.is_alive for process in processes)
    assert (await after.bring_up(order(rig, sandbox, ADOPT, DISK))).rung == "adopt"
    handle, client = await rig.fleet.take()
    with pytest.raises(StaleEpochError):
        await client.assign(rig.assignment(handle.runner, sandbox, 1))
    for process in rig.processes(handle.runner):
        await process.wait_ended()


async def test_lost_lease_ends_sandbox_and_runner_at_once(rig: FleetRig) -> None:
    runner, client, sandbox = await rig.assigned(times=SHORT)
    await client.bring_up(order(rig, sandbox))
    watched = Watched()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_follow_to_the_end, watched, client)
        await client.state()
        rig.control.status = 409
        try:
            assert (await watched.until(lambda news: news.news == "lease_lost")).detail is not None
        finally:
            rig.control.status = 204
    for process in rig.processes(runner):
        await process.wait_ended()
    assert sandbox not in await rig.fleet.list_sandboxes()


async def _follow_to_the_end(watched: Watched, client: RunnerClient) -> None:
    try:
        await watched.follow(client)
    except RunnerGoneError:
        return


async def test_without_renewals_the_sandbox_is_frozen_and_thawed_by_a_late_one(rig: FleetRig) -> None:
    _, client, sandbox = await rig.assigned(times=replace(SHORT, kill_after_s=60.0))
    await client.bring_up(order(rig, sandbox))
    await rig.control.renewed()
    rig.control.status = 503

    async def is_frozen() -> bool:
        return (await client.state()).is_frozen

    async def goes_on() -> bool:
        return not await is_frozen()

    try:
        await eventually(is_frozen)
    finally:
        rig.control.status = 204
    await eventually(goes_on)
    await client.processes()


async def test_runner_that_cannot_renew_saves_a_candidate_and_ends(rig: FleetRig) -> None:
    runner, client, sandbox = await rig.assigned(times=SHORT)
    await client.bring_up(order(rig, sandbox))
    await rig.control.renewed()
    rig.control.status = 503
    try:
        for process in rig.processes(runner):
            await process.wait_ended()
    finally:
        rig.control.status = 204
    name = f"candidate-{sandbox}-1"
    assert (rig.data_dir / "hibernation" / name / "manifest.json").exists()
    assert name in rig.control.candidates
    assert sandbox not in await rig.fleet.list_sandboxes()


async def test_killed_runners_sandbox_that_nobody_adopts_is_killed(rig: FleetRig) -> None:
    runner, client, sandbox = await rig.assigned(times=SHORT)
    await client.bring_up(order(rig, sandbox))
    process, watchdog = rig.processes(runner)
    process.kill()
    await watchdog.wait_ended()
    await eventually(lambda: rig.fleet.is_dead(runner))
    assert await ProcessDriver(rig.data_dir).find(sandbox) is None


async def test_runner_whose_watchdog_was_killed_counts_by_itself(rig: FleetRig) -> None:
    runner, client, sandbox = await rig.assigned(times=SHORT)
    await client.bring_up(order(rig, sandbox))
    process, watchdog = rig.processes(runner)
    watchdog.kill()
    rig.control.status = 503
    try:
        await process.wait_ended()
    finally:
        rig.control.status = 204
    assert (rig.data_dir / "hibernation" / f"candidate-{sandbox}-1" / "manifest.json").exists()
    assert sandbox not in await rig.fleet.list_sandboxes()


async def test_call_beyond_the_limit_of_size_is_refused(rig: FleetRig) -> None:
    _, client, _ = await up(rig)
    with pytest.raises(TooLargeError):
        await client.send_message("m", "x" * (49 << 20))
