"""A server of one's own ends with whoever started it, however that ends."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.sandbox

PATIENCE_MS = 40_000
_HOLD = """
import signal, sys
from pathlib import Path
from lot.client.own_server import own_server

with own_server(Path(sys.argv[1]), "rehearsal") as server:
    print(server.process.pid, flush=True)
    signal.pause()
"""


@contextmanager
def holder(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run a program that holds a server; yield it, and a descriptor that is readable once the server has ended."""
    # Whoever runs the tests may have hangups ignored (nohup) or interrupts (a shell's background), which is inherited.
    command = ["env", "--default-signal=HUP,INT", sys.executable, "-c", _HOLD, str(folder)]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with program:
        assert program.stdout is not None
        server = os.pidfd_open(int(program.stdout.readline()))
        try:
            yield program, server
        finally:
            program.kill()
            os.close(server)


def has_ended(process: int) -> bool:
    """Return whether a process has ended, or does so in good time."""
    watch = select.poll()
    watch.register(process, select.POLLIN)
    return bool(watch.poll(PATIENCE_MS))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_that_ends_the_holder_ends_the_server_first_and_removes_its_data(tmp_path: Path, number: int) -> None:
    with holder(tmp_path) as (program, server):
        program.send_signal(number)
        assert has_ended(server)
        program.wait(PATIENCE_MS / 1000)
        assert program.returncode == (-signal.SIGINT if number == signal.SIGINT else 128 + number)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(120)
def test_server_of_a_killed_holder_stops_in_order(tmp_path: Path) -> None:
    with holder(tmp_path) as (program, server):
        program.kill()
        assert has_ended(server)
    [data_dir] = tmp_path.iterdir()
    assert (data_dir / "server.log").read_text().splitlines()[-1] == "Stopped."
