"""A Lot server of one's own, in a data folder of its own, for the length of a block: for the demo and the benchmark."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lot.client.address import Address, find_token
from lot.client.client import LotClient
from lot.client.errors import ServerUnreachableError
from lot.client.unwinding import unwinding
from lot.core.errors import UnavailableError

FOLDER = Path("/var/tmp")
"""On disk: sandboxes' layers and images do not belong in memory, where /tmp may be."""
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 180.0
"""An orderly stop pauses every session first."""
POLL_S = 0.05
LOG_LINES = 40
_MOUNTS = Path("/proc/self/mountinfo")


@dataclass
class OwnServer:
    """A running `lot up`."""

    address: Address
    data_dir: Path
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> int:
        """Stop it in order and return its exit code; repeatable."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.stdin is not None:
                self.process.stdin.close()

    def last_lines(self) -> str:
        """Return the end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])


@contextmanager
def own_server(folder: Path, provider: str, **settings: str) -> Iterator[OwnServer]:
    """Run a server on a free port of this machine; stop it and remove its data afterwards, also when a signal ends us.

    Killed, we cannot: then the server sees its standard input close, and stops in order by itself.

    Args:
        folder: Where its data folder is made.
        provider: What answers in its sessions.
        settings: Those of `lot.config`, as the environment gives them, in place of this process's own.

    Raises:
        UnavailableError: it did not start, with the end of what it printed.
    """
    data_dir = Path(tempfile.mkdtemp(prefix="lot-", dir=folder))
    port = _free_port()
    chosen = {f"LOT_{name.upper()}": value for name, value in settings.items()}
    log = data_dir / "server.log"
    command = ("up", "--while-stdin", "--port", str(port), "--provider", provider)
    with unwinding(), log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "lot.cli.main", *command],
            env={**os.environ, **chosen, "LOT_DATA_DIR": str(data_dir), "LOT_HOST": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        server = OwnServer(Address(f"http://127.0.0.1:{port}"), data_dir, log, process)
        try:
            _wait_until_up(server)
            server.address = Address(server.address.url, find_token(data_dir))
            yield server
        finally:
            server.stop()
            # What is still mounted below it would be emptied with it.
            if str(data_dir) not in _MOUNTS.read_text():
                shutil.rmtree(data_dir)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_up(server: OwnServer) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    with LotClient(server.address) as client:
        while server.process.poll() is None and time.monotonic() < until:
            try:
                if client.is_healthy():
                    return
            except ServerUnreachableError:
                time.sleep(POLL_S)
    raise UnavailableError(f"The server did not start:\n{server.last_lines()}\nNext step: run `lot doctor`")
