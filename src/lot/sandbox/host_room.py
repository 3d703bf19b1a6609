"""Whether the host has room: refuses what would hurt the sandboxes that run, with the reason."""

import os
from pathlib import Path

from lot.core.errors import HostFullError

FIRST_BOOT_BYTES = 256 << 20
"""What a sandbox and its runtime use soon after boot; limits may be promised to more sandboxes than there is memory."""

_RESTORE_FACTOR = 1.1
"""A resumed sandbox uses a little more than its image holds: the runtime itself comes on top."""

_MIB = 1 << 20


def require_memory(needed_bytes: int, reserve_bytes: int, meminfo: Path = Path("/proc/meminfo")) -> None:
    """Refuse when the host has no `needed_bytes` beyond its reserve.

    Raises:
        HostFullError: with the figures.
    """
    available = available_memory(meminfo)
    if available - reserve_bytes < needed_bytes:
        raise HostFullError(
            f"the sandbox needs {needed_bytes // _MIB} MiB of memory; the host has {available // _MIB} MiB available"
            f" and keeps {reserve_bytes // _MIB} MiB in reserve. Pause a session, or lower LOT_MEMORY_RESERVE_BYTES."
        )


def memory_of_resume(image_bytes: int) -> int:
    """Return the memory to ask for before an image of that size is resumed."""
    return int(image_bytes * _RESTORE_FACTOR) + FIRST_BOOT_BYTES // 4


def require_disk(folder: Path, needed_bytes: int, reserve_bytes: int) -> None:
    """Refuse when the file system of `folder` (which may not exist yet) has no room for `needed_bytes`.

    Raises:
        HostFullError: with the figures.
    """
    free = free_disk(folder)
    if free - reserve_bytes < needed_bytes:
        raise HostFullError(
            f"{needed_bytes // _MIB} MiB of disk are needed in {folder}; {free // _MIB} MiB are free and"
            f" {reserve_bytes // _MIB} MiB are kept in reserve. Free some disk, or lower LOT_DISK_RESERVE_BYTES."
        )


def free_disk(folder: Path) -> int:
    """Return the bytes that are free in the file system of `folder`, which may not exist yet."""
    room = os.statvfs(next(path for path in (folder, *folder.parents) if path.exists()))
    return room.f_bavail * room.f_frsize


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise HostFullError(f"{meminfo} does not say how much memory is available")
