"""The disk of a sandbox: read-only layers under one writable upper, joined by a host overlayfs.

Leaves out what the layers hold and who may remove them.
"""

import ctypes
import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_MS_NOSUID = 2
_MS_NODEV = 4
"""On the host nobody is to run what a sandbox made; inside, the sandbox's own kernel decides."""

_MNT_DETACH = 2
_UMOUNT_NOFOLLOW = 8

_OPTIONS = "redirect_dir=on,index=off,metacopy=off"
"""Redirects: without them a folder from a layer cannot be renamed (npm and apt do). No index: an upper moves, and
becomes a layer, between two mounts. No metacopy: a layer's file must hold its own data."""

_TAG = "trusted.lot.image"
_MOVED_ON = b"running"
"""Value of the tag while, and after, something ran on the disk without being paused."""


def work_dir(upper: Path) -> Path:
    """Return the overlay's work folder: beside the upper, on the same file system."""
    return upper.with_name(f".{upper.name}.work")


def mount_overlay(layers: Sequence[Path], upper: Path, target: Path) -> None:
    """Mount `layers` (lowest first) under `upper` at `target`; missing folders are made.

    Layers are named by descriptor, as the options of a mount have room for 4,095 characters: 200 layers fit, whatever
    their paths.

    Raises:
        OSError: a layer is missing, or the kernel refused.
    """
    if not upper.exists():
        upper.mkdir(parents=True)
        upper.chmod(0o755)  # that of / inside, whatever our umask
    for folder in (work_dir(upper), target):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:

        def opened(folder: Path) -> str:
            descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            return f"/proc/self/fd/{descriptor}"

        lower = ":".join(opened(layer) for layer in reversed(layers))
        options = f"lowerdir={lower},upperdir={opened(upper)},workdir={opened(work_dir(upper))},{_OPTIONS}"
        if _libc.mount(b"lot", os.fsencode(target), b"overlay", _MS_NOSUID | _MS_NODEV, options.encode()) != 0:
            raise _error(f"mounting {len(layers)} layers on {target}")


def unmount(target: Path) -> None:
    """Remove every mount on `target`; nothing happens when there is none.

    A plain unmount also writes the upper's changes to disk.

    Raises:
        OSError: the kernel refused.
    """
    while os.path.ismount(target):
        if _libc.umount2(os.fsencode(target), _UMOUNT_NOFOLLOW) == 0:
            continue
        if ctypes.get_errno() != errno.EBUSY:
            raise _error(f"unmounting {target}")
        if _libc.umount2(os.fsencode(target), _UMOUNT_NOFOLLOW | _MNT_DETACH) != 0:
            raise _error(f"detaching {target}")


def sync_disk(folder: Path) -> None:
    """Bring to disk what was written to the file system of `folder`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _libc.syncfs(descriptor) != 0:
            raise _error(f"writing out {folder}")
    finally:
        os.close(descriptor)


def remove_work_dir(upper: Path) -> None:
    """Remove what the overlay left beside an upper that is not mounted."""
    shutil.rmtree(work_dir(upper), ignore_errors=True)


def say_disk_moves_on(upper: Path) -> None:
    """Record that something is about to run on this disk: no image fits it from now on."""
    os.setxattr(upper, _TAG, _MOVED_ON)


def say_disk_fits(upper: Path, image: str) -> None:
    """Record that this disk is as the image `image` needs it."""
    os.setxattr(upper, _TAG, image.encode())


def has_moved_on(upper: Path) -> bool:
    """Return whether something ran on this disk since the last image, or was about to."""
    return image_that_fits(upper) == _MOVED_ON.decode()


def image_that_fits(upper: Path) -> str | None:
    """Return the id of the only image that this disk fits, `running` for none, or None when it was never told.

    A new upper was never told, so a fork's is not; a copy made with its extended attributes is told what its
    original was.
    """
    with suppress(OSError):
        return os.getxattr(upper, _TAG).decode(errors="replace")
    return None


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
