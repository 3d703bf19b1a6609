"""What every sandbox driver must do. A driver is tested whole: real runtime, real guest, real network."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest
from sandbox_rig import Rig, count, fork_disk, output, shell, start_counter
from sandbox_rig import rig as open_rig

from lot.core.errors import HostFullError, ImageDamagedError, SandboxUnavailableError
from lot.core.ids import SandboxId
from lot.sandbox.driver import GATEWAY_ADDRESS, SandboxSpec
from lot.sandbox.link import CommandRequest
from lot.sandbox.processes import started_at_ticks

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as made:
        yield made


async def test_boot_repeated_returns_the_sandbox_that_runs(rig: Rig) -> None:
    spec = rig.spec()
    first = await rig.driver.boot(spec)
    assert await rig.driver.boot(spec) == first
    assert await rig.driver.find(spec.sandbox) == first
    assert await rig.driver.list_sandboxes() == (spec.sandbox,)


async def test_link_to_what_does_not_run_is_refused_at_once(rig: Rig) -> None:
    started = time.monotonic()
    with pytest.raises(SandboxUnavailableError, match="does not run"):
        await rig.driver.link(SandboxId("neverwas"))
    assert time.monotonic() - started < 1.0


async def test_sandbox_sees_its_limits_and_its_name(rig: Rig) -> None:
    async with rig.up(rig.spec(hostname="work")) as (_, link):
        said = await output(link, "nproc; grep MemTotal /proc/meminfo; hostname; cat /etc/hostname; getent hosts work")
    processors, memory, *names = said.splitlines()
    assert int(processors) == min(2, os.cpu_count() or 1)
    assert int(memory.split()[1]) << 10 == 512 << 20
    assert names == ["work", "work", "127.0.1.1       work"]


async def test_disk_outlives_a_sandbox_and_its_layers_stay_as_they_were(rig: Rig) -> None:
    spec = rig.spec()
    before = (rig.base / "etc/passwd").read_bytes()
    async with rig.up(spec) as (_, link):
        await output(
            link, "echo note > /workspace/note; echo x >> /etc/passwd; mv /opt /opt2; echo kept > /tmp/kept; sync"
        )
    await rig.driver.destroy(spec.sandbox)
    assert (rig.base / "etc/passwd").read_bytes() == before
    async with rig.up(spec) as (_, link):
        assert (
            await output(link, "cat /workspace/note /tmp/kept; tail -1 /etc/passwd; ls -d /opt2")
            == "note\nkept\nx\n/opt2"
        )


async def test_destroy_frees_everything_but_the_disk_and_may_be_repeated(rig: Rig) -> None:
    spec = rig.spec()
    running = await rig.driver.boot(spec)
    for _ in range(2):
        await rig.driver.destroy(spec.sandbox)
        assert rig.remains() == []
    assert started_at_ticks(running.pid) is None
    assert spec.upper.exists()
    assert await rig.driver.find(spec.sandbox) is None
    await rig.driver.destroy(SandboxId("neverwas"))


async def test_pause_frees_everything_and_resume_brings_memory_back_five_times(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    async with rig.up(spec) as (_, link):
        await start_counter(link)
        _, pid = await count(link)
    for number in range(2, 7):
        made = await rig.driver.pause(spec.sandbox, image)
        assert rig.remains() == []
        assert made.total_bytes == sum(
            file.stat().st_size for file in image.rglob("*") if file.name != "manifest.json" and file.is_file()
        )
        await rig.driver.resume(spec, image)
        started = time.monotonic()
        async with rig.linked(spec) as link:
            assert await count(link) == (number, pid)
        # A stack that has forgotten its neighbour waits 5 s; without that, it is some 20 ms on a machine at rest.
        assert time.monotonic() - started < 3.0


async def test_pause_and_resume_may_be_repeated(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    await rig.driver.boot(spec)
    assert await rig.driver.pause(spec.sandbox, image) == await rig.driver.pause(spec.sandbox, image)
    assert await rig.driver.resume(spec, image) == await rig.driver.resume(spec, image)


async def test_pause_of_what_does_not_run_is_refused(rig: Rig) -> None:
    with pytest.raises(SandboxUnavailableError):
        await rig.driver.pause(SandboxId("neverwas"), rig.image())


async def test_three_sandboxes_go_on_from_one_image_each_with_its_own_disk(rig: Rig) -> None:
    parent, image = rig.spec(), rig.image()
    async with rig.up(parent) as (_, link):
        await start_counter(link)
        _, pid = await count(link)
        await output(link, "echo parent > /workspace/who")
    await rig.driver.pause(parent.sandbox, image)
    layer = fork_disk(rig, parent.upper)
    forks = [rig.spec(layers=[layer]) for _ in range(3)]
    for fork in forks:
        await rig.driver.resume(fork, image)
    for number, fork in enumerate(forks):
        async with rig.linked(fork) as link:
            for visit in range(2, 3 + number):
                assert await count(link) == (visit, pid)
            assert await output(link, "cat /workspace/who") == "parent"
            await output(link, f"echo {number} > /workspace/who")
    for number, fork in enumerate(forks):
        async with rig.linked(fork) as link:
            assert await output(link, "cat /workspace/who") == str(number)
    assert (layer / "workspace/who").read_text() == "parent\n"


def _flip_a_byte(image: Path) -> None:
    largest = max((file for file in image.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    with largest.open("r+b") as file:
        file.seek(largest.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def _truncate(image: Path) -> None:
    largest = max((file for file in image.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    os.truncate(largest, largest.stat().st_size - 1)


def _lose_a_file(image: Path) -> None:
    next(file for file in image.rglob("*") if file.is_file() and file.name != "manifest.json").unlink()


def _lose_the_manifest(image: Path) -> None:
    (image / "manifest.json").unlink()


def _garble_the_manifest(image: Path) -> None:
    (image / "manifest.json").write_text('{"format": 1}')


def _change_the_runtime(image: Path) -> None:
    manifest = json.loads((image / "manifest.json").read_text())
    manifest["runtime"]["sha256"] = "0" * 64
    (image / "manifest.json").write_text(json.dumps(manifest))


def _change_the_processor(image: Path) -> None:
    manifest = json.loads((image / "manifest.json").read_text())
    manifest["cpu"]["features"].append("timetravel")
    (image / "manifest.json").write_text(json.dumps(manifest))


async def test_damaged_image_is_refused_with_what_is_wrong_and_the_whole_one_still_works(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    await rig.driver.boot(spec)
    await rig.driver.pause(spec.sandbox, image)
    damages: dict[Callable[[Path], None], str] = {
        _flip_a_byte: "has changed",
        _truncate: "bytes instead of",
        _lose_a_file: "does not hold the files",
        _lose_the_manifest: "missing or was never finished",
        _garble_the_manifest: "cannot be read",
        _change_the_runtime: "another runtime",
        _change_the_processor: "timetravel",
    }
    for damage, complaint in damages.items():
        copy = image.with_name(damage.__name__)
        await asyncio.to_thread(shutil.copytree, image, copy)
        damage(copy)
        with pytest.raises(ImageDamagedError, match=complaint):
            await rig.driver.resume(spec, copy)
        assert rig.remains() == []
    await rig.driver.resume(spec, image)


async def test_image_is_refused_once_the_disk_has_moved_on(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    await rig.driver.boot(spec)
    await rig.driver.pause(spec.sandbox, image)
    await rig.driver.resume(spec, image)
    await rig.driver.destroy(spec.sandbox)
    with pytest.raises(ImageDamagedError, match="moved on"):
        await rig.driver.resume(spec, image)


async def test_pause_without_room_for_the_image_leaves_the_sandbox_running(rig: Rig) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (_, link):
        await start_counter(link)
        await count(link)
        with pytest.raises(HostFullError, match="disk"):
            await rig.driver_with(disk_reserve_bytes=1 << 60).pause(spec.sandbox, rig.image())
        assert (await count(link))[0] == 2


async def test_start_without_room_is_refused_and_leaves_what_runs_alone(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    full = rig.driver_with(memory_reserve_bytes=1 << 60)
    await rig.driver.boot(spec)
    with pytest.raises(HostFullError, match="memory"):
        await full.boot(rig.spec())
    assert await rig.driver.list_sandboxes() == (spec.sandbox,)
    await rig.driver.pause(spec.sandbox, image)
    with pytest.raises(HostFullError, match="memory"):
        await full.resume(spec, image)
    with pytest.raises(HostFullError, match="disk"):
        await rig.driver_with(disk_reserve_bytes=1 << 60).resume(spec, image)
    await rig.driver.resume(spec, image)


async def test_memory_beyond_the_limit_hurts_only_that_sandbox(rig: Rig) -> None:
    greedy, modest = rig.spec(), rig.spec()
    async with rig.up(greedy) as (_, link), rig.up(modest) as (_, other):
        await start_counter(other)
        await count(other)
        gone = asyncio.create_task(rig.driver.wait_gone(greedy.sandbox))
        allocating = asyncio.create_task(shell(link, "exec python3 -c 'x = b\"x\" * (2 << 30)'"))
        # The runtime may end the program, or with it the whole sandbox.
        await asyncio.wait((gone, allocating), timeout=20, return_when=asyncio.FIRST_COMPLETED)
        for task in (gone, allocating):
            task.cancel()
        await asyncio.gather(gone, allocating, return_exceptions=True)
        assert (await rig.driver.usage(greedy.sandbox)).has_run_out_of_memory
        assert not (await rig.driver.usage(modest.sandbox)).has_run_out_of_memory
        assert (await count(other))[0] == 2


async def test_end_of_the_runtime_process_is_noticed_and_the_disk_boots_again(rig: Rig) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (running, link):
        await output(link, "echo note > /workspace/note; sync")
        gone = asyncio.create_task(rig.driver.wait_gone(spec.sandbox))
        await asyncio.sleep(0)
        os.kill(running.pid, signal.SIGKILL)
        assert await asyncio.wait_for(gone, 10) == -1
    assert await rig.driver.find(spec.sandbox) is None
    with pytest.raises(SandboxUnavailableError):
        await rig.driver.pause(spec.sandbox, rig.image())
    async with rig.up(spec) as (_, link):
        assert await output(link, "cat /workspace/note") == "note"


async def test_frozen_sandbox_stands_still_and_goes_on(rig: Rig) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (_, link):
        await start_counter(link)
        await count(link)
        for _ in range(2):
            await rig.driver.freeze(spec.sandbox)
        before = await rig.driver.usage(spec.sandbox)
        with anyio.move_on_after(0.3) as scope:
            await link.health()
        assert scope.cancelled_caught
        assert (await rig.driver.usage(spec.sandbox)).cpu_s == before.cpu_s
        for _ in range(2):
            await rig.driver.thaw(spec.sandbox)
        assert (await count(link))[0] == 2


async def test_frozen_sandbox_can_be_paused_and_destroyed(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    await rig.driver.boot(spec)
    await rig.driver.freeze(spec.sandbox)
    await rig.driver.pause(spec.sandbox, image)
    await rig.driver.resume(spec, image)
    await rig.driver.freeze(spec.sandbox)
    await rig.driver.destroy(spec.sandbox)
    assert rig.remains() == []


async def test_usage_grows_with_what_runs(rig: Rig) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (_, link):
        before = await rig.driver.usage(spec.sandbox)
        await output(link, "python3 -c 'sum(range(10**7))'; head -c 100m /dev/zero > /dev/shm/ballast")
        after = await rig.driver.usage(spec.sandbox)
    assert after.memory_bytes - before.memory_bytes > 90 << 20
    assert after.cpu_s > before.cpu_s
    with pytest.raises(SandboxUnavailableError):
        await rig.driver.usage(SandboxId("neverwas"))


async def test_sandbox_reaches_the_gateway_at_its_constant_address_also_after_a_resume(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    await rig.driver.boot(spec)
    await _ask_gateway(rig, spec)
    await rig.driver.pause(spec.sandbox, image)
    await rig.driver.resume(spec, image)
    await _ask_gateway(rig, spec)


async def _ask_gateway(rig: Rig, spec: SandboxSpec) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, sock=rig.driver.listen(spec.sandbox, 80)), rig.linked(spec) as link:
        assert await output(link, f"bash -c 'cat < /dev/tcp/{GATEWAY_ADDRESS}/80'") == "hello"


async def test_sandbox_reaches_neither_host_nor_neighbour_nor_private_addresses(rig: Rig) -> None:
    with socket.create_server(("0.0.0.0", 0)) as service:
        port = service.getsockname()[1]
        async with rig.up(rig.spec()) as (neighbour, _), rig.up(rig.spec()) as (running, link):
            theirs = rig.driver.listen(neighbour.sandbox, 8080)
            targets = [(address, port) for address in _host_addresses()]
            targets += [(GATEWAY_ADDRESS, port), ("169.254.169.254", 80), ("10.0.0.1", 80), ("192.168.0.1", 80)]
            targets += [(address, 8080) for address in _host_addresses() if address.startswith("10.201.")]
            for address, target in targets:
                started = time.monotonic()
                result = await shell(link, f"timeout 5 bash -c 'cat < /dev/tcp/{address}/{target}'")
                assert result.exit_code not in (0, 124), f"{address}:{target}"
                assert time.monotonic() - started < 4, f"{address}:{target} hangs"
            theirs.close()
            assert running.network != neighbour.network


async def test_names_are_answered_or_refused_at_once(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, open_link), rig.up(rig.spec(egress="none")) as (_, closed_link):
        for link in (open_link, closed_link):
            result = await link.run(CommandRequest(argv=("getent", "hosts", "nothing.invalid"), timeout_s=30))
            assert result.exit_code != 0
            assert result.duration_s < 3.0
        assert (await shell(closed_link, "timeout 5 bash -c 'cat < /dev/tcp/1.1.1.1/80'")).exit_code == 1


def _host_addresses() -> list[str]:
    said = subprocess.run(
        ["ip", "-4", "-oneline", "address", "show"], capture_output=True, text=True, check=True
    ).stdout
    return [line.split()[3].split("/")[0] for line in said.splitlines()]
