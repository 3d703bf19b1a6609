"""The guest as PID 1 through hibernation, death and boot from the same disk: what only a real sandbox can show."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import PurePosixPath

import anyio
import pytest
from guest_rig import eventually, read_all, reading, status_of
from sandbox_rig import Rig, output
from sandbox_rig import rig as open_rig

from lot.sandbox.link import GuestLink, ProcessSpec, WhenFull
from lot.sandbox.tcp_link import TcpLink

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio]

TICK = "for i in $(seq 100000); do echo tick $i; sleep 0.02; done"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as made:
        yield made


def spec_of(name: str, *argv: str, pty: tuple[int, int] | None = None, **changes: object) -> ProcessSpec:
    return ProcessSpec(name=name, argv=argv, cwd=PurePosixPath("/"), pty=pty, **changes)  # type: ignore[arg-type]


async def test_processes_journals_and_terminals_go_on_after_hibernation(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    async with rig.up(spec) as (_, link):
        assert isinstance(link, TcpLink)
        await link.start(spec_of("ticker", "bash", "-c", TICK))
        await link.start(spec_of("agent", "cat", when_full=WhenFull.BLOCK))
        await link.start(spec_of("terminal", "bash", "--norc", pty=(24, 80)))
        await link.write("agent", b"one\n", offset=0)
        await link.write("terminal", b"kept=memory\n")
        async with reading(link, "ticker") as ticker, reading(link, "agent") as agent:
            await ticker.until(b"tick 5\n")
            await agent.until(b"one\n")
        before = await status_of(link, "ticker")
        assert await open_connections(link) == 1  # the one that asks
        await link.quiesce()
    await rig.driver.pause(spec.sandbox, image)
    await rig.driver.resume(spec, image)
    async with rig.linked(spec) as link:
        assert isinstance(link, TcpLink)
        await link.wake()
        after = await status_of(link, "ticker")
        assert (after.pid, after.is_running) == (before.pid, True)
        assert after.ends["out"] >= before.ends["out"]
        async with reading(link, "ticker") as ticker:
            await ticker.until(b"tick 50\n")
        assert ticker.data.startswith(b"".join(b"tick %d\n" % i for i in range(1, 51)))
        assert await link.write("agent", b"one\ntwo\n", offset=0) == 8
        async with reading(link, "agent", offset=4) as agent:
            await agent.until(b"two\n")
        await link.resize("terminal", 50, 150)
        await link.write("terminal", b'echo "$kept $(stty size)"\n')
        async with reading(link, "terminal") as terminal:
            await terminal.until(b"memory 50 150")
        assert (await link.stop("ticker")).exit_code == -signal.SIGTERM


async def test_reader_left_open_by_a_dead_runner_does_not_hinder_hibernation(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    async with rig.up(spec) as (_, link):
        await link.start(spec_of("ticker", "bash", "-c", TICK))
        async with rig.linked(spec) as forgotten:
            chunks = forgotten.attach("ticker")
            await anext(chunks)
            await link.quiesce()
            await rig.driver.pause(spec.sandbox, image)
    await rig.driver.resume(spec, image)
    async with rig.linked(spec) as link:
        assert (await link.processes())[0].is_running


async def test_journal_outlives_a_killed_sandbox_to_the_last_byte_read(rig: Rig) -> None:
    spec = rig.spec()
    running = await rig.driver.boot(spec)
    async with rig.linked(spec) as link:
        assert isinstance(link, TcpLink)
        await link.start(spec_of("ticker", "bash", "-c", TICK))
        async with reading(link, "ticker") as ticker:
            await ticker.until(b"tick 20\n")
            os.kill(running.pid, signal.SIGKILL)
            await rig.driver.wait_gone(spec.sandbox)
    seen = len(ticker.data)
    await rig.driver.destroy(spec.sandbox)
    async with rig.up(spec) as (_, link):
        assert isinstance(link, TcpLink)
        lost = await status_of(link, "ticker")
        assert (lost.is_running, lost.exit_code) == (False, None)
        assert lost.ends["out"] >= seen
        again = await link.start(spec_of("ticker", "echo", "anew"))
        assert (again.run, again.ends["out"]) == (2, lost.ends["out"])
        data = b"".join(chunk.data for chunk in await read_all(link, "ticker"))
        assert data.startswith(ticker.data)
        assert data.endswith(b"anew\n")


async def test_first_process_reaps_orphans(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        await output(link, "for i in $(seq 20); do (setsid sleep 0.1 &); done")

        async def has_none() -> bool:
            return await output(link, "ps -eo stat,comm | grep -c sleep || true") == "0"

        await eventually(has_none)


async def test_first_process_does_not_end_when_root_ends_every_python(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        await output(link, "pkill -TERM python3; pkill -INT python3")
        assert (await link.health()).processes == 0


async def test_guest_starts_over_whatever_lies_in_its_folder(rig: Rig) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (_, link):
        await link.start(spec_of("kept", "echo", "kept"))
        await output(
            link,
            "cd /var/lib/lot/journal; mkdir odd UPPER; touch file; ln -s /proc loop; echo '[]' > odd/record.json;"
            "touch odd/out.99999999999999999999; mkdir odd/err.00000000000000000000; echo junk > kept/record.json",
        )
    await rig.driver.destroy(spec.sandbox)
    async with rig.up(spec) as (_, link):
        assert {status.name: status.ends["out"] for status in await link.processes()} == {"kept": 5, "odd": 0}


async def test_programs_inherit_the_environment_of_the_sandbox(rig: Rig) -> None:
    async with rig.up(rig.spec(environment={"GREETING": "hello"})) as (_, link):
        assert await output(link, "echo $GREETING; test -f $SSL_CERT_FILE && echo found") == "hello\nfound"


async def test_idle_guest_costs_nothing_while_a_reader_waits(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        assert isinstance(link, TcpLink)
        await link.start(spec_of("quiet", "sleep", "600"))
        async with reading(link, "quiet"):
            before = await guest_ticks(link)
            await anyio.sleep(2)
            assert await guest_ticks(link) - before <= 5  # hundredths of a second, these calls included


async def open_connections(link: GuestLink) -> int:
    return int(await output(link, "grep -c ' 01 ' /proc/net/tcp || true"))


async def guest_ticks(link: GuestLink) -> int:
    return sum(int(number) for number in (await output(link, "cut -d' ' -f14,15 /proc/1/stat")).split())
