"""What the link to a guest promises, over a guest as an ordinary process and over one as PID 1 of a real sandbox."""

import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path, PurePosixPath

import anyio
import pytest
from guest_rig import Guest, GuestProcess, eventually, guest_in_sandbox, read_all, reading, status_of, wait_ready

from lot.core.errors import (
    CommandTimedOutError,
    InvalidInputError,
    NotFoundError,
    SandboxUnavailableError,
    TooLargeError,
)
from lot.guest import wire
from lot.harness.closing import closing
from lot.sandbox.link import CommandRequest, ListeningPort, ProcessSpec, WhenFull
from lot.sandbox.tcp_link import TcpLink

pytestmark = pytest.mark.anyio

KINDS = ["process", pytest.param("sandbox", marks=pytest.mark.sandbox)]

ESCAPE = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("escaped", os.getpid())
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""
"""Leaves a grandchild in a session of its own whose parent is gone."""

SERVE = """
import socket, sys
server = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print(server.getsockname()[1])
while True:
    connection, _ = server.accept()
    with connection:
        received = b""
        while data := connection.recv(65536):
            received += data
        connection.sendall(b"got %d" % len(received))
"""
"""Answers once the client has closed its half."""


@pytest.fixture(scope="module", params=KINDS)
def guest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    running = (
        GuestProcess(tmp_path_factory.mktemp("guest")).running() if request.param == "process" else guest_in_sandbox()
    )
    with running as ready:
        yield ready


@pytest.fixture
async def link(guest: Guest) -> AsyncIterator[TcpLink]:
    await wait_ready(guest)
    async with guest.linked() as made:
        yield made
        for status in await made.processes():
            if status.is_running:
                await made.stop(status.name, grace_s=0.2)


async def test_health_states_the_protocol_and_the_time(link: TcpLink) -> None:
    health = await link.health()
    assert health.protocol == wire.PROTOCOL
    assert health.memory_available_bytes > 0
    await link.wake()


async def test_command_gives_its_streams_and_exit_code_apart(guest: Guest, link: TcpLink) -> None:
    result = await link.run(guest.command("cat; echo out; echo err >&2; exit 3", stdin=b"in "))
    assert (result.exit_code, result.stdout, result.stderr, result.is_truncated) == (3, b"in out\n", b"err\n", False)


async def test_command_that_a_signal_ended_has_a_negative_exit_code(guest: Guest, link: TcpLink) -> None:
    assert (await link.run(guest.command("kill -KILL $$"))).exit_code == -signal.SIGKILL


async def test_command_runs_as_its_user_with_a_sane_environment(guest: Guest, link: TcpLink) -> None:
    request = guest.command("id -un; echo $USER $LOGNAME $X; echo $HOME; pwd; echo $PATH", environment={"X": "added"})
    user, variables, home, folder, path = (await link.run(request)).stdout.decode().splitlines()
    assert (user, variables) == (guest.user, f"{guest.user} {guest.user} added")
    assert home == folder
    assert "/usr/bin" in path


async def test_output_beyond_the_limit_is_dropped_and_said_so(guest: Guest, link: TcpLink) -> None:
    result = await link.run(guest.command("head -c 3000000 /dev/zero; echo x >&2", max_output_bytes=1000))
    assert (result.stdout, result.stderr, result.is_truncated) == (bytes(1000), b"x\n", True)


async def test_command_does_not_wait_for_what_it_left_in_the_background(guest: Guest, link: TcpLink) -> None:
    result = await link.run(guest.command("sleep 30 & echo done", timeout_s=10))
    assert result.stdout == b"done\n"
    assert result.duration_s < 5


async def test_command_that_takes_too_long_is_killed_with_its_children(guest: Guest, link: TcpLink) -> None:
    mark = f"{600 + secrets.randbelow(100)}.{secrets.randbelow(10**9)}"
    with pytest.raises(CommandTimedOutError, match=r"killed after 0\.5 s"):
        await link.run(guest.command(f"setsid sleep {mark} & sleep {mark}", timeout_s=0.5))
    assert not await _is_alive(guest, link, mark)


