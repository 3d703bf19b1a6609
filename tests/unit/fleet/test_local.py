"""The local fleet where its contract says nothing: a dead zygote, deep folders, folders of the dead."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from runner_rig import FleetRig, fleet_rig

from lot.config import Settings
from lot.fleet.local import LocalFleet

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rig() -> AsyncIterator[FleetRig]:
    async with fleet_rig(warm=0) as made:
        yield made


async def test_fleet_whose_zygote_was_killed_starts_another(rig: FleetRig) -> None:
    handle, _ = await rig.fleet.take()
    zygote = int(Path(f"/proc/{rig.processes(handle.runner)[0].pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(zygote, 9)
    again, client = await rig.fleet.take()
    assert (await client.state()).runner == again.runner
    await rig.fleet.stop(again.runner)


async def test_sockets_work_in_folders_deeper_than_a_sockets_path_may_be_long(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("deeper" * 10)
    folder.mkdir(parents=True)
    fleet = LocalFleet(Settings(data_dir=folder, warm_runners=0), parts="stand_in_parts:make_parts")
    await fleet.open()
    try:
        handle, client = await fleet.take()
        assert len(handle.address) > 107
        assert (await client.state()).runner == handle.runner
        await fleet.stop(handle.runner)
    finally:
        await fleet.close()


async def test_only_the_newest_folders_of_dead_runners_are_kept(rig: FleetRig) -> None:
    runners = rig.data_dir / "run/runners"
    for number in range(60):
        (runners / f"dead{number}").mkdir(parents=True)
        os.utime(runners / f"dead{number}", (number, number))
    handle, client = await rig.fleet.take()
    another = rig.another_fleet()
    await another.open()
    await another.close()
    left = {entry.name for entry in runners.iterdir()}
    assert left == {handle.runner, *(f"dead{number}" for number in range(10, 60))}
    assert (await client.state()).runner == handle.runner
    await rig.fleet.stop(handle.runner)
