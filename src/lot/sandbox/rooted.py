"""Finds files in the tree of a stranger's image as the image's own programs would, never outside of it.

For trees that nobody else changes meanwhile.
"""

import os
import stat
from pathlib import Path

_MAX_LINKS = 40
"""As in the kernel: a chain that is longer is a loop."""


def resolve(root: Path, path: str) -> Path | None:
    """Return where `path` leads below `root`, links followed as if `root` were /; None when there is nothing."""
    pending = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    found: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            del found[-1:]
            continue
        here = root.joinpath(*found, part)
        try:
            status = os.lstat(here)
        except OSError:
            return None
        if not stat.S_ISLNK(status.st_mode):
            found.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            return None
        target = os.readlink(here)
        if target.startswith("/"):
            found.clear()
        pending += [step for step in reversed(target.split("/")) if step not in ("", ".")]
    return root.joinpath(*found)


def read_text(root: Path, path: str, max_bytes: int = 1 << 20) -> str:
    """Return the beginning of a text file; nothing when there is no such regular file."""
    found = resolve(root, path)
    if found is None or not found.is_file():
        return ""
    with found.open("rb") as file:
        return file.read(max_bytes).decode(errors="surrogateescape")


def is_program(root: Path, path: str) -> bool:
    """Return whether there is a file that can be run."""
    found = resolve(root, path)
    return found is not None and found.is_file() and bool(found.stat().st_mode & 0o111)
