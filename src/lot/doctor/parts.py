"""Judges the parts that Lot is made of: runtime, base image, agent program, git."""

import re
from collections.abc import Sequence
from pathlib import Path

from lot.doctor.check import Check, fail, ok, warn
from lot.sandbox.base_image import BaseImage
from lot.sandbox.runtime import Proof, Runtime

OLDEST_GIT = (2, 34)
"""The oldest that the supported distributions have; what Lot uses of git has been there for long."""

_SET_UP = "run `make setup` (or `lot setup`) as root"


def check_runtime(runtime: Runtime | str) -> Check:
    """Sandboxes need a runsc that was proved on this machine.

    Args:
        runtime: The one in place, or why there is none.
    """
    if isinstance(runtime, str):
        return fail("runsc", runtime, _SET_UP)
    seen = f"{runtime.version} ({runtime.source}, {runtime.platform}) at {runtime.path}"
    if runtime.needs_sysctl_mask:
        seen += "; run behind an empty /proc/sys/net/core, which this kernel needs"
    for candidate in runtime.rejected:
        seen += f"; passed over: {candidate.source} ({candidate.reason})"
    return ok("runsc", seen)


def check_self_test(proof: Proof | str) -> Check:
    """The runtime boots, networks, writes, saves and restores, right now.

    Args:
        proof: The proof, or why it failed.
    """
    if isinstance(proof, str):
        return fail("self-test", proof, f"remove the runtime's folder, then {_SET_UP}")
    steps = f"boot {proof.boot_s:.2f} s, checkpoint {proof.checkpoint_s:.2f} s, restore {proof.restore_s:.2f} s"
    return ok("self-test", f"booted, wrote, saved, restored, compared: {steps}; {proof.total_s:.1f} s in all")


def check_base_image(image: BaseImage | None, images_dir: Path) -> Check:
    """Sandboxes boot from the base image."""
    if image is None:
        return fail("base image", f"none in {images_dir}", _SET_UP)
    if not image.rootfs.is_dir():
        return fail("base image", f"{image.rootfs} is gone", f"remove {image.folder}, then {_SET_UP}")
    size = f"{image.total_bytes / 1e6:.0f} MB, {image.files} files"
    return ok("base image", f"{image.image_id}, {size}, made {image.created_at:%Y-%m-%d}")


def check_image_tools(missing: Sequence[str]) -> Check:
    """Projects may name images of their own; the default one needs no tools."""
    if missing:
        return warn(
            "images",
            f"{' and '.join(missing)} not installed: projects can use the base image alone",
            f"`apt-get install {' '.join(missing)}`",
        )
    return ok("images", "skopeo and umoci are there, for projects that name an image of their own")


def check_agent(path: Path, version: str | None) -> Check:
    """The agent program is the one bundled with the SDK that drives it."""
    if version is None:
        return fail(
            "agent", f"{path} does not run", "install Lot's Python packages again: remove .venv, run `make setup`"
        )
    return ok("agent", f"{version} at {path}")


def check_git(version: str | None) -> Check:
    """Mirrors, diffs and branches are git's work."""
    if version is None:
        return fail("git", "not installed", "`apt-get install git`")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_GIT:
        return fail("git", version, f"use git {'.'.join(map(str, OLDEST_GIT))} or newer")
    return ok("git", version)
