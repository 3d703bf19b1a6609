"""Tells whether files of a running sandbox have changed, by a look at its own layer from the host.

The sandbox does nothing for it. What is in the layer is a stranger's: no link is followed, and a look is bounded.
"""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

MAX_ENTRIES = 20_000
"""What comes after these is not looked at."""
_MAX_DEPTH = 64
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def look_at(upper: Path, folder: str, skipped: Collection[str] = ()) -> bytes:
    """Return what stays the same as long as nothing below a folder of a layer is written, made, moved or removed.

    Blocking. Folders count by what is in them, so that a file which comes and goes changes nothing.

    Args:
        folder: Relative to the layer; nothing there is an answer, too.
        skipped: Folders that are not looked into: paths relative to `folder`. Nor is any `.git`.
    """
    seen = hashlib.blake2b(digest_size=16)
    for count, (path, status) in enumerate(_entries(upper, folder, skipped)):
        if count == MAX_ENTRIES:
            break
        facts: tuple[int, ...] = (status.st_mode, status.st_ino)
        if not stat.S_ISDIR(status.st_mode):
            facts += (status.st_mtime_ns, status.st_size)
        seen.update(os.fsencode(path) + repr(facts).encode())
    return seen.digest()


def _entries(upper: Path, folder: str, skipped: Collection[str]) -> Iterator[tuple[str, os.stat_result]]:
    try:
        descriptor = os.open(upper / folder, _FOLDER)
    except OSError:
        return
    try:
        yield from _below(descriptor, "", skipped, _MAX_DEPTH)
    finally:
        os.close(descriptor)


def _below(descriptor: int, path: str, skipped: Collection[str], depth: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is in an open folder and in those below; what goes away meanwhile is left out."""
    try:
        with os.scandir(descriptor) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        own = f"{path}/{entry.name}" if path else entry.name
        if entry.name == ".git" or own in skipped:
            continue
        try:
            yield own, os.stat(entry.name, dir_fd=descriptor, follow_symlinks=False)
            if depth == 0 or not entry.is_dir(follow_symlinks=False):
                continue
            inner = os.open(entry.name, _FOLDER, dir_fd=descriptor)
        except OSError:
            continue
        try:
            yield from _below(inner, own, skipped, depth - 1)
        finally:
            os.close(inner)
