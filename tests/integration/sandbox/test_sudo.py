"""`sudo` in a real sandbox, whose runtime gives setuid programs no privilege."""

from collections.abc import AsyncIterator
from pathlib import PurePosixPath

import pytest
from guest_rig import eventually, reading, status_of
from sandbox_rig import Rig, output
from sandbox_rig import rig as open_rig

from lot.core.errors import ImageDamagedError
from lot.sandbox import bundle
from lot.sandbox.link import CommandRequest, CommandResult, GuestLink, ProcessSpec
from lot.sandbox.tcp_link import TcpLink

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio]

STUBBORN = "trap '' HUP TERM; echo up; n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as made:
        yield made


async def as_lot(link: GuestLink, script: str, timeout_s: float = 60.0) -> CommandResult:
    """Run a script as the agent does."""
    return await link.run(CommandRequest(argv=("bash", "-c", script), timeout_s=timeout_s))


async def said(link: GuestLink, script: str) -> list[str]:
    """Return the words that a script prints; it must succeed."""
    result = await as_lot(link, script)
    assert result.exit_code == 0, result
    return result.stdout.decode().split()


def spec_of(name: str, *argv: str, pty: tuple[int, int] | None = None) -> ProcessSpec:
    return ProcessSpec(name=name, argv=argv, cwd=PurePosixPath("/"), pty=pty)


