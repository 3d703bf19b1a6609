"""Durable processes: programs behind journals, which go on whoever is connected, known by name."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from lot.guest import tree, wire
from lot.guest.journal import Journal
from lot.guest.pump import Feed, Pump
from lot.guest.refusal import Refused
from lot.guest.spawn import Launcher, resize

MAX_NAMES = 1024
REAP_LIMIT_S = 2.0
MAX_ENDED_JOURNALS = 64
"""Of processes that have ended; what the oldest of them wrote is forgotten, its numbers are not."""


class DurableProcess:
    """One name: its journals, which outlive every run, and its present or last run."""

    def __init__(self, folder: str) -> None:
        self.name = os.path.basename(folder)
        self._record = os.path.join(folder, "record.json")
        self.journals = {stream: Journal(folder, stream) for stream in wire.STREAMS}
        self._pumps: dict[str, Pump] = {}
        self._feed: Feed | None = None
        self._terminal: int | None = None
        self.ended = asyncio.Event()
        self.ended.set()
        self.run, self.pid, self.started_at = 0, 0, 0.0
        self.exit_code: int | None = None
        self._recall()

    @property
    def is_running(self) -> bool:
        """Whether the program itself runs; its descendants may outlive it."""
        return not self.ended.is_set()

    def status(self) -> dict[str, Any]:
        """Return what `ProcessStatus` on the host is made from."""
        return {
            "name": self.name,
            "run": self.run,
            "pid": self.pid,
            "is_running": self.is_running,
            "exit_code": self.exit_code,
            "started_at": self.started_at,
            "stdin_offset": self._feed.offset if self._feed else 0,
            "ends": {stream: journal.end for stream, journal in self.journals.items()},
            "starts": {stream: journal.start for stream, journal in self.journals.items()},
        }

    def start(self, spec: dict[str, Any], launcher: Launcher) -> None:
        """Begin a new run; output of descendants of the last one is read no more."""
        terminal = spec["pty"]
        child = launcher.start(
            self.name, spec["argv"], spec["cwd"], spec["environment"], spec["user"], self._has_ended, terminal
        )
        self.pid, self.started_at, self.exit_code = child.pid, time.time(), None
        self.run += 1
        self.ended.clear()
        for pump in self._pumps.values():
            pump.close()
        for journal in self.journals.values():
            journal.configure(spec["journal_bytes"], spec["blocks"])
        self._terminal = child.out if terminal is not None else None
        self._feed = Feed(child.feed)
        self._pumps = {"out": self._pump(child.out, "out")}
        if child.err is not None:
            self._pumps["err"] = self._pump(child.err, "err")
        self._remember()

    def has_written_all(self, stream: str) -> bool:
        """Whether the program has ended and all it wrote is in the journal."""
        pump = self._pumps.get(stream)
        return not self.is_running and (pump is None or pump.is_drained)

    def acknowledge(self, stream: str, offset: int) -> None:
        """Let a blocking journal forget, and its program go on."""
        self.journals[stream].acknowledge(offset)
        if stream in self._pumps:
            self._pumps[stream].poll()

    async def write(self, data: bytes, offset: int | None) -> int:
        """Feed standard input."""
        if self._feed is None or not self.is_running:
            raise Refused("not_found", f"process {self.name!r} does not run")
        return await self._feed.accept(data, offset)

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the terminal; nothing happens when the process has ended."""
        if self._terminal is not None:
            resize(self._terminal, rows, columns)
        elif self.is_running:
            raise Refused("invalid", f"process {self.name!r} has no terminal")

    def _pump(self, file: int, stream: str) -> Pump:
        journal = self.journals[stream]
        return Pump(file, journal, journal.wake, outlives_program=self._terminal is None)

    def _has_ended(self, exit_code: int) -> None:
        self.exit_code = exit_code
        self.ended.set()
        self._terminal = None
        if self._feed:
            self._feed.close()
        for pump in self._pumps.values():
            pump.finish()
        for journal in self.journals.values():
            journal.wake()
        self._remember()

    def _remember(self) -> None:
        record = {"run": self.run, "pid": self.pid, "started_at": self.started_at, "exit_code": self.exit_code}
        try:
            with open(self._record + ".new", "w", encoding="utf-8") as file:
                json.dump(record, file)
            os.replace(self._record + ".new", self._record)
        except OSError as error:
            print(f"guest: cannot note the state of {self.name}: {error}", file=sys.stderr)

    def _recall(self) -> None:
        """Know the last run again after the guest was started anew; how it ended is only known if we saw it."""
        try:
            with open(self._record, encoding="utf-8") as file:
                record = json.load(file)
            last_run, pid, started_at = int(record["run"]), int(record["pid"]), float(record["started_at"])
            exit_code = None if record["exit_code"] is None else int(record["exit_code"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if last_run > 0 and pid > 0 and started_at > 0 and (exit_code is None or -128 <= exit_code <= 255):
            self.run, self.pid, self.started_at, self.exit_code = last_run, pid, started_at, exit_code


class Processes:
    """All durable processes of this sandbox."""

    def __init__(self, state: str, launcher: Launcher) -> None:
        self._folder = os.path.join(state, "journal")
        self._launcher = launcher
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        # Root in the sandbox can put anything there, and the guest must start all the same.
        found = [entry for entry in os.scandir(self._folder) if entry.is_dir(follow_symlinks=False)]
        names = sorted(entry.name for entry in found if re.fullmatch(wire.NAME_PATTERN, entry.name))[:MAX_NAMES]
        self._known = {name: DurableProcess(os.path.join(self._folder, name)) for name in names}

    def __iter__(self) -> Iterator[DurableProcess]:
        return iter(self._known.values())

    def get(self, name: str) -> DurableProcess:
        """Return a process, running or not."""
        if name not in self._known:
            raise Refused("not_found", f"no process is named {name!r}")
        return self._known[name]

    def start(self, spec: dict[str, Any]) -> DurableProcess:
        """Start one, unless one of its name runs."""
        process = self._known.get(spec["name"]) or self._make(spec["name"])
        if not process.is_running:
            self._forget_old_journals()
            process.start(spec, self._launcher)
            self._known[process.name] = process
        return process

    def resize(self, name: str, rows: int, columns: int) -> None:
        """Set the size of a terminal and tell its programs: gVisor does not, and hearing it twice does no harm."""
        self.get(name).resize(rows, columns)
        self.signal(name, signal.SIGWINCH)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a process and its descendants."""
        if self.get(name).is_running:
            tree.send(number, self._launcher.tree.members(name))

    async def stop(self, name: str, grace_s: float) -> DurableProcess:
        """End a process and its descendants, also those that outlived it."""
        process = self.get(name)
        await self._launcher.tree.end(name, grace_s)
        try:
            await asyncio.wait_for(process.ended.wait(), REAP_LIMIT_S)
        except asyncio.TimeoutError:  # noqa: UP041 (another class before Python 3.11)
            raise Refused("unavailable", f"process {name!r} does not end, not even by SIGKILL") from None
        return process

    def _make(self, name: str) -> DurableProcess:
        if len(self._known) >= MAX_NAMES:
            raise Refused("invalid", f"{MAX_NAMES} names of processes are in use")
        folder = os.path.join(self._folder, name)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return DurableProcess(folder)

    def _forget_old_journals(self) -> None:
        ended = sorted((p for p in self if not p.is_running), key=lambda p: p.started_at)
        for process in ended[:-MAX_ENDED_JOURNALS]:
            for journal in process.journals.values():
                journal.forget_all()
