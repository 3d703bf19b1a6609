"""One process of this host, told apart from a later one of the same number by its start time."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import anyio

from lot.sandbox.processes import open_process, started_at_ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process for good: numbers are used again, pairs of number and start time are not."""

    pid: int
    started_ticks: int
    """Clock ticks from the host's boot to the process's start."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the live process that has this number now, or None."""
        started = started_at_ticks(pid)
        return None if started is None else cls(pid=pid, started_ticks=started)

    def as_json(self) -> dict[str, int]:
        """Return it as a JSON object; `ProcessId(**value)` reads it."""
        return asdict(self)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return not self.ends_within(0.0)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal; nothing happens when it is gone."""
        with self._pidfd() as pidfd:
            _send(pidfd, number)

    def ends_within(self, timeout_s: float) -> bool:
        """Return whether it has ended within the time; blocks."""
        with self._pidfd() as pidfd:
            return pidfd is None or _has_ended(pidfd, timeout_s)

    async def wait_ended(self) -> None:
        """Return once it has ended."""
        with self._pidfd() as pidfd:
            if pidfd is not None:
                await anyio.wait_readable(pidfd)

    @contextmanager
    def _pidfd(self) -> Iterator[int | None]:
        pidfd = open_process(self.pid, self.started_ticks)
        try:
            yield pidfd
        finally:
            if pidfd is not None:
                os.close(pidfd)


def name_process(name: str) -> None:
    """Name this process as `ps -o comm` and `top` show it; at most 15 characters. A fork shares its command line."""
    Path("/proc/self/comm").write_text(name)


def _send(pidfd: int | None, number: signal.Signals) -> None:
    if pidfd is not None:
        try:
            signal.pidfd_send_signal(pidfd, number)
        except ProcessLookupError:
            return


def _has_ended(pidfd: int, timeout_s: float) -> bool:
    return bool(select.select([pidfd], [], [], timeout_s)[0])