async def test_commands_run_as_root_or_another_user_from_every_kind_of_shell(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        assert await said(link, "id -u; sudo id -u; sudo -u nobody id -un") == ["1000", "0", "nobody"]
        assert await said(link, "bash -lc 'sudo id -u'; sh -lc 'sudo id -u'") == ["0", "0"]
        assert await said(link, "sudo -i pwd; sudo sudo id -u; sudo -u lot sudo id -u") == ["/root", "0", "0"]
        assert await said(link, "PATH=/usr/bin:/bin; sudo -n true 2>/dev/null || echo theirs") == ["theirs"]
        path = CommandRequest(argv=("bash", "-c", "sudo id -u"), environment={"PATH": "/usr/bin:/bin"})
        assert (await link.run(path)).stdout == b"0\n"
        piped = await as_lot(link, "echo in | sudo tee /root/file | sudo cat; sudo sh -c 'cat /root/file; exit 7'")
        assert (piped.exit_code, piped.stdout) == (7, b"in\nin\n")
        assert await said(link, "sudo sh -c 'echo $SSL_CERT_FILE $HOME $SUDO_USER'") == [
            str(bundle.CA_BUNDLE),
            "/root",
            "lot",
        ]
        refused = await as_lot(link, "echo x > /usr/local/bin/sudo || sudo rm /usr/local/bin/sudo")
        assert refused.exit_code != 0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_package_is_installed(rig: Rig) -> None:
    async with rig.up(rig.spec(egress="full")) as (_, link):
        install = "sudo apt-get update && sudo apt-get install -y --no-install-recommends hello && hello"
        result = await as_lot(link, install, timeout_s=240.0)
        assert result.exit_code == 0, result
        assert result.stdout.endswith(b"Hello, world!\n")


async def test_root_shell_in_a_terminal_has_job_control_and_takes_interrupts(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        assert isinstance(link, TcpLink)
        await link.start(spec_of("terminal", "bash", "--norc", pty=(24, 80)))
        async with reading(link, "terminal") as terminal:

            async def type_and_see(keys: str, wanted: str) -> None:
                terminal.chunks.clear()
                await link.write("terminal", keys.encode())
                await terminal.until(wanted.encode())

            await type_and_see("PS1='outer''> '\n", "outer> ")
            await type_and_see("sudo -s\n", "root@")
            await type_and_see("echo us''er $(id -u) $(stty size)\n", "user 0 24 80")
            await link.resize("terminal", 50, 150)
            await type_and_see("sleep 0.5; echo si''ze $(stty size)\n", "size 50 150")
            await type_and_see("sh -c 'echo be''gun; sleep 600'\n", "begun")
            await type_and_see("\x03", "root@")
            await type_and_see("echo st''ill $(id -u)\n", "still 0")
            await type_and_see("sh -c 'echo a''gain; sleep 601'\n", "again")
            await type_and_see("\x1a", "Stopped")
            await type_and_see("kill -9 %1; wait; jobs\n", "root@")
            await type_and_see("exit 5\n", "outer> ")
            await type_and_see("echo co''de $? $(id -u)\n", "code 5 1000")
            await type_and_see("sudo sh -c 'echo lo''ng; sleep 602'\n", "long")
            await type_and_see("\x03", "outer> ")
            await type_and_see("echo en''ded $?\n", "ended 130")


async def test_stop_ends_what_runs_under_sudo(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        assert isinstance(link, TcpLink)
        await link.start(spec_of("dev", "sudo", "bash", "-c", STUBBORN))
        async with reading(link, "dev") as dev:
            await dev.until(b"up")
        await link.stop("dev", 0.3)
        assert await output(link, "pgrep -fc '[t]rap' || true") == "0"


async def test_command_ends_with_the_sudo_that_asked_for_it(rig: Rig) -> None:
    async with rig.up(rig.spec()) as (_, link):
        assert isinstance(link, TcpLink)
        await link.start(spec_of("dev", "bash", "-c", "sudo sleep 603; sleep 604"))

        async def runs() -> bool:
            return await output(link, "pgrep -fc '^sleep 603' || true") == "1"

        async def has_ended() -> bool:
            return not await runs()

        await eventually(runs)
        await output(link, "pkill -KILL -f 'main.*[s]udo.sock'")
        await eventually(has_ended)


async def test_commands_under_sudo_go_on_after_hibernation(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    async with rig.up(spec) as (_, link):
        assert isinstance(link, TcpLink)
        await link.start(spec_of("piped", "sudo", "bash", "-c", STUBBORN))
        await link.start(spec_of("terminal", "bash", "--norc", pty=(24, 80)))
        await link.write("terminal", b"PS1='outer''> '\nsudo bash --norc\nkept=memory\n")
        await link.write("terminal", b"echo be''fore $(id -u) $kept\n")
        async with reading(link, "piped") as piped, reading(link, "terminal") as terminal:
            await piped.until(b"tick 5\n")
            await terminal.until(b"before 0 memory")
        await link.quiesce()
    await rig.driver.pause(spec.sandbox, image)
    await rig.driver.resume(spec, image)
    async with rig.linked(spec) as link:
        assert isinstance(link, TcpLink)
        await link.wake()
        seen = (await status_of(link, "piped")).ends["out"]
        async with reading(link, "piped", offset=seen) as piped, reading(link, "terminal") as terminal:
            await piped.until(b"tick")
            await link.write("terminal", b"echo af''ter $(id -u) $kept\n")
            await terminal.until(b"after 0 memory")
            terminal.chunks.clear()
            await link.write("terminal", b"exit 3\n")
            await terminal.until(b"outer> ")
            await link.write("terminal", b"echo co''de $? $(id -u)\n")
            await terminal.until(b"code 3 1000")
        await link.stop("piped", 0.2)
        assert await said(link, "sudo id -u; pgrep -fc '[t]rap' || true") == ["0", "0"]


async def test_image_without_a_sudo_of_its_own_boots_and_has_ours(rig: Rig) -> None:
    spec = rig.spec()
    async with rig.up(spec) as (_, link):
        await output(link, "rm /usr/bin/sudo && ! /usr/bin/sudo true 2>/dev/null")
    await rig.driver.destroy(spec.sandbox)
    async with rig.up(spec) as (_, link):
        assert await said(link, "sudo id -u; bash -lc 'sudo id -u'") == ["0", "0"]


async def test_memory_saved_before_there_was_our_sudo_is_refused_and_the_disk_boots(rig: Rig) -> None:
    spec, image = rig.spec(), rig.image()
    await rig.driver.boot(spec)
    async with rig.linked(spec) as link:
        await output(link, "echo kept > /root/file")
        assert isinstance(link, TcpLink)
        await link.quiesce()
    await rig.driver.pause(spec.sandbox, image)
    (image / "files" / "sudo").unlink()
    with pytest.raises(ImageDamagedError):
        await rig.driver.resume(spec, image)
    async with rig.up(spec) as (_, link):
        assert await said(link, "sudo cat /root/file") == ["kept"]
