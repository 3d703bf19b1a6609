"""Finds every process that descends from a program, also when it changed parent and session, and ends them all."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

MARKER = "LOT_PROCESS"
"""Environment variable by which descendants are known after they have left their parent and session."""
KILL_LIMIT_S = 10.0
MAX_DEPTH = 500
STAT_BYTES = 4096
ENVIRON_BYTES = 256 << 10


@dataclass
class Entry:
    """One line of the process table."""

    parent: int
    session: int
    is_zombie: bool


class Tree:
    """The programs that the guest started, by their markers, and who belongs to them now."""

    def __init__(self) -> None:
        self._leaders: dict[int, str] = {}
        self._ended: set[int] = set()

    def lead(self, pid: int, marker: str) -> None:
        """Note that a program was started with this process, the leader of a session of its own."""
        self._leaders[pid] = marker
        self._ended.discard(pid)

    def leader_ended(self, pid: int) -> None:
        """Note that the leader was reaped; its session may live on."""
        self._ended.add(pid)

    def owners(self) -> dict[int, str]:
        """Return the marker of the program to which each living process belongs, if it does to one.

        A child of the guest that leads no program was orphaned: it is known by the session it is still in, or else
        by the marker in its environment. All others belong where their parent does.
        """
        table = _table()
        self._forget_empty_sessions(table)
        return self._owners_in(table)

    def owner_of(self, pid: int) -> str | None:
        """Return the marker of the program to which a process belongs, "" when to none, None when it has ended."""
        table: dict[int, Entry] = {}
        ancestor, entry = pid, _entry(pid)
        while entry is not None and ancestor not in table and ancestor != os.getpid():
            table[ancestor] = entry
            ancestor = entry.parent
            entry = _entry(ancestor)
        if pid not in table or table[pid].is_zombie:
            return None
        return self._owners_in(table).get(pid, "")

    def members(self, marker: str) -> list[int]:
        """Return the living processes of one program."""
        return [pid for pid, owner in self.owners().items() if owner == marker]

    async def end(self, marker: str, grace_s: float) -> None:
        """End every process of a program: SIGTERM, then SIGKILL after `grace_s`; return when none is left."""
        started = time.monotonic()
        nap = 0.01
        if grace_s > 0:
            found = self.members(marker)
            send(signal.SIGTERM, found)
            send(signal.SIGCONT, found)
        while grace_s > 0 and time.monotonic() < started + grace_s:
            await asyncio.sleep(nap)
            if not self.members(marker):
                return
            nap = min(nap * 2, 0.2)
        deadline = time.monotonic() + KILL_LIMIT_S
        while time.monotonic() < deadline:
            found = self.members(marker)
            if not found:
                return
            send(signal.SIGKILL, found)
            await asyncio.sleep(0.01)

    def _owners_in(self, table: dict[int, Entry]) -> dict[int, str]:
        own = os.getpid()
        found: dict[int, str] = {}

        def owner(pid: int, depth: int) -> str:
            if pid in found:
                return found[pid]
            entry = table.get(pid)
            if entry is None or pid == own or depth > MAX_DEPTH:
                return ""
            if pid in self._leaders and pid not in self._ended:
                found[pid] = self._leaders[pid]
            elif entry.parent == own or entry.parent not in table:  # or just orphaned, while we looked
                found[pid] = self._leaders.get(entry.session) or _marker_of(pid)
            else:
                found[pid] = owner(entry.parent, depth + 1) or self._leaders.get(entry.session, "")
            return found[pid]

        return {pid: owner(pid, 0) for pid, entry in table.items() if not entry.is_zombie and owner(pid, 0)}

    def _forget_empty_sessions(self, table: dict[int, Entry]) -> None:
        sessions = {entry.session for entry in table.values()}
        for pid in self._ended - sessions:
            del self._leaders[pid]
        self._ended &= sessions


def send(number: int, pids: list[int]) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def session_of(leader: int) -> list[int]:
    """Return every process of the session that a process leads."""
    return [pid for pid, entry in _table().items() if entry.session == leader]


def _table() -> dict[int, Entry]:
    entries = ((int(name), _entry(int(name))) for name in os.listdir("/proc") if name.isdigit())
    return {pid: entry for pid, entry in entries if entry is not None}


def _entry(pid: int) -> Entry | None:
    line = read_beginning(f"/proc/{pid}/stat", STAT_BYTES)
    fields = line[line.rfind(b")") + 2 :].split(None, 4)
    return Entry(int(fields[1]), int(fields[3]), fields[0] in (b"Z", b"X")) if len(fields) > 4 else None


def _marker_of(pid: int) -> str:
    key = MARKER.encode() + b"="
    for variable in read_beginning(f"/proc/{pid}/environ", ENVIRON_BYTES).split(b"\0"):
        if variable.startswith(key):
            return variable[len(key) :].decode(errors="replace")
    return ""


def read_beginning(path: str, max_bytes: int) -> bytes:
    """Return the beginning of a file of /proc, which comes in one piece; nothing when the process has ended."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(file, max_bytes)
    except OSError:
        return b""
    finally:
        os.close(file)
