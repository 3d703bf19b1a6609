"""`lot session terminal` on a real pseudo-terminal."""

import contextlib
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import pytest
from mock_lot import MockLot

from lot.cli.raw_mode import raw_mode
from lot.client.address import Address

LIMIT_S = 20.0


class Screen:
    """A pseudo-terminal with `lot session terminal` on it, seen from its user's side."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid, self.fd, self.text = pid, fd, b""

    def until(self, wanted: bytes) -> None:
        """Read until `wanted` was printed."""
        until = time.monotonic() + LIMIT_S
        while wanted not in self.text:
            readable, _, _ = select.select([self.fd], [], [], max(0.0, until - time.monotonic()))
            assert readable, self.text
            self.text += os.read(self.fd, 65_536)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.fd, keys)

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size."""
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def end(self) -> int:
        """Return the exit code, once it has ended."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            readable, _, _ = select.select([self.fd], [], [], 0.05)
            if readable:
                # Linux reports the end of a pseudo-terminal as an error.
                try:
                    self.text += os.read(self.fd, 65_536)
                except OSError:
                    break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@contextmanager
def terminal(address: Address, *arguments: str) -> Iterator[Screen]:
    """Run `lot session terminal` on a pseudo-terminal of its own."""
    environment = os.environ | {
        "LOT_URL": address.url,
        "LOT_API_TOKEN": address.token or "",
        "PYTHONPATH": str(Path(__file__).parents[3] / "src"),
    }
    pid, fd = pty.fork()
    if pid == 0:
        command = [sys.executable, "-m", "lot.cli.main", "session", "terminal", "last", *arguments]
        os.execvpe(sys.executable, command, environment)
    try:
        yield Screen(pid, fd)
    finally:
        os.close(fd)


def is_cooked(fd: int) -> bool:
    return bool(termios.tcgetattr(fd)[3] & termios.ICANON)


# The child of a fork in a process with threads (the mock's) only ever calls exec.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def test_keys_reach_the_shell_and_its_output_the_screen(mock: MockLot, address: Address):
    mock.add_session()
    with terminal(address) as screen:
        screen.until(b"$ ")
        screen.type(b"echo \x03 well")
        screen.until(b"well")
        assert b"\x03" in mock.shell_input
        screen.type(b"\x04")
        assert screen.end() == 0


def test_size_is_told_at_the_start_and_at_every_change(mock: MockLot, address: Address):
    mock.add_session()
    with terminal(address) as screen:
        screen.until(b"$ ")
        screen.resize(50, 132)
        screen.type(b"x")
        screen.until(b"x")
        while '{"rows": 50, "columns": 132}' not in mock.sizes:
            time.sleep(0.01)
        screen.type(b"\x04")
        assert screen.end() == 0


def test_detaching_leaves_the_shell_running_and_says_how_to_come_back(mock: MockLot, address: Address):
    mock.add_session()
    with terminal(address) as screen:
        screen.until(b"$ ")
        screen.type(b"\x1d")
        screen.until(b"--attach terminal-1")
        assert is_cooked(screen.fd)
        assert screen.end() == 0
    assert mock.shell_runs
    with terminal(address, "--attach", "terminal-1") as screen:
        screen.until(b"$ ")
        screen.type(b"\x04")
        assert screen.end() == 0


def test_a_paused_session_is_resumed_first_and_the_user_is_told(mock: MockLot, address: Address):
    mock.add_session(sandbox="paused", label="Paused")
    with terminal(address) as screen:
        screen.until(b"resuming it")
        screen.until(b"$ ")
        screen.type(b"\x04")
        assert screen.end() == 0


def test_without_a_terminal_it_is_a_usage_error(lot, mock: MockLot):
    mock.add_session()
    result = lot("session", "terminal", "last")
    assert result.exit_code == 2


def test_the_terminal_is_restored_whatever_happens():
    parent, child = pty.openpty()
    try:
        with contextlib.suppress(RuntimeError), raw_mode(child):
            assert not is_cooked(child)
            raise RuntimeError("in the middle")
        assert is_cooked(child)
    finally:
        os.close(parent)
        os.close(child)
