"""Lets one process at a time do a thing on this machine, such as building an image. A dead one's lock is free."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(lock: Path) -> Iterator[int]:
    """Hold `lock` (a file, made when missing) for the length of the block; waits while another process holds it.

    Yields a file descriptor: a child that inherits it holds the lock too, until both have ended.
    """
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
