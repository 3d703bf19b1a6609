"""A driver killed in the middle of anything: nothing is orphaned, and no finished pause is lost.

Each attempt runs the driver in a process of its own and kills it some milliseconds after it began.
"""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from sandbox_rig import Rig, count, start_counter
from sandbox_rig import rig as open_rig

from lot.core.errors import ImageDamagedError, PauseFailedError, SandboxUnavailableError
from lot.core.ids import SandboxId
from lot.sandbox import hibernation
from lot.sandbox.cgroups import detect_cgroups
from lot.sandbox.driver import SandboxSpec
from lot.sandbox.home import Installation

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(180)]

ATTEMPTS = 6
LONGEST_S = 0.35
"""A little more than each of the acts takes here: some attempts let it finish."""

_ACT = """
import asyncio, sys
from pathlib import Path
from lot.config import Settings
from lot.sandbox.driver import Resources, SandboxSpec
from lot.sandbox.gvisor import open_driver

act, data_dir, sandbox, base, upper, image = sys.argv[1:]
driver = open_driver(Settings(data_dir=Path(data_dir)))
resources = Resources(cpus=2, memory_bytes=512 << 20)
spec = SandboxSpec(sandbox=sandbox, layers=(Path(base),), upper=Path(upper), resources=resources)
acts = {
    "boot": lambda: driver.boot(spec),
    "pause": lambda: driver.pause(sandbox, Path(image)),
    "resume": lambda: driver.resume(spec, Path(image)),
    "destroy": lambda: driver.destroy(sandbox),
}
print("ready", flush=True)
asyncio.run(acts[act]())
"""


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as made:
        yield made


@pytest.fixture
def moments() -> list[float]:
    """Random moments, spread over the whole act."""
    return [LONGEST_S * (number + random.random()) / ATTEMPTS for number in range(ATTEMPTS)]


