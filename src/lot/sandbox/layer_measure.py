"""What a layer holds: how much it is, and a hash by which a change of it is noticed. Blocking; reads every byte."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import xxhash

from lot.core.records import LayerMeasure

_CHUNK_BYTES = 1 << 20


def measure_layer(folder: Path) -> LayerMeasure:
    """Return what a layer holds; files that are hard links of each other count each."""
    digest, total, files = xxhash.xxh3_128(), 0, 0
    for path in _entries(folder):
        found = path.lstat()
        digest.update(f"{path.relative_to(folder)}\0{found.st_mode:o}\0{found.st_rdev}\0".encode("utf-8", "replace"))
        if stat.S_ISLNK(found.st_mode):
            digest.update(os.fsencode(os.readlink(path)))
        elif stat.S_ISREG(found.st_mode):
            files, total = files + 1, total + found.st_size
            _read_into(path, digest)
    return LayerMeasure(total, files, digest.hexdigest())


def _entries(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder in one order on every machine, without following links."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))


def _read_into(path: Path, digest: xxhash.xxh3_128) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            digest.update(chunk)
    finally:
        os.close(descriptor)
