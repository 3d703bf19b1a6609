"""Adds to an unpacked image what every sandbox has: the user `lot`, its folders, files that the driver covers.

Files alone: nothing of the image is run. Takes devices out, and what would steer the host's overlay.
"""

import os
import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lot.core.errors import ImageUnfitError
from lot.sandbox.bundle import CA_VARIABLES
from lot.sandbox.image_inspection import STANDARD_PATH
from lot.sandbox.rooted import read_text

FITTING = 1
"""Part of an image's name: whoever changes what is done here counts it up."""

USER, UID = "lot", 1000
_HOME = "home/lot"
_COVERED = ("etc/hostname", "etc/hosts", "etc/resolv.conf")
"""The driver mounts files here: they must be files, whatever the image has."""
_FOLDERS = ("dev", "opt/lot", "proc", "run/lot", "sys", "var/log")
_SET_BY_LOT = frozenset({"HOME", "USER", "LOGNAME", "SHELL", "HOSTNAME", "TERM", "BUN_TMPDIR", *CA_VARIABLES})
_MAX_ENVIRONMENT = 64 << 10
_PROFILE = "etc/profile.d/lot-image.sh"


@dataclass(frozen=True, slots=True)
class Account:
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    home: str


def tidy(rootfs: Path) -> tuple[int, int]:
    """Take out what only the host's kernel would heed; return the number of files and the bytes that they take.

    Devices go, and extended attributes that only root sets: the overlay's own among them.
    """
    sizes: dict[int, int] = {}
    for path in _everything(rootfs):
        status = os.lstat(path)
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            os.unlink(path)
            continue
        for name in os.listxattr(path, follow_symlinks=False):
            if name.startswith("trusted."):
                os.removexattr(path, name, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            sizes[status.st_ino] = status.st_blocks * 512
    return len(sizes), sum(sizes.values())


def fit(rootfs: Path, environment: Mapping[str, str]) -> None:
    """Add what a sandbox needs; `environment` is the image's own, as `sandbox_environment` returns it.

    The tree's first folders must be real ones: see `inspect_image`.

    Raises:
        ImageUnfitError: something stands where a folder must be.
    """
    for name in _FOLDERS:
        _make_folder(rootfs, name)
    _make_folder(rootfs, "tmp", 0o1777)
    for name in _COVERED:
        _write(rootfs, name, "")
    account = _add_user(rootfs)
    for name, mode in ((_HOME, 0o755), ("workspace", 0o755)):
        folder = _make_folder(rootfs, name, mode)
        os.chown(folder, account.uid, account.gid)
    # A login shell makes a PATH of its own, without what the image added.
    _write(rootfs, _PROFILE, f"export PATH={shlex.quote('/opt/lot/bin:' + environment['PATH'])}\n")


def sandbox_environment(variables: list[str]) -> dict[str, str]:
    """Return the environment that an image gives its programs, without what Lot decides; PATH is always there.

    Args:
        variables: `NAME=value`, as an image's configuration has them.

    Raises:
        ImageUnfitError: it is too large.
    """
    pairs = (variable.partition("=") for variable in variables if _is_text(variable))
    environment = {name: value for name, equals, value in pairs if name and equals and name not in _SET_BY_LOT}
    if sum(len(name) + len(value) for name, value in environment.items()) > _MAX_ENVIRONMENT:
        raise ImageUnfitError(f"the image's environment has more than {_MAX_ENVIRONMENT >> 10} KiB")
    path = [folder for folder in environment.get("PATH", "").split(":") if folder]
    return environment | {"PATH": ":".join(dict.fromkeys([*path, *STANDARD_PATH.split(":")]))}


def _is_text(value: str) -> bool:
    """Return whether the system can be given this: no NUL, and no half of a character, which JSON may have."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _add_user(rootfs: Path) -> Account:
    """Make sure that there is a user `lot`; one that has its number already gets the name beside its own."""
    accounts = list(_accounts(rootfs))
    for account in accounts:
        if account.name == USER:
            return account
    there = next((account for account in accounts if account.uid == UID), None)
    gid = there.gid if there else UID
    group = read_text(rootfs, "etc/group")
    if USER not in (line.partition(":")[0] for line in group.splitlines()):
        # Last: where the number is taken already, the group keeps its first name.
        _write(rootfs, "etc/group", _joined(group, f"{USER}:x:{gid}:\n"))
    entry = f"{USER}:x:{UID}:{gid}::/{_HOME}:/bin/bash\n"
    # First, so that the number is shown under this name.
    _write(rootfs, "etc/passwd", entry + read_text(rootfs, "etc/passwd"))
    shadow = read_text(rootfs, "etc/shadow")
    if shadow:
        _write(rootfs, "etc/shadow", _joined(shadow, f"{USER}:!::::::\n"))
    if there is not None:
        _share_home(rootfs, there)
    return Account(USER, UID, gid, f"/{_HOME}")


def _share_home(rootfs: Path, account: Account) -> None:
    """Make the home of whom the image calls user 1000 that of `lot`; its old path leads there."""
    name = account.home.removeprefix("/home/").rstrip("/")
    old = rootfs / "home" / name
    is_plain = account.home.startswith("/home/") and "/" not in name and name not in ("", ".", "..", USER)
    if not is_plain or old.is_symlink() or not old.is_dir() or os.path.lexists(rootfs / _HOME):
        return
    old.rename(rootfs / _HOME)
    old.symlink_to(USER)


def _accounts(rootfs: Path) -> Iterator[Account]:
    for line in read_text(rootfs, "etc/passwd").splitlines():
        fields = line.split(":")
        if len(fields) == 7 and fields[2].isdecimal() and fields[3].isdecimal():
            yield Account(fields[0], int(fields[2]), int(fields[3]), fields[5])


def _joined(text: str, entry: str) -> str:
    return (text if text.endswith("\n") or not text else f"{text}\n") + entry


def _make_folder(rootfs: Path, name: str, mode: int | None = None) -> Path:
    """Make sure that there is a folder; `mode` is also given to one that was there."""
    folder = rootfs
    for part in name.split("/"):
        folder = folder / part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise ImageUnfitError(f"the image's /{folder.relative_to(rootfs)} is no folder, so Lot cannot use it")
        if not folder.exists():
            folder.mkdir()
            folder.chmod(0o755)
    if mode is not None:
        folder.chmod(mode)
    return folder


def _write(rootfs: Path, name: str, text: str) -> None:
    """Write a file in place of whatever stands there, with its owner and mode; a link is replaced, not followed."""
    path = _make_folder(rootfs, str(Path(name).parent)) / Path(name).name
    before = path.lstat() if os.path.lexists(path) else None
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise ImageUnfitError(f"the image's /{name} is a folder, so Lot cannot use it")
    path.unlink(missing_ok=True)
    path.write_bytes(text.encode(errors="surrogateescape"))
    if before is not None and stat.S_ISREG(before.st_mode):
        os.chown(path, before.st_uid, before.st_gid)
        path.chmod(before.st_mode & 0o777)
    else:
        path.chmod(0o644)


def _everything(root: Path) -> Iterator[str]:
    """Yield every path below `root`, links not followed."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            yield os.path.join(folder, name)
