"""Files that grow, such as the output of commands that run: what is new in them, and whose they are."""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass

from lot.guest import wire

POLL_S, RESTING_POLL_S, REST_AFTER_S = 0.4, 1.0, 10.0
"""Between two looks, which cost 5 ms each in gVisor, to wake up most of all; longer when nothing came for a while."""
MAX_FILES = 64
"""The newest of a folder; others are not looked at."""
MAX_WRITER_BYTES = 4096


@dataclass(frozen=True)
class Growth:
    """New bytes of one file."""

    name: str
    offset: int
    data: bytes
    writer: str
    """The command line of a process whose standard output the file is; said once, "" when none was found."""


class GrowingFiles:
    """The files of one folder that match a pattern, each up to `max_bytes`, unless they were last written before."""

    def __init__(self, pattern: str, newer_than: float, max_bytes: int) -> None:
        """`pattern` may have wildcards in folders too; the first folder that is found is looked into from then on."""
        self._folder, self._names = os.path.split(pattern)
        self._newer_than, self._max_bytes = newer_than, max_bytes
        self._found: str | None = None
        self._read: dict[str, int] = {}

    def news(self) -> Iterator[Growth]:
        """Yield what has come since the last look."""
        for name, size in self._listed():
            begin = self._read.get(name, 0)
            end = min(size, self._max_bytes)
            if end > begin:
                path = f"{self._found}/{name}"
                writer = "" if name in self._read else _writer(path)
                data = _stretch(path, begin, min(end - begin, wire.MAX_CHUNK_BYTES))
                self._read[name] = begin + len(data)
                if data:
                    yield Growth(name, begin, data, writer)

    def _listed(self) -> list[tuple[str, int]]:
        """Return name and size of the files worth a look."""
        if self._found is None:
            self._found = next(iter(glob.glob(self._folder)), None)
        if self._found is None:
            return []
        listed = []
        try:
            with os.scandir(self._found) as entries:
                for entry in entries:
                    if fnmatch.fnmatchcase(entry.name, self._names):
                        listed.append((entry.name, entry.stat(follow_symlinks=False)))
        except OSError:
            self._found = None  # looked for again
        newest = sorted(listed, key=lambda one: one[1].st_mtime, reverse=True)[:MAX_FILES]
        return [
            (name, status.st_size)
            for name, status in newest
            if stat.S_ISREG(status.st_mode) and (name in self._read or status.st_mtime >= self._newer_than)
        ]


def newer_than(age_s: float) -> float:
    """Return the time that lies so far back, as files have it."""
    return time.time() - age_s


def _stretch(path: str, begin: int, length: int) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""  # gone meanwhile
    try:
        return os.pread(file, length, begin)
    except OSError:
        return b""
    finally:
        os.close(file)


def _writer(path: str) -> str:
    """Return the command line of the oldest process that has the file as standard output: a shell's own."""
    pids = sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return next((_command_line(pid) for pid in pids if _writes(pid, path)), "")


def _writes(pid: int, path: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/fd/1") == path
    except OSError:
        return False


def _command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(MAX_WRITER_BYTES).replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""
