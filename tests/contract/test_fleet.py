"""What every fleet must do, on runners whose sandbox is an ordinary process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from runner_rig import FleetRig, eventually, fleet_rig

import lot
from lot.core.errors import RunnerGoneError
from lot.core.ids import RunnerId
from lot.runner.protocol import BringUpOrder, Rung

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rig() -> AsyncIterator[FleetRig]:
    async with fleet_rig() as made:
        yield made


async def test_taken_runner_is_idle_and_no_other_taker_gets_it(rig: FleetRig) -> None:
    taken = [await rig.fleet.take() for _ in range(3)]
    assert len({handle.runner for handle, _ in taken}) == 3
    for handle, client in taken:
        state = await client.state()
        assert (state.runner, state.assignment_id) == (handle.runner, None)
    listed = {handle.runner for handle in await rig.fleet.list_runners()}
    assert {handle.runner for handle, _ in taken} <= listed


async def test_takers_at_the_same_time_get_a_runner_each(rig: FleetRig) -> None:
    runners: list[RunnerId] = []

    async def take() -> None:
        handle, client = await rig.fleet.take()
        await client.state()
        runners.append(handle.runner)

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(take)
    assert len(set(runners)) == 4


async def test_stopped_runner_is_dead_with_its_watchdog_and_stopping_may_be_repeated(rig: FleetRig) -> None:
    runner, client, _ = await rig.assigned()
    processes = rig.processes(runner)
    assert not await rig.fleet.is_dead(runner)
    for _ in range(2):
        await rig.fleet.stop(runner)
        assert await rig.fleet.is_dead(runner)
        assert not any(process.is_alive for process in processes)
    assert await rig.fleet.find(runner) is None
    assert runner not in {handle.runner for handle in await rig.fleet.list_runners()}
    with pytest.raises(RunnerGoneError):
        await client.state()


async def test_runner_whose_watchdog_lives_on_is_not_proved_dead(rig: FleetRig) -> None:
    runner, _, _ = await rig.assigned()
    process, watchdog = rig.processes(runner)
    process.kill()
    await process.wait_ended()
    assert await rig.fleet.find(runner) is None
    assert watchdog.is_alive
    assert not await rig.fleet.is_dead(runner)
    await rig.fleet.stop(runner)
    assert await rig.fleet.is_dead(runner)


async def test_runner_that_never_was_is_dead(rig: FleetRig) -> None:
    assert await rig.fleet.is_dead(RunnerId("neverwas"))
    assert await rig.fleet.find(RunnerId("neverwas")) is None
    await rig.fleet.stop(RunnerId("neverwas"))


async def test_closing_ends_idle_runners_and_leaves_assigned_ones_to_the_next_fleet(rig: FleetRig) -> None:
    runner, _, _ = await rig.assigned()
    await rig.fleet.close()
    assert [handle.runner for handle in await rig.fleet.list_runners()] == [runner]
    after = rig.another_fleet()
    await after.open()
    try:
        found = await after.find(runner)
        assert found is not None
        handle, client = found
        state = await client.state()
        assert (handle.runner, state.assignment_id, state.epoch) == (runner, state.assignment_id, 1)
        await after.stop(runner)
        assert await after.is_dead(runner)
    finally:
        await after.close()


async def test_sandbox_that_no_runner_serves_is_listed_and_reaped(rig: FleetRig) -> None:
    runner, client, sandbox = await rig.assigned()
    await client.bring_up(
        BringUpOrder(
            layers=(), upper=str(rig.data_dir / "upper"), cpus=2, memory_bytes=4 << 30, rungs=(Rung(kind="disk"),)
        )
    )
    await rig.fleet.stop(runner)
    assert await rig.fleet.list_sandboxes() == (sandbox,)
    for _ in range(2):
        await rig.fleet.reap_sandbox(sandbox)
        assert await rig.fleet.list_sandboxes() == ()
    assert list((rig.data_dir / "run/holds").iterdir()) == []


async def test_watchdog_learns_at_once_that_its_runner_has_ended(rig: FleetRig) -> None:
    runner, _, _ = await rig.assigned()
    for process in rig.processes(runner):
        assert os.readlink(f"/proc/{process.pid}/fd/0") == "/dev/null"
    idle, _ = await rig.fleet.take()
    process, watchdog = rig.processes(idle.runner)
    process.kill()
    with anyio.fail_after(5):
        await watchdog.wait_ended()
    await eventually(lambda: rig.fleet.is_dead(idle.runner))


async def test_runner_has_nothing_of_the_control_planes_environment_that_could_be_a_secret(
    rig: FleetRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    fleet = rig.another_fleet()
    await fleet.open()
    try:
        handle, _ = await fleet.take()
        for process in rig.processes(handle.runner):
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
            assert b"sk-secret" not in environment
            assert {name.partition(b"=")[0].decode() for name in environment.split(b"\0") if name} <= {
                *("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH")
            }
        await fleet.stop(handle.runner)
    finally:
        await fleet.close()


_CONTROL_PLANE = """
import anyio, json, sys
sys.path.insert(0, {tests!r})
from runner_rig import STAND_IN_PARTS
from lot.config import Settings
from lot.fleet.local import LocalFleet
from lot.runner.protocol import Assignment

async def main():
    fleet = LocalFleet(Settings(data_dir={data_dir!r}, warm_runners=1), parts=STAND_IN_PARTS)
    await fleet.open()
    handle, client = await fleet.take()
    assigned, other = await fleet.take()
    await other.assign(Assignment(kind="session", id="s", epoch=1, sandbox="s", runner=assigned.runner, pass_token="p"))
    print(json.dumps([handle.runner, assigned.runner]), flush=True)
    await anyio.sleep_forever()

anyio.run(main)
"""


async def test_killed_control_plane_leaves_assigned_runners_alone(rig: FleetRig) -> None:
    await rig.fleet.close()
    tests = str(Path(__file__).parents[1])
    script = _CONTROL_PLANE.format(tests=tests, data_dir=str(rig.data_dir))
    with subprocess.Popen(  # noqa: ASYNC220 - started before anything is awaited
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(lot.__file__).parents[1])},
    ) as process:
        assert process.stdout is not None
        try:
            idle, assigned = json.loads(await anyio.to_thread.run_sync(process.stdout.readline))
        finally:
            process.send_signal(signal.SIGKILL)

    async def only_the_assigned_one_lives() -> bool:
        return [handle.runner for handle in await rig.fleet.list_runners()] == [assigned]

    await eventually(only_the_assigned_one_lives)
    await eventually(lambda: rig.fleet.is_dead(idle))