async def _kill_during(act: str, rig: Rig, spec: SandboxSpec, image: Path, moment: float) -> None:
    """Run one act in a driver of its own, and kill that process `moment` seconds after it began."""
    arguments = [act, rig.driver.data_dir, spec.sandbox, spec.layers[0], spec.upper, image]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _ACT, *map(str, arguments)), stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    await asyncio.sleep(moment)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _copy_disk(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    copying = await asyncio.create_subprocess_exec("cp", "-a", source, target)
    assert await copying.wait() == 0


def _kill_the_rest(rig: Rig, sandbox: SandboxId) -> None:
    """Kill, besides, everything that the dead driver had started."""
    group = Installation(rig.driver.data_dir).home(sandbox).cgroup
    for pid in detect_cgroups().processes(group):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_driver_killed_during_boot_leaves_what_the_next_one_boots_or_destroys(
    rig: Rig, moments: list[float]
) -> None:
    for number, moment in enumerate(moments):
        spec = rig.spec()
        await _kill_during("boot", rig, spec, rig.image(), moment)
        if number % 2:
            await rig.driver.boot(spec)
            async with rig.linked(spec) as link:
                assert (await link.health()).processes == 0
        await rig.driver.destroy(spec.sandbox)
        assert rig.remains() == []


async def test_driver_killed_during_pause_loses_no_memory(rig: Rig, moments: list[float]) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (_, link):
        await start_counter(link)
        _, pid = await count(link)
    for visit, moment in enumerate(moments, start=2):
        image = rig.image()
        await _kill_during("pause", rig, spec, image, moment)
        await rig.driver.pause(spec.sandbox, image)
        assert rig.remains() == []
        await rig.driver.resume(spec, image)
        async with rig.linked(spec) as link:
            assert await count(link) == (visit, pid)


async def test_driver_killed_during_resume_loses_no_memory(rig: Rig, moments: list[float]) -> None:
    spec, image = rig.spec(), rig.image()
    async with rig.up(spec) as (_, link):
        await start_counter(link)
        _, pid = await count(link)
    for visit, moment in enumerate(moments, start=2):
        await rig.driver.pause(spec.sandbox, image)
        await _kill_during("resume", rig, spec, image, moment)
        await rig.driver.resume(spec, image)
        async with rig.linked(spec) as link:
            assert await count(link) == (visit, pid)


async def test_driver_and_all_it_started_killed_during_resume_leave_the_image_whole(
    rig: Rig, moments: list[float]
) -> None:
    spec, image, kept = rig.spec(), rig.image(), rig.folder / "kept"
    async with rig.up(spec) as (_, link):
        await start_counter(link)
        _, pid = await count(link)
    await rig.driver.pause(spec.sandbox, image)
    await _copy_disk(spec.upper, kept)
    for moment in moments:
        await _kill_during("resume", rig, spec, image, moment)
        _kill_the_rest(rig, spec.sandbox)
        await rig.driver.destroy(spec.sandbox)
        assert rig.remains() == []
        hibernation.verify_content(hibernation.read_image(image))
        try:
            await rig.driver.resume(spec, image)
        except ImageDamagedError:
            # The guest had begun to run on the disk: only a copy of the disk as it was still fits.
            await _copy_disk(kept, spec.upper)
            await rig.driver.resume(spec, image)
        async with rig.linked(spec) as link:
            assert await count(link) == (2, pid)
        await rig.driver.destroy(spec.sandbox)
        await _copy_disk(kept, spec.upper)


async def test_driver_killed_during_destroy_leaves_what_the_next_one_destroys(rig: Rig, moments: list[float]) -> None:
    for moment in moments:
        spec = rig.spec()
        await rig.driver.boot(spec)
        await _kill_during("destroy", rig, spec, rig.image(), moment / 10)
        await rig.destroy_all()
        assert rig.remains() == []


async def test_driver_killed_during_pause_leaves_what_the_next_one_destroys(rig: Rig, moments: list[float]) -> None:
    for moment in moments:
        spec, image = rig.spec(), rig.image()
        await rig.driver.boot(spec)
        await _kill_during("pause", rig, spec, image, moment / 2)
        await rig.driver.destroy(spec.sandbox)
        assert rig.remains() == []
        if image.exists():
            hibernation.verify_content(hibernation.read_image(image))


@pytest.mark.parametrize("is_paused", [False, True])
async def test_destroy_cut_off_while_it_forgets_the_run_does_not_revive_an_old_image(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, is_paused: bool
) -> None:
    spec, old, new = rig.spec(), rig.image(), rig.image()
    await rig.driver.boot(spec)
    await rig.driver.pause(spec.sandbox, old)
    await rig.driver.resume(spec, old)

    def forget_and_die(folder: Path | str, **_: object) -> None:
        if Path(folder).parent == Installation(rig.driver.data_dir).run_dir:
            remove_tree(folder)
            raise InterruptedError("as if killed")
        remove_tree(folder, ignore_errors=True)

    remove_tree = shutil.rmtree
    with monkeypatch.context() as patch:
        patch.setattr("lot.sandbox.gvisor.shutil.rmtree", forget_and_die)
        with pytest.raises(InterruptedError):
            await (rig.driver.pause(spec.sandbox, new) if is_paused else rig.driver.destroy(spec.sandbox))
    await rig.driver.destroy(spec.sandbox)
    with pytest.raises(ImageDamagedError, match="moved on"):
        await rig.driver.resume(spec, old)
    if is_paused:
        await rig.driver.resume(spec, new)


async def test_sandbox_killed_during_pause_is_told_and_leaves_no_half_image(rig: Rig, moments: list[float]) -> None:
    for moment in moments:
        spec, image = rig.spec(), rig.image()
        running = await rig.driver.boot(spec)
        await _kill_during("pause", rig, spec, image, moment / 3)
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)
        try:
            await rig.driver.pause(spec.sandbox, image)
        except (SandboxUnavailableError, PauseFailedError):
            assert not image.exists()
        else:
            hibernation.verify_content(hibernation.read_image(image))
        await rig.driver.destroy(spec.sandbox)
        assert rig.remains() == []
