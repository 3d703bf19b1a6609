"""Builds the image that sandboxes boot from by default: a small Debian with what coding agents expect.

Made with mmdebstrap from the system's own mirror, so neither a container registry nor a Docker daemon is needed. The
host's certificates are not part of it: the driver mounts them at boot.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lot.core.errors import SetupError
from lot.sandbox.debian_mirror import KEYRING, RELEASE, AptSource, as_deb822
from lot.sandbox.exclusive import exclusive
from lot.sandbox.progress import Progress

CURRENT = "base"
"""Name of the symbolic link, beside the images, to the one that new sandboxes boot from."""

NEEDED_BYTES = 2 << 30
"""Free disk that a build asks for; the finished image takes about a quarter of it."""

_PACKAGES = (
    "bash",
    "ca-certificates",
    "curl",
    "git",
    "iproute2",
    "less",
    "nodejs",
    "npm",
    "procps",
    "python3",
    "python3-venv",
    "ripgrep",
    "sudo",
)
_HOOKS = (
    'chroot "$1" useradd --uid 1000 --user-group --create-home --shell /bin/bash lot',
    'echo "lot ALL=(ALL:ALL) NOPASSWD: ALL" > "$1/etc/sudoers.d/lot" && chmod 0440 "$1/etc/sudoers.d/lot"',
    'mkdir -p "$1/workspace" "$1/opt/lot" && chroot "$1" chown lot:lot /workspace',
    'echo lot > "$1/etc/hostname" && printf "127.0.0.1 localhost lot\n::1 localhost\n" > "$1/etc/hosts"',
    ': > "$1/etc/resolv.conf"',
)
_FOLDERS = ("run/lot",)
"""Made last: mmdebstrap empties /run after the hooks."""
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*")
_ENDS_WITH_US = (
    *("setpriv", "--pdeathsig=KILL"),
    *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""Whatever ends us ends every process of the build and drops its mounts: mmdebstrap alone would go on building."""
_STAGES = (
    "running apt-get update",
    "downloading packages",
    "extracting archives",
    "installing essential packages",
    "installing remaining packages",
    "running --customize-hook",
    "cleaning package lists",
)
"""What mmdebstrap says it does, in order; measured by time, the downloads and the two installations are most of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides what is in the image; its hash is the image's name."""

    release: str = RELEASE
    architecture: str = field(default_factory=platform.machine)
    packages: tuple[str, ...] = _PACKAGES
    hooks: tuple[str, ...] = _HOOKS
    folders: tuple[str, ...] = _FOLDERS
    left_out: tuple[str, ...] = _LEFT_OUT
    mirrors: tuple[str, ...] = ()

    @property
    def image_id(self) -> str:
        """The name of every image made by this recipe."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode())
        return f"debian-{self.release}-{digest.hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """A finished image: `folder` holds `rootfs` and `manifest.json`."""

    image_id: str
    folder: Path
    total_bytes: int
    files: int
    created_at: datetime

    @property
    def rootfs(self) -> Path:
        """The root of the image's file system; never written to."""
        return self.folder / "rootfs"


def find_base_image(images_dir: Path) -> BaseImage | None:
    """Return the image that new sandboxes boot from, or None before set-up."""
    return _find_image((images_dir / CURRENT).resolve())


def ensure_base_image(images_dir: Path, progress: Progress, sources: Sequence[AptSource]) -> BaseImage:
    """Make sure that the image of today's recipe is there and is the current one; build it when it is not.

    Args:
        images_dir: Made when missing.
        progress: Told of each step.
        sources: Where its packages come from, then and later: they become the image's own apt sources.

    Raises:
        SetupError: a tool, the network or disk is missing, or the build failed; nothing half-made is left behind.
    """
    recipe = Recipe(mirrors=tuple(f"{source.uri} {source.suite}" for source in sources))
    images_dir.mkdir(parents=True, exist_ok=True)
    with exclusive(images_dir / ".lock") as lock:
        image = _find_image(images_dir / recipe.image_id)
        if image is None:
            image = _build(images_dir, recipe, progress, sources, lock)
        _make_current(images_dir, image)
    progress(f"base image {image.image_id} is ready", 1.0)
    return image


def _find_image(folder: Path) -> BaseImage | None:
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        return BaseImage(
            image_id=manifest["id"],
            folder=folder,
            total_bytes=manifest["total_bytes"],
            files=manifest["files"],
            created_at=datetime.fromisoformat(manifest["created_at"]),
        )
    except (OSError, ValueError, KeyError):
        return None


