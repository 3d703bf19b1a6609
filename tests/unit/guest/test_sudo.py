"""`sudo` through a guest as an ordinary process: it asks PID 1, and PID 1 starts the command on its descriptors."""

import array
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from guest_rig import PATIENCE_S, Guest, GuestProcess, Reader, eventually, reading, status_of

from lot.core.errors import CommandTimedOutError
from lot.guest import wire
from lot.guest.build import build_guest, sudo_script
from lot.guest.sudo_service import MAX_VISITS
from lot.guest.sudo_wire import MAX_REQUEST_BYTES, Inbox, encode
from lot.sandbox.link import CommandResult
from lot.sandbox.tcp_link import TcpLink

pytestmark = pytest.mark.anyio

LOOP = "while :; do sleep 0.05; done"
LIVES_ON = f"trap '' HUP TERM; echo up $$; {LOOP}"
"""A command that only SIGKILL ends."""

WAITS = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("got"), sys.exit(3)))
print("up", os.getpid())
while True:
    signal.pause()
"""
"""Starts no programs, unlike a shell, which waits uninterruptibly while a child that it just made is stopped."""


@dataclass(frozen=True)
class Sudo:
    """A guest, a link to it, and a `sudo` that leads to it; commands run as ourselves, for we may not be root."""

    guest: Guest
    link: TcpLink
    socket: Path

    def script(self, script: str) -> str:
        """Return a script in which `sudo` is ours."""
        program = self.socket.parent.parent / "sudo"
        return f"shopt -s expand_aliases; alias sudo='{program} -u {self.guest.user}'\n{script}"

    async def run(self, script: str, **changes: object) -> CommandResult:
        """Run a script to its end."""
        return await self.link.run(self.guest.command(self.script(script), **changes))

    async def output(self, script: str) -> str:
        """Return what a script prints; it must succeed."""
        result = await self.run(script)
        assert result.exit_code == 0, result
        return result.stdout.decode().strip()

    async def start(self, script: str, pty: tuple[int, int] | None = None) -> str:
        """Start a durable process that runs a script; return its name."""
        spec = self.guest.spec(self.script(script), pty=pty)
        await self.link.start(spec)
        return spec.name

    def connect(self) -> socket.socket:
        """Connect as a stranger."""
        stranger = socket.socket(socket.AF_UNIX)
        stranger.settimeout(PATIENCE_S)
        stranger.connect(str(self.socket))
        return stranger


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    folder = tmp_path_factory.mktemp("guest")
    (folder / "sudo").write_bytes(sudo_script(build_guest(folder), folder / "state"))
    (folder / "sudo").chmod(0o755)
    with GuestProcess(folder).running() as ready:
        yield ready


@pytest.fixture
async def sudo(guest: Guest) -> AsyncIterator[Sudo]:
    async with guest.linked() as link:
        yield Sudo(guest, link, Path(guest.folder) / "state" / "sudo.sock")


async def pid_in(reader: Reader) -> int:
    """Return the process that said `up <pid>`."""
    await reader.until(b"up ")
    await reader.until(b"\n")
    return int(reader.data.split(b"up ")[1].split()[0])


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


async def ended(pid: int) -> None:
    async def has_ended() -> bool:
        return not is_alive(pid)

    await eventually(has_ended)


async def state_is(pid: int, wanted: str) -> None:
    async def holds() -> bool:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in wanted

    await eventually(holds)


async def test_streams_arguments_and_exit_code_pass_through(sudo: Sudo) -> None:
    result = await sudo.run("echo in | sudo sh -c 'cat; echo \"$1\"; echo err >&2; exit 7' sh 'a  b\n\"c'")
    assert (result.exit_code, result.stdout, result.stderr) == (7, b'in\na  b\n"c\n', b"err\n")


async def test_folder_mask_and_variables_are_those_of_sudo(sudo: Sudo) -> None:
    said = await sudo.output("cd /usr/lib; umask 077; X=1 sudo Y=2 sh -c 'pwd; umask; echo \"$X:$Y:$SUDO_UID\"'")
    assert said.split() == ["/usr/lib", "0077", f":2:{os.getuid()}"]


async def test_arguments_and_bytes_that_are_no_text_arrive(sudo: Sudo) -> None:
    said = await sudo.output("sudo printf '%s' $'\\xff\\xfe' | od -An -tx1; sudo sh -c 'echo $#' sh $(seq 100000)")
    assert said.split() == ["ff", "fe", "100000"]


async def test_closed_streams_are_nobodys(sudo: Sudo) -> None:
    assert await sudo.output("sudo sh -c 'echo fine' <&- 2>&-; sudo true >&-") == "fine"


async def test_command_ended_by_a_signal_ends_its_caller_so(sudo: Sudo) -> None:
    result = await sudo.run("sudo sh -c 'kill -KILL $$'; echo $?; sudo sh -c 'kill -TERM $$'; echo $?")
    assert result.stdout.split() == [b"137", b"143"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sudo no-such-program", "sudo: no-such-program: command not found\n"),
        ("sudo -D /no/such/folder true", "sudo: /no/such/folder: no such folder\n"),
        ("sudo /usr", "sudo: cannot run /usr: "),
        ("sudo -u no-such-user true", "sudo: there is no user 'no-such-user'\n"),
        ("sudo --no-such-option", "sudo: the option --no-such-option is not known here\nusage: sudo "),
    ],
)
async def test_refusal_says_what_was_wrong(sudo: Sudo, script: str, said: str) -> None:
    result = await sudo.run(script)
    assert result.exit_code == 1
    assert result.stderr.decode().startswith(said)


async def test_harmless_options_run_nothing(sudo: Sudo) -> None:
    result = await sudo.run("sudo -V && sudo -v && sudo -k && sudo -K && sudo -nv && sudo -l && sudo --help")
    assert (result.exit_code, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"Sudo version ")


async def test_script_without_interpreter_runs_in_a_shell(sudo: Sudo) -> None:
    script = Path(sudo.guest.folder) / "bare"
    script.write_text("echo bare $1\n")
    script.chmod(0o755)
    assert await sudo.output(f"cd {script.parent}; sudo ./bare script") == "bare script"


async def test_signals_of_the_caller_reach_the_command(sudo: Sudo) -> None:
    name = await sudo.start(f"sudo -n {sudo.guest.python} -uc '{WAITS}'")
    async with reading(sudo.link, name) as reader:
        pid = await pid_in(reader)
        client = (await status_of(sudo.link, name)).pid
        os.kill(client, signal.SIGTSTP)
        await state_is(client, "T")
        await state_is(pid, "T")
        os.kill(client, signal.SIGCONT)
        await state_is(pid, "RS")
        os.kill(client, signal.SIGTERM)
        await reader.ended()
    assert b"got\n" in reader.data
    assert (await status_of(sudo.link, name)).exit_code == 3


async def test_command_ends_when_its_caller_dies(sudo: Sudo) -> None:
    name = await sudo.start(f"sudo sh -c 'trap \"echo bye; exit\" HUP TERM; echo up $$; {LOOP}' & sleep 600")
    async with reading(sudo.link, name) as reader:
        pid = await pid_in(reader)
        shell = (await status_of(sudo.link, name)).pid
        os.kill(int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0]), signal.SIGKILL)
        await reader.until(b"bye")
        await ended(pid)
    await sudo.link.stop(name, 0.1)


async def test_background_command_outlives_its_caller_until_stopped(sudo: Sudo) -> None:
    name = await sudo.start("sudo -b sh -c 'echo up $$; exec sleep 600'; sleep 600")
    async with reading(sudo.link, name) as reader:
        pid = await pid_in(reader)
    assert (await sudo.run("true")).exit_code == 0
    assert is_alive(pid)
    await sudo.link.stop(name, 0.1)
    await ended(pid)


async def test_stop_of_the_durable_process_ends_the_command(sudo: Sudo) -> None:
    name = await sudo.start(f'sudo sh -c "{LIVES_ON.replace("$", chr(92) + "$")}"; sleep 600')
    async with reading(sudo.link, name) as reader:
        pid = await pid_in(reader)
        await sudo.link.stop(name, 0.2)
        await ended(pid)


async def test_time_limit_of_a_command_ends_what_runs_under_sudo(sudo: Sudo) -> None:
    file = Path(sudo.guest.folder) / "late"
    with pytest.raises(CommandTimedOutError):
        await sudo.run(f"sudo sh -c 'trap \"\" HUP TERM; echo $$ >{file}; while :; do sleep 0.05; done'", timeout_s=2.0)
    await ended(int(file.read_text()))


async def test_shell_in_a_terminal_has_its_own_job_control(sudo: Sudo) -> None:
    name = await sudo.start("exec bash --norc -i", pty=(24, 80))
    program = sudo.socket.parent.parent / "sudo"
    async with reading(sudo.link, name) as reader:

        async def type_and_see(keys: str, wanted: str) -> None:
            reader.chunks.clear()
            await sudo.link.write(name, keys.encode())
            await reader.until(wanted.encode())

        await type_and_see("PS1='outer''> '\n", "outer> ")
        await type_and_see(f"{program} -u {sudo.guest.user} bash --norc -i\n", "bash")
        await type_and_see("PS1='inner''> '\n", "inner> ")
        await type_and_see("echo si''ze $(stty size </dev/tty)\n", "size 24 80")
        await sudo.link.resize(name, 50, 150)
        await type_and_see("sleep 0.2; stty size\n", "50 150")
        await type_and_see("sh -c 'echo be''gun; exec sleep 600'\n", "begun")
        await type_and_see("\x03", "inner> ")
        await type_and_see("sh -c 'echo be''gun; sleep 601'\n", "begun")
        await type_and_see("\x1a", "Stopped")
        await type_and_see("kill -9 %1; wait; jobs\n", "inner> ")
        await type_and_see("exit 5\n", "outer> ")
        await type_and_see("echo co''de $? $(stty -a | grep -c ' icanon')\n", "code 5 1")
    await sudo.link.stop(name, 0.2)


async def test_pipeline_in_a_terminal_leaves_the_terminal_alone(sudo: Sudo) -> None:
    name = await sudo.start("echo word | sudo tr a-z A-Z; sudo sh -c 'stty size; echo done' | cat", pty=(30, 90))
    async with reading(sudo.link, name) as reader:
        await reader.until(b"30 90\r\ndone")
        assert reader.data.startswith(b"WORD\r\n")


async def test_all_output_of_a_command_in_a_terminal_is_shown(sudo: Sudo) -> None:
    name = await sudo.start("sudo seq 20000; echo en''d", pty=(24, 80))
    async with reading(sudo.link, name) as reader:
        await reader.until(b"end")
    assert reader.data.split()[:20000] == [b"%d" % i for i in range(1, 20001)]


async def test_interrupt_in_a_terminal_ends_the_command_and_not_the_shell(sudo: Sudo) -> None:
    name = await sudo.start(
        f"trap : INT; sudo sh -c 'trap \"exit 9\" INT; echo up; {LOOP}'; echo code $?", pty=(24, 80)
    )
    async with reading(sudo.link, name) as reader:
        await reader.until(b"up")
        await sudo.link.write(name, b"\x03")
        await reader.until(b"code 9")


def request(*argv: str) -> bytes:
    message = {"argv": argv, "environment": {}, "cwd": "/", "user": "root", "umask": 18}
    return encode(message)


def rights(count: int) -> list[tuple[int, int, bytes]]:
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [2] * count).tobytes())]


CREDENTIALS = [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("iII", os.getpid(), os.getuid(), os.getgid()))]


@pytest.mark.parametrize(
    ("data", "ancillary"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", []),
        (wire.PREFIX.pack(MAX_REQUEST_BYTES + 1, 0), []),
        (wire.PREFIX.pack(2, 1) + b"{}", []),
        (wire.PREFIX.pack(2, 0) + b"[]", []),
        (encode({"signal": 9}), CREDENTIALS),
        (request("true"), CREDENTIALS),
        (request("true"), rights(2)),
        (request("true"), rights(40)),
        (request(), [*rights(3), *CREDENTIALS]),
        (request("a\0b"), [*rights(3), *CREDENTIALS]),
        (encode({"argv": ["true"], "environment": {"A": []}, "cwd": "/", "user": 3}), [*rights(3), *CREDENTIALS]),
    ],
)
async def test_stranger_is_refused_and_nobody_else_is_hurt(
    sudo: Sudo, data: bytes, ancillary: list[tuple[int, int, bytes]]
) -> None:
    with sudo.connect() as stranger:
        stranger.sendmsg([data], ancillary)
        inbox = Inbox(1 << 20)
        answers = []
        with suppress(ConnectionResetError):
            while answer := await anyio.to_thread.run_sync(stranger.recv, 4096):
                answers += inbox.add(answer)
    assert [answer.keys() for answer in answers] in ([], [{"error"}])
    assert await sudo.output("sudo echo fine") == "fine"


async def test_many_idle_strangers_are_bounded(sudo: Sudo) -> None:
    strangers = [sudo.connect() for _ in range(MAX_VISITS + 1)]
    try:
        said = await anyio.to_thread.run_sync(strangers[-1].recv, 4096)
        assert b"commands run under sudo already" in said
    finally:
        for stranger in strangers:
            stranger.close()

    async def works() -> bool:
        return (await sudo.run("sudo true")).exit_code == 0

    await eventually(works)
