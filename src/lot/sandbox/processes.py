"""Identity and end of processes of this host that may not be our children."""

import os
from pathlib import Path


def started_at_ticks(pid: int) -> int | None:
    """Return when a live process started, in clock ticks since the host's boot; None when it has ended.

    Together with its id this names a process for good: ids are used again.
    """
    try:
        # After the name, which may hold anything, come the state and the rest. Source: proc(5), /proc/pid/stat.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def open_process(pid: int, started_ticks: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends, or None when it has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if started_at_ticks(pid) == started_ticks:
        return descriptor
    os.close(descriptor)
    return None
