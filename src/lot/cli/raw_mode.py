"""A terminal that passes every key on as it is, and is itself again afterwards, whatever happened."""

import fcntl
import os
import struct
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raw_mode(fd: int) -> Iterator[None]:
    """Put a terminal into raw mode for the length of the block."""
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)


def window_size(fd: int) -> tuple[int, int]:
    """Return rows and columns of a terminal; 24 and 80 where it does not say."""
    packed = fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))
    rows, columns, _, _ = struct.unpack("HHHH", packed)
    return min(rows, 1000) or 24, min(columns, 1000) or 80


def write_all(fd: int, data: bytes) -> None:
    """Write everything, however little the terminal takes at a time."""
    while data:
        data = data[os.write(fd, data) :]
