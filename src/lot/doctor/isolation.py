"""Judges what the kernel offers to set sandboxes apart: cgroups, overlay file systems, network namespaces, nftables."""

from collections.abc import Mapping
from dataclasses import dataclass

from lot.doctor.check import Check, fail, ok

NEEDED_CONTROLLERS = ("memory", "cpu", "pids")


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupFacts:
    """What /sys/fs/cgroup offers: controllers of version 1 by name, whether writable, and those of version 2."""

    v1: Mapping[str, bool]
    v2: Mapping[str, bool]
    has_v2: bool

    @property
    def layout(self) -> str:
        """`v1`, `v2`, `hybrid` (controllers in version 1, version 2 beside them) or `none`."""
        if self.v1:
            return "hybrid" if self.has_v2 else "v1"
        return "v2" if self.has_v2 else "none"


def check_cgroups(facts: CgroupFacts) -> Check:
    """Limits of memory, CPU and processes are set through cgroups, of either version."""
    usable = {name for controllers in (facts.v1, facts.v2) for name, writable in controllers.items() if writable}
    missing = [name for name in NEEDED_CONTROLLERS if name not in usable]
    if missing:
        return fail(
            "cgroups",
            f"{facts.layout}; not usable: {', '.join(missing)}",
            "as root, mount /sys/fs/cgroup and enable these controllers; in a container, run it privileged",
        )
    return ok("cgroups", f"{facts.layout}; usable: {', '.join(NEEDED_CONTROLLERS)}")


def check_overlay(error: str | None) -> Check:
    """A sandbox's disk is an overlay over its image."""
    if error is not None:
        return fail(
            "overlayfs",
            error,
            "run as root, on a kernel with overlayfs (`modprobe overlay`) and a data folder on ext4 or xfs",
        )
    return ok("overlayfs", "an overlay can be mounted in the data folder's file system")


def check_network_namespaces(error: str | None) -> Check:
    """Each sandbox has a network of its own."""
    if error is not None:
        return fail(
            "network namespaces",
            error,
            "run as root, with iproute2 and util-linux installed; in a container, run it privileged",
        )
    return ok("network namespaces", "a namespace and a veth pair can be made")


def check_user_namespaces(error: str | None) -> Check:
    """gVisor keeps its file server in one; a kernel refuses them in a plain chroot, even to root."""
    if error is not None:
        mend = "raise user.max_user_namespaces (`sysctl -w`); a chroot will not do: boot the system, or use pivot_root"
        return fail("user namespaces", error, mend)
    return ok("user namespaces", "one can be made")


def check_nftables(error: str | None) -> Check:
    """Rules in a table of our own keep a sandbox from what it must not reach."""
    if error is not None:
        return fail(
            "nftables", error, "run as root, with nftables installed and the kernel's nf_tables (`modprobe nf_tables`)"
        )
    return ok("nftables", "a table with masquerading can be made")


def check_forwarding(ip_forward: str, is_writable: bool) -> Check:
    """Sandboxes reach the internet through the host, which forwards for them; the driver turns that on."""
    if ip_forward.strip() == "1":
        return ok("ip_forward", "on")
    if is_writable:
        return ok("ip_forward", "off; turned on with the first sandbox")
    return fail(
        "ip_forward", "off, and not ours to turn on", "run as root; in a container: `--sysctl net.ipv4.ip_forward=1`"
    )