async def test_command_whose_caller_goes_away_is_killed(guest: Guest, link: TcpLink) -> None:
    mark = f"{600 + secrets.randbelow(100)}.{secrets.randbelow(10**9)}"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run, guest.command(f"sleep {mark}"))
        await eventually(lambda: _is_alive(guest, link, mark))
        tasks.cancel_scope.cancel()

    async def is_gone() -> bool:
        return not await _is_alive(guest, link, mark)

    await eventually(is_gone)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"argv": ("no-such-program",)}, "no-such-program"),
        ({"user": "nobody-of-that-name"}, "no user"),
        ({"cwd": PurePosixPath("/no/such/folder")}, "/no/such/folder"),
        ({"environment": {"A=B": "x"}}, "environment"),
        ({"argv": ("echo", "\0")}, "argv"),
        ({"max_output_bytes": 1 << 40}, "max_output_bytes"),
    ],
)
async def test_command_that_cannot_start_is_refused(
    guest: Guest, link: TcpLink, changes: dict[str, object], said: str
) -> None:
    values = {"argv": ("true",), "user": guest.user, **changes}
    with pytest.raises(InvalidInputError, match=said):
        await link.run(CommandRequest(**values))  # type: ignore[arg-type]


async def test_process_outlives_its_reader_and_numbers_go_on(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("echo one; read x; echo two; read x; echo three")
    await link.start(spec)
    async with reading(link, spec.name) as first:
        await first.until(b"one\n")
    await link.write(spec.name, b"\n")
    async with guest.linked() as other, reading(other, spec.name, offset=4) as second:
        await second.until(b"two\n")
    await link.write(spec.name, b"\n")
    chunks = await read_all(link, spec.name, offset=4)
    assert chunks[0].offset == 4
    assert b"".join(chunk.data for chunk in chunks) == b"two\nthree\n"
    ended = await status_of(link, spec.name)
    assert (ended.is_running, ended.exit_code, ended.ends["out"]) == (False, 0, 14)


async def test_streams_are_numbered_apart(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("echo out; echo error >&2")
    await link.start(spec)
    assert (await read_all(link, spec.name, "err"))[0].data == b"error\n"
    assert (await read_all(link, spec.name, "out"))[0].data == b"out\n"
    assert (await status_of(link, spec.name)).ends == {"out": 4, "err": 6}


async def test_two_readers_get_the_same(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("read x; seq 20000")
    await link.start(spec)
    async with reading(link, spec.name) as first, reading(link, spec.name) as second:
        await link.write(spec.name, b"\n")
        await first.until(b"\n20000\n")
        await second.until(b"\n20000\n")
    assert first.data == second.data == b"".join(b"%d\n" % i for i in range(1, 20001))


async def test_reading_begins_in_the_middle(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("seq -w 100000")
    await link.start(spec)
    await eventually(lambda: _has_ended(link, spec.name))
    chunks = await read_all(link, spec.name, offset=350_003)
    assert chunks[0].offset == 350_003
    assert b"".join(chunk.data for chunk in chunks).startswith(b"001\n050002\n")


async def test_starting_a_running_process_again_changes_nothing(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("cat")
    first = await link.start(spec)
    assert await link.start(spec) == first


async def test_process_started_again_goes_on_with_its_numbers(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("read x; echo run $x")
    await link.start(spec)
    await link.write(spec.name, b"1\n", offset=0)
    await read_all(link, spec.name)
    again = await link.start(spec)
    assert (again.run, again.stdin_offset, again.ends["out"]) == (2, 0, 6)
    await link.write(spec.name, b"2\n", offset=0)
    assert b"".join(chunk.data for chunk in await read_all(link, spec.name)) == b"run 1\nrun 2\n"


async def test_full_journal_forgets_the_oldest_and_the_first_chunk_tells(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("head -c 1000000 /dev/zero; echo end", journal_bytes=100_000)
    await link.start(spec)
    await eventually(lambda: _has_ended(link, spec.name))
    status = await status_of(link, spec.name)
    chunks = await read_all(link, spec.name, offset=10)
    assert status.ends["out"] == 1_000_004
    assert chunks[0].offset == status.starts["out"] > 10
    kept = b"".join(chunk.data for chunk in chunks)
    assert 80_000 < len(kept) <= 100_000
    assert kept.endswith(b"\0end\n")
    assert status.starts["out"] + len(kept) == status.ends["out"]


async def test_blocking_journal_lets_its_program_wait_for_acknowledgement(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("head -c 5000000 /dev/zero; echo end", journal_bytes=65_536, when_full=WhenFull.BLOCK)
    await link.start(spec)
    await eventually(lambda: _has_written(link, spec.name, 65_536))
    await anyio.sleep(0.1)
    stuck = await status_of(link, spec.name)
    assert (stuck.is_running, stuck.ends["out"], stuck.starts["out"]) == (True, 65_536, 0)
    total = 0
    with anyio.fail_after(30):
        async for chunk in link.attach(spec.name):
            assert chunk.offset == total
            total += len(chunk.data)
            await link.acknowledge(spec.name, "out", total)
    assert total == 5_000_004
    assert (await status_of(link, spec.name)).starts["out"] > 0


async def test_input_that_is_sent_again_arrives_once(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("cat")
    await link.start(spec)
    assert await link.write(spec.name, b"abc\n", offset=0) == 4
    assert await link.write(spec.name, b"abc\n", offset=0) == 4
    assert await link.write(spec.name, b"c\ndef\n", offset=2) == 8
    with pytest.raises(InvalidInputError, match="only 8 bytes"):
        await link.write(spec.name, b"later", offset=9)
    async with reading(link, spec.name) as reader:
        await reader.until(b"def\n")
    assert reader.data == b"abc\ndef\n"
    assert (await status_of(link, spec.name)).stdin_offset == 8


async def test_standard_input_stays_open_while_nobody_is_connected(guest: Guest) -> None:
    spec = guest.spec("cat; echo closed")
    async with guest.linked() as first:
        await first.start(spec)
        await first.write(spec.name, b"a\n")
    async with guest.linked() as second:
        await second.write(spec.name, b"b\n")
        async with reading(second, spec.name) as reader:
            await reader.until(b"a\nb\n")
        assert (await second.stop(spec.name)).ends["out"] == 4


async def test_input_of_a_megabyte_arrives_whole_even_if_the_program_reads_late(guest: Guest, link: TcpLink) -> None:
    message = secrets.token_bytes(1 << 20).hex().encode()[: 1 << 20] + b"\n"
    spec = guest.spec("sleep 0.3; head -n 1 | sha256sum; sleep 600")
    await link.start(spec)
    assert await link.write(spec.name, message, offset=0) == len(message)
    expected = (await link.run(guest.command("sha256sum", stdin=message))).stdout
    async with reading(link, spec.name) as reader:
        await reader.until(expected)


async def test_writing_to_what_does_not_run_is_refused(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("true")
    await link.start(spec)
    await eventually(lambda: _has_ended(link, spec.name))
    for name in (spec.name, "never-was"):
        with pytest.raises(NotFoundError):
            await link.write(name, b"x")
    with pytest.raises(NotFoundError):
        await read_all(link, "never-was")


async def test_terminal_is_interactive_resizes_and_passes_ctrl_c(guest: Guest, link: TcpLink) -> None:
    spec = ProcessSpec(
        name=f"terminal-{secrets.token_hex(3)}",
        argv=("bash", "--norc", "-i"),
        cwd=PurePosixPath("/"),
        user=guest.user,
        pty=(24, 80),
    )
    await link.start(spec)
    async with reading(link, spec.name) as screen:
        await link.write(spec.name, b"tty; echo size: $(stty size); trap 'echo size has chan''ged' WINCH\n")
        await screen.until(b"size: 24 80")
        await link.resize(spec.name, 40, 132)
        await screen.until(b"size has changed")
        await link.write(spec.name, b"echo size: $(stty size)\n")
        await screen.until(b"size: 40 132")
        await link.write(spec.name, b"echo slee''ping; sleep 600\n")
        await screen.until(b"sleeping")
        await anyio.sleep(0.2)  # until the sleep is in the foreground
        await link.write(spec.name, b"\x03")
        await link.write(spec.name, b"echo code $?\n")
        await screen.until(b"code 130")
        await link.write(spec.name, b"exit 7\n")
        await screen.ended()
    assert (await status_of(link, spec.name)).exit_code == 7


async def test_stop_leaves_no_descendant_behind(guest: Guest, link: TcpLink) -> None:
    spec = guest.python_spec(ESCAPE)
    started = await link.start(spec)
    async with reading(link, spec.name) as reader:
        await reader.until(b"escaped")
        await reader.until(b"\n")
    grandchild = int(reader.data.split()[1])
    assert await _exist(guest, link, started.pid, grandchild)
    assert (await link.stop(spec.name)).exit_code == -signal.SIGTERM
    assert not await _exist(guest, link, started.pid)
    assert not await _exist(guest, link, grandchild)


async def test_stop_kills_what_ignores_the_request(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("trap '' TERM; echo ready; while true; do sleep 0.1; done")
    await link.start(spec)
    async with reading(link, spec.name) as reader:
        await reader.until(b"ready")
    assert (await link.stop(spec.name, grace_s=0.3)).exit_code == -signal.SIGKILL


async def test_signal_reaches_descendants_in_other_sessions(guest: Guest, link: TcpLink) -> None:
    child = "trap 'echo child got it; exit' USR1; echo child ready; while true; do sleep 0.05; done"
    spec = guest.spec(f"trap 'echo parent got it' USR1; setsid bash -c \"{child}\" & echo up; wait; wait; sleep 600")
    await link.start(spec)
    async with reading(link, spec.name) as reader:
        await reader.until(b"child ready")
        await link.signal(spec.name, signal.SIGUSR1)
        await reader.until(b"child got it")
        await reader.until(b"parent got it")


async def test_flood_neither_starves_other_calls_nor_fills_memory(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("yes", journal_bytes=1 << 20)
    await link.start(spec)
    await eventually(lambda: _has_written(link, spec.name, 50 << 20))
    with anyio.fail_after(2):
        await link.health()
    async with aclosing(link.attach(spec.name)) as unread:
        async for _ in unread:
            break  # and then a reader that reads nothing more
        end = (await status_of(link, spec.name)).ends["out"]
        await eventually(lambda: _has_written(link, spec.name, end + (50 << 20)))
        status = await status_of(link, spec.name)
        assert status.ends["out"] - status.starts["out"] <= 1 << 20
        memory = await guest.output(link, "cut -d' ' -f2 /proc/$PPID/statm")
        assert int(memory) * 4096 < 64 << 20


async def test_line_of_twenty_megabytes_comes_through(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("head -c 20000000 /dev/zero | tr '\\0' x; echo", journal_bytes=32 << 20)
    await link.start(spec)
    data = b"".join(chunk.data for chunk in await read_all(link, spec.name))
    assert (len(data), data[:2], data[-2:]) == (20_000_001, b"xx", b"x\n")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_dial_finds_the_loopback_address_that_listens(guest: Guest, link: TcpLink, address: str) -> None:
    port, name = await _serve(guest, link, address)
    payload = secrets.token_bytes(3_000_000)
    async with link.dial(port) as stream:
        await stream.send(payload)
        await stream.send_eof()
        assert await stream.receive() == b"got 3000000"
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
    [found] = [one for one in await link.ports() if one.port == port]
    pid = (await status_of(link, name)).pid
    assert found == ListeningPort(
        port=port, address=address, process=name, pid=pid, command=PurePosixPath(guest.python).name
    )


async def test_port_of_a_grandchild_belongs_to_the_durable_process_and_names_its_own_program(
    guest: Guest, link: TcpLink
) -> None:
    titled = SERVE.replace("print(server", "print(os.getpid(), server").replace("import ", "import os, ")
    spec = guest.spec(f"exec -a '/opt/serve it: here' {guest.python} -u -c '{titled}' 127.0.0.1 & wait")
    await link.start(spec)
    async with reading(link, spec.name) as reader:
        await reader.until(b"\n")
    pid, port = (int(word) for word in reader.data.split())
    [found] = [one for one in await link.ports() if one.port == port]
    assert (found.process, found.pid, found.command) == (spec.name, pid, "serve")


async def test_ports_are_followed_as_they_come_and_go(guest: Guest, link: TcpLink) -> None:
    with anyio.fail_after(20):
        async with closing(link.follow_ports()) as changes:
            await anext(changes)
            port, name = await _serve(guest, link, "127.0.0.1")
            while port not in [one.port for one in await anext(changes)]:
                continue
            await link.stop(name)
            while port in [one.port for one in await anext(changes)]:
                continue


async def test_ports_that_stay_as_they_are_are_told_once(guest: Guest, link: TcpLink) -> None:
    names = {(await _serve(guest, link, "127.0.0.1"))[1] for _ in range(4)}
    told = [[one for one in await link.ports() if one.process in names] for _ in range(10)]
    assert len(told[0]) == 4
    assert all(one == told[0] for one in told)


async def test_dial_of_a_silent_port_is_refused(link: TcpLink) -> None:
    with pytest.raises(SandboxUnavailableError, match="refused"):
        async with link.dial(1):
            pass


async def test_file_comes_back_as_it_was_written(guest: Guest, link: TcpLink) -> None:
    path = guest.folder / "a/b" / "file.bin"
    data = secrets.token_bytes(3_000_000)
    await link.write_file(path, b"old", mode=0o600, user=guest.user)
    await link.write_file(path, data, mode=0o640, user=guest.user)
    assert await link.read_file(path) == data
    assert await guest.output(link, f"stat -c '%a %U' {path}") == f"640 {guest.user}"
    assert await guest.output(link, f"stat -c '%U' {path.parent}; ls -A {path.parent}") == f"{guest.user}\nfile.bin"
    with pytest.raises(TooLargeError):
        await link.read_file(path, max_bytes=len(data) - 1)
    await link.remove_file(path)
    await link.remove_file(path)
    with pytest.raises(NotFoundError):
        await link.read_file(path)


async def test_empty_and_largest_files_come_through(guest: Guest, link: TcpLink) -> None:
    path = guest.folder / "sized"
    for data in (b"", bytes(wire.MAX_FILE_BYTES)):
        await link.write_file(path, data, user=guest.user)
        assert await link.read_file(path) == data
    with pytest.raises(TooLargeError):
        await link.write_file(path, bytes(wire.MAX_FILE_BYTES + 1), user=guest.user)
    await link.remove_file(path)


async def test_what_is_no_file_is_refused(guest: Guest, link: TcpLink) -> None:
    await guest.output(link, f"mkfifo {guest.folder}/fifo")
    for path in (guest.folder, guest.folder / "fifo"):
        with pytest.raises(InvalidInputError):
            await link.read_file(path)
    for path in (guest.folder, PurePosixPath("relative")):
        with pytest.raises(InvalidInputError):
            await link.write_file(path, b"x" * 1_000_000, user=guest.user)
    await link.remove_file(guest.folder / "fifo")


@pytest.mark.parametrize(
    "message",
    [
        wire.PREFIX.pack(wire.MAX_HEAD_BYTES + 1, 0) + b"{}",
        wire.PREFIX.pack(2, wire.MAX_FILE_BYTES + 1) + b"{}",
        wire.PREFIX.pack(4, 0) + b"[{]}",
        wire.PREFIX.pack(2, 0) + b"[]",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_malformed_message_ends_its_own_connection_and_no_other(
    guest: Guest, link: TcpLink, message: bytes
) -> None:
    spec = guest.spec("cat")
    await link.start(spec)
    async with reading(link, spec.name) as reader:
        async with await anyio.abc.SocketStream.from_socket(await guest.open_socket()) as bad:
            await bad.send(message)
            with anyio.fail_after(5), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await bad.receive()
        await link.write(spec.name, b"still here\n")
        await reader.until(b"still here\n")


async def test_unknown_version_and_call_are_refused_by_name(guest: Guest) -> None:
    for head, said in (({"v": 99, "call": "health"}, b"protocol 1"), ({"v": 1, "call": "fly"}, b"unknown call")):
        async with await anyio.abc.SocketStream.from_socket(await guest.open_socket()) as stream:
            await stream.send(wire.encode(head))
            assert said in await stream.receive()


async def test_quiesce_drops_every_connection(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("echo kept; sleep 600")
    await link.start(spec)
    port, _ = await _serve(guest, link, "127.0.0.1")
    other = TcpLink(guest.open_socket)
    async with other.dial(port) as stream:
        attached = other.attach(spec.name)
        assert (await anext(attached)).data == b"kept\n"
        await link.quiesce()
        with pytest.raises(SandboxUnavailableError):
            await anext(attached)
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
    assert (await status_of(link, spec.name)).is_running


async def test_closed_link_stays_closed_and_ends_its_readers(guest: Guest, link: TcpLink) -> None:
    spec = guest.spec("echo once; sleep 600")
    await link.start(spec)
    other = TcpLink(guest.open_socket)
    attached = other.attach(spec.name)
    await anext(attached)
    await other.close()
    await other.close()
    with pytest.raises(SandboxUnavailableError):
        await anext(attached)
    with pytest.raises(SandboxUnavailableError, match="closed"):
        await other.health()


async def _is_alive(guest: Guest, link: TcpLink, mark: str) -> bool:
    """Whether a process has `mark` as an argument; the pattern keeps who looks for it from being found."""
    pattern = f"[{mark[0]}]{mark[1:]}"
    found = await link.run(
        guest.command(f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -cx '{pattern}'")
    )
    return int(found.stdout) > 0


async def _exist(guest: Guest, link: TcpLink, *pids: int) -> bool:
    folders = " && ".join(f"test -d /proc/{pid}" for pid in pids)
    return (await link.run(guest.command(folders))).exit_code == 0


async def _has_ended(link: TcpLink, name: str) -> bool:
    return not (await status_of(link, name)).is_running


async def _has_written(link: TcpLink, name: str, count: int) -> bool:
    return (await status_of(link, name)).ends["out"] >= count


async def _serve(guest: Guest, link: TcpLink, address: str) -> tuple[int, str]:
    spec = guest.python_spec(SERVE)
    await link.start(ProcessSpec(name=spec.name, argv=(*spec.argv, address), cwd=PurePosixPath("/"), user=guest.user))
    async with reading(link, spec.name) as reader:
        await reader.until(b"\n")
    return int(reader.data), spec.name


async def test_numbers_go_on_when_the_guest_is_started_anew(tmp_path: Path) -> None:
    process = GuestProcess(tmp_path)
    with process.running() as guest:
        spec = guest.spec("echo first; exec sleep 600")
        async with guest.linked() as link:
            await link.start(spec)
            async with reading(link, spec.name) as reader:
                await reader.until(b"first\n")
    with process.running() as guest:
        async with guest.linked() as link:
            lost = await status_of(link, spec.name)
            assert (lost.is_running, lost.run, lost.ends["out"]) == (False, 1, 6)
            again = await link.start(guest.spec("echo second", name=spec.name))
            assert again.run == 2
            assert b"".join(chunk.data for chunk in await read_all(link, spec.name)) == b"first\nsecond\n"


async def test_numbers_that_the_host_has_seen_are_never_given_again(tmp_path: Path) -> None:
    with GuestProcess(tmp_path).running() as guest:
        spec = guest.spec("read x; echo new")
        async with guest.linked() as link:
            await link.start(spec)
            async with reading(link, spec.name, offset=1000) as reader:  # a disk that lost its tail has only 0 bytes
                await eventually(lambda: _has_written(link, spec.name, 1000))
                await link.write(spec.name, b"\n")
                await reader.until(b"new\n")
    assert reader.chunks[0].offset == 1000


async def test_only_the_peer_may_connect(tmp_path: Path) -> None:
    process = GuestProcess(tmp_path)
    with process.running():
        with pytest.raises((OSError, anyio.EndOfStream, anyio.BrokenResourceError)):
            await _first_bytes("127.0.0.2", process.port)
        assert b"protocol" in await _first_bytes("127.0.0.1", process.port)


async def _first_bytes(local_host: str, port: int) -> bytes:
    async with await anyio.connect_tcp("127.0.0.1", port, local_host=local_host) as stream:
        await stream.send(wire.encode({"v": wire.PROTOCOL, "call": "health"}))
        return await stream.receive()


async def test_files_are_followed_as_they_grow_with_who_writes_them(guest: Guest, link: TcpLink) -> None:
    folder = guest.folder / f"follow-{secrets.token_hex(4)}"
    script = (
        f"mkdir -p {folder}/tasks && exec > {folder}/tasks/a.output; echo one; "
        f"until test -e {folder}/go; do sleep 0.05; done; echo two; :"
    )
    await link.start(guest.spec(script))
    found = []
    pattern = folder.parent / f"{folder.name[:-1]}?/tasks/*.output"
    with anyio.fail_after(20):
        async with closing(link.follow_files(pattern, max_age_s=60.0, max_bytes=7)) as growths:
            async for growth in growths:
                found.append(growth)
                if len(found) == 2:
                    break
                await link.write_file(folder / "go", b"", user=guest.user)
    assert [(one.name, one.offset, one.data) for one in found] == [("a.output", 0, b"one\n"), ("a.output", 4, b"two")]
    assert "echo one" in found[0].writer
    assert found[1].writer == ""
