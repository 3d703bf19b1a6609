"""Hibernation images on disk: written completely before they get their name, verified before they are used.

An image is a folder: `memory/` as the runtime wrote it, `files/` that the sandbox saw, and `manifest.json`, which
names both with sizes and hashes, and all that a host must have in common with the one that saved it.
"""

import ctypes
import json
import os
import platform
import select
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import xxhash

from lot.core.errors import ImageDamagedError
from lot.sandbox.driver import HibernationImage
from lot.sandbox.layers import sync_disk, sync_folder

MANIFEST = "manifest.json"
MEMORY = "memory"
FILES = "files"
_FORMAT = 1
_CHUNK_BYTES = 4 << 20
_READERS = 2
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_SYNC_FILE_RANGE_WRITE = 2
_WRITE_BEHIND_EVERY_S = 0.02
_libc = ctypes.CDLL(None, use_errno=True)


def write_behind(folder: Path, writer: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    """Have what `writer` writes into `folder` go to disk all the while, until it ends.

    Raises:
        TimeoutError: it did not end in time.
    """
    give_up_at = time.monotonic() + timeout_s
    begun: dict[Path, int] = {}
    ended = os.pidfd_open(writer.pid)
    try:
        while writer.poll() is None:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the memory was not written within {timeout_s:.0f} s")
            for file in _files_in(folder):
                begun[file] = _begin_write_back(file, begun.get(file, 0))
            select.select([ended], [], [], _WRITE_BEHIND_EVERY_S)
    finally:
        os.close(ended)


def _begin_write_back(file: Path, start: int) -> int:
    """Let the disk begin with what a file got since `start`; return where to go on."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        end = os.fstat(descriptor).st_size
        if end > start:
            _libc.sync_file_range(
                descriptor, ctypes.c_int64(start), ctypes.c_int64(end - start), _SYNC_FILE_RANGE_WRITE
            )
        return end
    finally:
        os.close(descriptor)


def describe_content(partial: Path) -> Mapping[str, Any]:
    """Return size and hash of each file that was written into `partial`, for the manifest."""
    with ThreadPoolExecutor(_READERS) as readers:
        return dict(readers.map(lambda file: (str(file.relative_to(partial)), _describe(file)), _files_in(partial)))


def finish_image(partial: Path, into: Path, content: Mapping[str, Any], facts: Mapping[str, Any]) -> HibernationImage:
    """Write the manifest, bring the image to disk and give it its name: from then on, and not before, it exists.

    An image that had the name is replaced at once, and removed afterwards.

    Args:
        partial: Folder with `memory/` and `files/`, beside `into`.
        into: The image's folder.
        content: What `describe_content` returned.
        facts: What the manifest says besides: at least `image`, its id.
    """
    manifest = {
        "format": _FORMAT,
        "created_at": datetime.now(UTC).isoformat(),
        "cpu": {"architecture": platform.machine(), "features": sorted(cpu_features())},
        "files": content,
        **facts,
    }
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
    # All at once: a journaling file system takes 5 to 20 ms for each file that is synced by itself.
    sync_disk(partial)
    if into.exists():
        if _libc.renameat2(_AT_FDCWD, os.fsencode(partial), _AT_FDCWD, os.fsencode(into), _RENAME_EXCHANGE) != 0:
            raise OSError(ctypes.get_errno(), f"replacing {into}: {os.strerror(ctypes.get_errno())}")
        shutil.rmtree(partial)
    else:
        os.rename(partial, into)
    sync_folder(into.parent)
    return _image(into, manifest)


def read_image(folder: Path) -> HibernationImage:
    """Return an image as its manifest describes it, without reading the memory.

    Raises:
        ImageDamagedError: there is none, or its manifest cannot be understood.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        if manifest["format"] != _FORMAT:
            raise ImageDamagedError(f"the image {folder} has format {manifest['format']}; this Lot reads {_FORMAT}")
        return _image(folder, manifest)
    except FileNotFoundError as error:
        raise ImageDamagedError(f"the image {folder} is missing or was never finished: it has no {MANIFEST}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageDamagedError(f"the manifest of the image {folder} cannot be read: {error!r}") from error


def prove_image(folder: Path) -> int:
    """Read an image wholly and return its size in bytes, if it is whole and this host's processor can go on with it.

    Raises:
        ImageDamagedError: with the reason why not.
    """
    image = read_image(folder)
    require_this_processor(image)
    verify_content(image)
    return image.total_bytes


def verify_content(image: HibernationImage) -> None:
    """Read an image wholly and compare it with its manifest.

    Raises:
        ImageDamagedError: a file is missing, too short, too long or altered, or one too many is there.
    """
    described: Mapping[str, Any] = image.manifest["files"]
    found = {str(file.relative_to(image.folder)) for file in _files_in(image.folder)} - {MANIFEST}
    if found != described.keys():
        differing = ", ".join(sorted(found ^ described.keys()))
        raise ImageDamagedError(f"the image {image.folder} does not hold the files of its manifest: {differing}")
    with ThreadPoolExecutor(_READERS) as readers:
        for complaint in readers.map(lambda name: _complaint(image.folder / name, described[name]), described):
            if complaint:
                raise ImageDamagedError(f"the image {image.folder} is damaged: {complaint}")


def require_this_processor(image: HibernationImage) -> None:
    """Refuse an image of a processor that could do what this one cannot: restored code would fail in the middle.

    Raises:
        ImageDamagedError: with the features that are missing here.
    """
    cpu = image.manifest["cpu"]
    if cpu["architecture"] != platform.machine():
        raise ImageDamagedError(
            f"the image {image.folder} is for {cpu['architecture']}, this host is {platform.machine()}"
        )
    missing = sorted(set(cpu["features"]) - cpu_features())
    if missing:
        raise ImageDamagedError(
            f"the image {image.folder} needs processor features this host lacks: {', '.join(missing)}"
        )


@cache
def cpu_features() -> frozenset[str]:
    """Return what the processor of this host can do, in the kernel's words."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def _image(folder: Path, manifest: Mapping[str, Any]) -> HibernationImage:
    total = sum(file["bytes"] for file in manifest["files"].values())
    return HibernationImage(folder=folder, total_bytes=total, created_at=manifest["created_at"], manifest=manifest)


def _describe(file: Path) -> dict[str, Any]:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        return {"bytes": os.fstat(descriptor).st_size, "xxh3_128": _hash(descriptor)}
    finally:
        os.close(descriptor)


def _complaint(file: Path, described: Mapping[str, Any]) -> str | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror}"
    try:
        size = os.fstat(descriptor).st_size
        if size != described["bytes"]:
            return f"{file.name} has {size} bytes instead of {described['bytes']}"
        return None if _hash(descriptor) == described["xxh3_128"] else f"the content of {file.name} has changed"
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror}"
    finally:
        os.close(descriptor)


def _hash(descriptor: int) -> str:
    digest = xxhash.xxh3_128()
    buffer = bytearray(_CHUNK_BYTES)
    view = memoryview(buffer)
    offset = 0
    while length := os.preadv(descriptor, [view], offset):
        digest.update(view[:length])
        offset += length
    return digest.hexdigest()


def _files_in(folder: Path) -> Iterable[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]
