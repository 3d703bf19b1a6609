"""Looks at an unpacked image and says whether a sandbox can run on it. Nothing of the image is run."""

import platform
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from lot.core.errors import ImageUnfitError
from lot.sandbox.rooted import is_program, read_text, resolve

STANDARD_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where Lot looks for what it needs: the guest and `sudo` must find it whatever the image's PATH says."""
OLDEST_PYTHON = (3, 9)
_GLIBC = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}
_MUSL = "/lib/ld-musl-{}.so.1"
_TOOLS = ("bash", "git")
_REAL_FOLDERS = ("dev", "etc", "home", "opt", "proc", "root", "run", "sys", "tmp", "usr", "var", "workspace")
"""What Lot mounts or writes there must not land elsewhere."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an image lacks: names of Debian packages."""

    system: str
    missing: tuple[str, ...]
    can_be_completed: bool
    """Whether its own package manager can add what is missing."""


def inspect_image(rootfs: Path, processor: str = platform.machine()) -> Inspection:
    """Return what an image lacks that its package manager could add.

    Raises:
        ImageUnfitError: it lacks what nothing can add: the GNU C library, or an ordinary tree.
    """
    for name in _REAL_FOLDERS:
        folder = rootfs / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise ImageUnfitError(
                f"the image's /{name} is no folder, so Lot cannot use it; base it on Debian or Ubuntu"
            )
    system = _system(rootfs)
    if resolve(rootfs, _GLIBC[processor]) is None:
        if resolve(rootfs, _MUSL.format(processor)) is not None:
            raise ImageUnfitError(
                f"the image ({system}) is built on musl, and the agent program needs the GNU C library; use the same "
                "image on Debian or Ubuntu (its tags often say `bookworm`, `trixie` or `slim` instead of `alpine`)"
            )
        raise ImageUnfitError(
            f"the image ({system}) has no GNU C library for {processor}; base it on Debian or Ubuntu for this processor"
        )
    python = _python(rootfs)
    if python is not None and python < OLDEST_PYTHON:
        raise ImageUnfitError(
            f"the image ({system}) has Python {'.'.join(map(str, python))}; Lot's guest needs "
            f"{'.'.join(map(str, OLDEST_PYTHON))} or newer; use a newer release of {system}"
        )
    missing = [tool for tool in _TOOLS if _find_program(rootfs, tool) is None]
    if python is None:
        missing.append("python3")
    return Inspection(system, tuple(missing), _find_program(rootfs, "apt-get") is not None)


def _system(rootfs: Path) -> str:
    """Return what the image calls its system."""
    for line in read_text(rootfs, "etc/os-release").splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            try:
                words = shlex.split(value)
            except ValueError:
                break
            shown = "".join(character for character in " ".join(words) if character.isprintable())
            return shown[:80] or "unnamed"
    return "it does not say of which system"


def _find_program(rootfs: Path, name: str) -> str | None:
    return next(
        (f"{folder}/{name}" for folder in STANDARD_PATH.split(":") if is_program(rootfs, f"{folder}/{name}")), None
    )


def _python(rootfs: Path) -> tuple[int, int] | None:
    """Return the version of python3, by the name of the file that it leads to; None without a whole Python."""
    path = _find_program(rootfs, "python3")
    real = resolve(rootfs, path) if path is not None else None
    if real is None:
        return None
    named = re.fullmatch(r"python(3)\.(\d+)", real.name)
    if named is None:
        return None
    version = (int(named[1]), int(named[2]))
    # Debian's minimal Python has the program and half of the library.
    library = real.parent.parent.relative_to(rootfs) / "lib" / real.name / "asyncio" / "__init__.py"
    return version if resolve(rootfs, str(library)) is not None else None