def _build(images_dir: Path, recipe: Recipe, progress: Progress, sources: Sequence[AptSource], lock: int) -> BaseImage:
    _require_build_tools()
    for leftover in images_dir.glob(".building-*"):
        _remove(leftover)
    free = shutil.disk_usage(images_dir).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{images_dir} has {free / (1 << 30):.1f} GB free; building the base image needs "
            f"{NEEDED_BYTES >> 30} GB. Next step: free some, then run `lot setup` again."
        )
    unfinished = images_dir / f".building-{recipe.image_id}"
    unfinished.mkdir()
    try:
        _bootstrap(unfinished / "rootfs", recipe, progress, sources, lock)
        for name in recipe.folders:
            (unfinished / "rootfs" / name).mkdir(parents=True)
        _write_manifest(unfinished, recipe)
        # Everything is on disk before the name appears: a power cut leaves a whole image or none.
        subprocess.run(["sync", "--file-system", unfinished], check=True)
        folder = images_dir / recipe.image_id
        if folder.exists():
            _remove(folder)
        unfinished.rename(folder)
    except BaseException:
        _remove(unfinished)
        raise
    image = _find_image(folder)
    assert image is not None, "the manifest was written above"
    return image


def _require_build_tools() -> None:
    if os.geteuid() != 0:
        raise SetupError("Building the base image needs root. Next step: run the command again with sudo.")
    if shutil.which("mmdebstrap") is None:
        raise SetupError("mmdebstrap is missing. Next step: `apt-get install mmdebstrap`, or run `make setup`.")
    if not KEYRING.exists():
        raise SetupError(f"{KEYRING} is missing. Next step: `apt-get install debian-archive-keyring`.")


def _bootstrap(rootfs: Path, recipe: Recipe, progress: Progress, sources: Sequence[AptSource], lock: int) -> None:
    command = [
        *_ENDS_WITH_US,
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(recipe.packages)}",
        *(f"--aptopt={line}" for line in _host_apt_settings()),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in recipe.left_out),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        *(f"--customize-hook={hook}" for hook in (*recipe.hooks, *_SETTLE_HOOKS)),
        recipe.release,
        str(rootfs),
        "-",
    ]
    said: deque[str] = deque(maxlen=15)
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(lock,),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(as_deb822(sources))
            process.stdin.close()
            for line in process.stdout:
                said.append(line.rstrip())
                _report_stage(line, progress)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise SetupError(
            "mmdebstrap could not build the base image:\n  "
            + "\n  ".join(said)
            + "\nNext step: see that `apt-get update` works and that the mirror has the release "
            f"{recipe.release}, then run `lot setup` again."
        )


_SETTLE_HOOKS = ('rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"',)
"""The host's apt settings, a proxy among them, were needed for the build alone."""


def _host_apt_settings() -> Iterator[str]:
    """Yield the host's own settings for fetching packages, such as a proxy; mmdebstrap does not read them itself."""
    done = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if re.match(r"Acquire::(?:https?::[^ ]|Check-Valid-Until|Check-Date)", line):
            yield line


def _report_stage(line: str, progress: Progress) -> None:
    for number, stage in enumerate(_STAGES):
        if stage in line:
            progress(f"base image: {stage.replace('--customize-hook', 'our own steps')}", number / len(_STAGES))


def _write_manifest(folder: Path, recipe: Recipe) -> None:
    files, total_bytes = _measure(folder / "rootfs")
    manifest: dict[str, Any] = {
        "id": recipe.image_id,
        "created_at": datetime.now(UTC).isoformat(),
        "total_bytes": total_bytes,
        "files": files,
        "recipe": asdict(recipe),
        "packages": _installed_packages(folder / "rootfs"),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2))


def _measure(root: Path) -> tuple[int, int]:
    """Return the number of files and the bytes that they take on disk; a file with several names counts once."""
    sizes: dict[int, int] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            status = os.lstat(os.path.join(folder, name))
            sizes[status.st_ino] = status.st_blocks * 512
    return len(sizes), sum(sizes.values())


def _installed_packages(rootfs: Path) -> dict[str, str]:
    query = ["dpkg-query", f"--admindir={rootfs / 'var/lib/dpkg'}", "--show", "--showformat=${Package} ${Version}\\n"]
    done = subprocess.run(query, check=True, capture_output=True, text=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def _make_current(images_dir: Path, image: BaseImage) -> None:
    link = images_dir / CURRENT
    if link.is_symlink() and os.readlink(link) == image.image_id:
        return
    unfinished = images_dir / f".{CURRENT}.new"
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(image.image_id)
    unfinished.replace(link)


def _remove(folder: Path) -> None:
    """Remove a tree; what a killed build left mounted in it is unmounted first, for it is the host's own."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted((point for point in mounts if Path(point).is_relative_to(folder)), reverse=True):
        subprocess.run(["umount", "--lazy", point], check=True)
    shutil.rmtree(folder)
