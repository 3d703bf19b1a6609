"""Sandboxes and the world outside: a namespace with public addresses plays the internet."""

import secrets
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest
from sandbox_rig import Rig, output, shell
from sandbox_rig import rig as open_rig

from lot.sandbox import network
from lot.sandbox.link import ProcessSpec

pytestmark = [pytest.mark.sandbox, pytest.mark.anyio]


@dataclass(frozen=True)
class Internet:
    """A host out there that says hello, and goes on ticking, to everyone who connects."""

    address: str
    port: int


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as made:
        yield made


@pytest.fixture
def internet(rig: Rig) -> Iterator[Internet]:
    """Give the host a link to a public address (of a range for documentation) of our own."""
    name = f"net-{secrets.token_hex(4)}"
    third, fourth = secrets.randbelow(256), 4 * secrets.randbelow(63)
    ours, theirs = (f"198.51.{third}.{fourth + n}" for n in (1, 2))
    try:
        for command in (
            f"netns add {name}",
            f"link add {name} type veth peer name eth0 netns {name}",
            f"address add {ours}/30 dev {name}",
            f"link set {name} up",
            f"-n {name} address add {theirs}/30 dev eth0",
            f"-n {name} link set eth0 up",
        ):
            subprocess.run(["ip", *command.split()], check=True)
        server = network.socket_in(name)
        server.bind((theirs, 0))
        server.listen()
        threading.Thread(target=_tick_to_all, args=(server,), daemon=True).start()
        yield Internet(address=theirs, port=server.getsockname()[1])
        server.close()
    finally:
        subprocess.run(["ip", "link", "delete", name], check=False)
        subprocess.run(["ip", "netns", "delete", name], check=False)


def _tick_to_all(server: socket.socket) -> None:
    def tick(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(b"hello\n")
            while True:
                connection.sendall(b"tick\n")
                time.sleep(0.01)

    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=tick, args=(connection,), daemon=True).start()


def _greet(internet: Internet) -> str:
    return f"timeout 5 bash -c 'head -1 < /dev/tcp/{internet.address}/{internet.port}'"


async def test_full_policy_reaches_the_internet_and_none_is_refused_at_once(rig: Rig, internet: Internet) -> None:
    full, none = rig.spec(), rig.spec(egress="none")
    async with rig.up(full) as (_, link), rig.up(none) as (_, closed):
        assert await output(link, _greet(internet)) == "hello"
        refused = await shell(closed, _greet(internet))
        assert refused.exit_code == 1
        assert refused.duration_s < 2.0


async def test_internet_cannot_reach_a_sandbox(rig: Rig, internet: Internet) -> None:
    async with rig.up(rig.spec()) as (running, link):
        await output(link, _greet(internet))
        device = network.run_in(
            running.network,
            lambda: (
                subprocess.run(
                    ["ip", "-4", "-oneline", "address", "show", "uplink"], capture_output=True, text=True
                ).stdout
            ),
        )
        uplink = device.split()[3].split("/")[0]
        with network.socket_in(running.network) as inside:
            inside.bind((uplink, 0))
            inside.listen()
            with socket.socket() as outside:
                outside.settimeout(1.0)
                with pytest.raises(OSError, match="timed out"):
                    outside.connect(inside.getsockname())


async def test_open_outside_connection_does_not_spoil_a_pause_and_loopback_ones_live_on(
    rig: Rig, internet: Internet
) -> None:
    program = f"""
import socket
pair = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(pair.getsockname())
server, _ = pair.accept()
outside = socket.create_connection(("{internet.address}", {internet.port}))
print("connected", flush=True)
try:
    while outside.recv(100):
        pass
    print("ended", flush=True)
except OSError as error:
    print(type(error).__name__, flush=True)
client.sendall(b"loopback lives")
print(server.recv(100).decode(), flush=True)
"""
    spec, image = rig.spec(), rig.image()
    async with rig.up(spec) as (_, link):
        await link.start(
            ProcessSpec(name="talker", argv=("python3", "-c", program), cwd=PurePosixPath("/"), user="root")
        )
        async for chunk in link.attach("talker"):
            assert chunk.data == b"connected\n"
            break
    await rig.driver.pause(spec.sandbox, image)
    await rig.driver.resume(spec, image)
    async with rig.linked(spec) as link:
        said = b"".join([chunk.data async for chunk in link.attach("talker")])
        assert said.splitlines()[0] == b"connected"
        assert said.splitlines()[-1] == b"loopback lives"
        assert await output(link, _greet(internet)) == "hello"


async def test_sandboxes_started_side_by_side_get_links_of_their_own(rig: Rig, internet: Internet) -> None:
    specs = [rig.spec() for _ in range(4)]
    starting = [threading.Thread(target=rig.driver._boot, args=(spec,)) for spec in specs]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    for spec in specs:
        async with rig.linked(spec) as link:
            assert await output(link, _greet(internet)) == "hello"
