"""How much of the host's disk a session takes, by itself and together with others; and all of an installation."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from lot.core.records import Session
from lot.engine.parts import Parts

_BLOCK_BYTES = 512
"""The unit of `st_blocks`, whatever the file system."""


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Bytes that are taken on the disk; holes take none."""

    own_bytes: int
    """Its own layer, and its memory image while it is paused: what its deletion gives back."""
    shared_bytes: int
    """Layers of its snapshot and of forks, which others stand on, too; the base image is not counted."""


async def disk_use(parts: Parts, session: Session) -> DiskUse:
    """Return what a session takes now; looks at every file, so it may take a second."""
    own = [parts.folders.layer(session.upper)]
    # What it starts from is its snapshot's image; what it was paused into is its own.
    snapshot = await parts.store.get_snapshot(session.snapshot_id)
    if session.memory_image is not None and session.memory_image != snapshot.memory_image:
        own.append(parts.folders.image(session.memory_image))
    shared = [parts.folders.layer(layer) for layer in session.layers]
    return DiskUse(await to_thread.run_sync(_taken, own), await to_thread.run_sync(_taken, shared))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDiskUse:
    """Bytes on the disk that an installation's data is on."""

    free_bytes: int
    total_bytes: int
    disks_bytes: int
    """Layers of snapshots and sessions."""
    memory_bytes: int
    """Memory images of paused sessions and of snapshots."""
    repositories_bytes: int
    logs_bytes: int
    database_bytes: int
    """0 where the database is a server's."""
    base_images_bytes: int
    """Shared with other installations on this machine."""


async def host_disk_use(parts: Parts) -> HostDiskUse:
    """Return what an installation takes now; looks at every file, so it may take seconds."""
    data_dir, folders = parts.settings.data_dir, parts.folders
    disk = await to_thread.run_sync(shutil.disk_usage, data_dir)

    async def taken(folder: Path) -> int:
        return await to_thread.run_sync(_taken, [folder])

    return HostDiskUse(
        free_bytes=disk.free,
        total_bytes=disk.total,
        disks_bytes=await taken(folders.layers),
        memory_bytes=await taken(folders.hibernation),
        repositories_bytes=await taken(data_dir / "mirrors"),
        logs_bytes=await taken(data_dir / "logs"),
        database_bytes=sum(file.stat().st_size for file in data_dir.glob("lot.db*")),
        base_images_bytes=await taken(folders.images_dir),
    )


def _taken(folders: Iterable[Path]) -> int:
    return sum(blocks for folder in folders for blocks in _blocks(folder)) * _BLOCK_BYTES


def _blocks(folder: Path) -> Iterator[int]:
    """Yield what each entry below a folder takes; what is removed meanwhile, or was never there, takes nothing."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            yield entry.stat(follow_symlinks=False).st_blocks
        except OSError:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _blocks(Path(entry.path))
