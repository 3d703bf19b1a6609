"""A terminal of its own for a command under our `sudo`, joined to the caller's.

A command can only control a terminal (job control, Ctrl-C, /dev/tty) from within the session that the terminal belongs
to, and PID 1 cannot start it in the caller's. So it gets a new one, and we carry the bytes, as the real sudo does.
"""

from __future__ import annotations

import fcntl
import os
import select
import termios
import tty
from contextlib import suppress

MAX_PENDING_BYTES = 64 << 10
"""Typed but not yet read by the command; after that we leave it in the caller's terminal."""
READ_BYTES = 64 << 10
_LAST_WORDS_MS = 50
"""After the command's end its output may still be on its way, and somebody else may hold the terminal open."""


def is_interactive() -> bool:
    """Return whether our input and output are the terminal that we control now.

    Not so in a pipeline or in the background, where the command gets our descriptors as they are.
    """
    with suppress(OSError):
        return os.isatty(0) and os.isatty(1) and os.tcgetpgrp(0) == os.getpgrp()
    return False


class Terminal:
    """The caller's terminal on descriptors 0 and 1, and a new one like it for the command."""

    def __init__(self) -> None:
        self._settings = termios.tcgetattr(0)
        self.master, self.slave = os.openpty()
        termios.tcsetattr(self.slave, termios.TCSANOW, self._settings)
        self.copy_size()
        os.set_blocking(self.master, False)
        self._pending = b""
        self._is_open = True

    def copy_size(self) -> None:
        """Give the command's terminal the size of the caller's."""
        with suppress(OSError):
            size = fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8))
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def take(self) -> None:
        """Let every key reach the command's terminal, which gives Ctrl-C and the like their meaning."""
        with suppress(termios.error):
            tty.setraw(0, termios.TCSADRAIN)
            settings = termios.tcgetattr(0)
            # gVisor sends the signal of a control character also to who wants none; without the character it cannot.
            characters = [b"\0"] * len(settings[6])
            characters[termios.VMIN] = b"\1"
            termios.tcsetattr(0, termios.TCSADRAIN, [*settings[:6], characters])

    def give_back(self) -> None:
        """Set the caller's terminal as it was."""
        with suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, self._settings)

    def register(self, poll: select.poll) -> None:
        """Say what to wait for now."""
        files = {0: select.POLLIN if len(self._pending) < MAX_PENDING_BYTES else 0}
        files[self.master] = select.POLLIN | (select.POLLOUT if self._pending else 0)
        for file, events in files.items():
            with suppress(KeyError):
                poll.unregister(file)
            if events and (self._is_open or file == self.master):
                poll.register(file, events)

    def carry(self, file: int) -> bool:
        """Carry what can be carried now that `file` is ready; return False when the caller's terminal has gone."""
        if file == 0 and not self._read_keys():
            self._is_open = False
            return False
        self._write_keys()
        self._show()
        return True

    def finish(self) -> None:
        """Show what the command wrote last."""
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        while poll.poll(_LAST_WORDS_MS) and self._show():
            pass

    def _read_keys(self) -> bool:
        with suppress(OSError):
            data = os.read(0, READ_BYTES)
            self._pending += data
            return bool(data)
        return False

    def _write_keys(self) -> None:
        with suppress(BlockingIOError, OSError):
            while self._pending:
                self._pending = self._pending[os.write(self.master, self._pending) :]

    def _show(self) -> bool:
        """Carry one piece of output; return False when there was none."""
        try:
            data = os.read(self.master, READ_BYTES)
            view = memoryview(data)
            while view:
                view = view[os.write(1, view) :]
        except OSError:  # EIO: nobody holds the command's terminal any more
            return False
        return bool(data)
