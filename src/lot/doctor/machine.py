"""Judges the machine itself: who we are on it, its kernel, processor, memory and disk."""

import re
from pathlib import Path

from lot.doctor.check import Check, fail, ok, warn

OLDEST_KERNEL = (4, 14, 77)
"""Source: gVisor's installation guide, which asks for Linux 4.14.77 or newer."""

PROCESSORS = ("x86_64", "aarch64")
LEAST_DISK_BYTES, ENOUGH_DISK_BYTES = 3 << 30, 10 << 30
LEAST_MEMORY_BYTES, ENOUGH_MEMORY_BYTES = 2 << 30, 6 << 30
"""The smaller sandbox may use 4 GB; 1 GB is kept back for the host."""


def check_privileges(euid: int, sudo: str | None) -> Check:
    """Runners mount, make namespaces and set limits, which needs root."""
    if euid == 0:
        return ok("privileges", "root")
    if sudo is not None:
        return warn("privileges", f"user {euid}, with {sudo}", "run lot through sudo, as `make run` does")
    return fail("privileges", f"user {euid}, and no sudo", "run lot as root")


def check_kernel(system: str, release: str) -> Check:
    """The runtime needs system calls that old kernels lack."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", release)[:3])
    oldest = ".".join(map(str, OLDEST_KERNEL))
    if system != "Linux" or numbers < OLDEST_KERNEL:
        return fail("kernel", f"{system} {release}", f"use Linux {oldest} or newer")
    return ok("kernel", f"{system} {release}")


def check_processor(machine: str) -> Check:
    """gVisor is built for two processor families."""
    if machine not in PROCESSORS:
        return fail("processor", machine, f"use a machine with {' or '.join(PROCESSORS)}")
    return ok("processor", machine)


def check_kvm(has_device: bool, trial_error: str | None) -> Check:
    """KVM is never needed; on bare metal gVisor's kvm platform may be the faster one.

    Args:
        has_device: Whether there is a /dev/kvm.
        trial_error: Why the runtime does not work with it, or None when it does or was not tried.
    """
    if not has_device:
        return ok("kvm", "no /dev/kvm; not needed")
    if trial_error is not None:
        return ok("kvm", f"/dev/kvm is there, but gVisor's kvm platform fails ({_first_line(trial_error)}); not needed")
    return ok("kvm", "/dev/kvm is there; not needed")


def check_memory(available_bytes: int) -> Check:
    """Each sandbox that is on takes memory; a start without room for it is refused."""
    seen = f"{_gigabytes(available_bytes)} available"
    if available_bytes < LEAST_MEMORY_BYTES:
        return fail("memory", seen, f"free some, or use a machine with {_gigabytes(ENOUGH_MEMORY_BYTES)} or more")
    if available_bytes < ENOUGH_MEMORY_BYTES:
        return warn("memory", seen, "few sandboxes fit; free some memory")
    return ok("memory", seen)


def check_disk(data_dir: Path, free_bytes: int) -> Check:
    """Disks and memory images of sessions lie in the data folder."""
    seen = f"{_gigabytes(free_bytes)} free for {data_dir}"
    if free_bytes < LEAST_DISK_BYTES:
        return fail("disk", seen, f"free some: below {_gigabytes(LEAST_DISK_BYTES)} nothing can be paused or started")
    if free_bytes < ENOUGH_DISK_BYTES:
        return warn("disk", seen, "few hibernated sessions fit; free some, or set LOT_DATA_DIR to a larger disk")
    return ok("disk", seen)


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.1f} GB"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:200] if text.strip() else "no reason given"
