"""Looks for the bytes of secret values in files that sessions share, such as a snapshot's memory image."""

import mmap
from collections.abc import Iterable, Mapping
from pathlib import Path

from lot.core.placeholders import is_secret

_ENCODINGS = ("utf-8", "utf-16-le")
"""Programs keep text as bytes, and some (JavaScript engines among them) as 16-bit units."""


def find_secrets(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the names of those variables whose values are in files below a folder; blocking, and reads all of them."""
    wanted = {
        name: [value.encode(encoding, "surrogatepass") for encoding in _ENCODINGS]
        for name, value in environment.items()
        if is_secret(value)
    }
    found: set[str] = set()
    for file in _files(folder):
        left = {name: forms for name, forms in wanted.items() if name not in found}
        found |= _found_in(file, left) if left else set()
    return sorted(found)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_size)


def _found_in(file: Path, wanted: Mapping[str, list[bytes]]) -> set[str]:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return {name for name, forms in wanted.items() if any(content.find(form) >= 0 for form in forms)}
