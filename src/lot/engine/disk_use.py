"""How much of the host's disk a session takes: by itself, and together with others."""

import os
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
