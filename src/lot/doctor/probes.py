"""Reads the facts that the checks judge. A probe never raises for what it finds missing: it returns that."""

import errno
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import claude_agent_sdk

from lot.core.errors import RuntimeMissingError, SetupError
from lot.doctor.isolation import CgroupFacts
from lot.doctor.surroundings import SLOW_LOOKUP_S
from lot.sandbox.image_tools import missing_tools
from lot.sandbox.runtime import Proof, Runtime, load_runtime, prove
from lot.sandbox.runtime_proof import STEP_TIMEOUT_S

AGENT = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
COMMAND_TIMEOUT_S = 20.0
KVM_PATIENCE_S = 3.0
"""Where the kvm platform works, a sandbox answers within half a second; where it does not, it hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Every way in which the doctor looks at the machine; a test gives ways that see what it wants."""

    euid: Callable[[], int] = os.geteuid
    sudo: Callable[[], str | None] = lambda: shutil.which("sudo")
    system: Callable[[], str] = platform.system
    release: Callable[[], str] = platform.release
    processor: Callable[[], str] = platform.machine
    has_kvm: Callable[[], bool] = lambda: Path("/dev/kvm").exists()
    available_memory: Callable[[], int] = lambda: available_memory(Path("/proc/meminfo"))
    free_disk: Callable[[Path], int] = lambda folder: shutil.disk_usage(nearest_existing(folder)).free
    cgroups: Callable[[], CgroupFacts] = lambda: cgroup_facts(Path("/proc/self/mountinfo"))
    overlay: Callable[[Path], str | None] = lambda folder: try_overlay(nearest_existing(folder))
    network_namespace: Callable[[], str | None] = lambda: try_network_namespace()
    user_namespace: Callable[[], str | None] = lambda: try_user_namespace()
    nftables: Callable[[], str | None] = lambda: try_nftables()
    ip_forward: Callable[[], str] = lambda: read_text(IP_FORWARD)
    can_set_ip_forward: Callable[[], bool] = lambda: os.access(IP_FORWARD, os.W_OK)
    runtime: Callable[[Path], Runtime | str] = lambda folder: find_runtime(folder)
    proof: Callable[[Runtime], Proof | str] = lambda runtime: try_proof(runtime, runtime.platform)
    kvm_proof: Callable[[Runtime], Proof | str] = lambda runtime: try_proof(runtime, "kvm", KVM_PATIENCE_S)
    agent_version: Callable[[], str | None] = lambda: version_line([str(AGENT), "--version"])
    missing_image_tools: Callable[[], Sequence[str]] = missing_tools
    git_version: Callable[[], str | None] = lambda: version_line(["git", "--version"])
    nameservers: Callable[[], tuple[str, ...]] = lambda: nameservers(Path("/etc/resolv.conf"))
    refused_lookup: Callable[[], float | None] = lambda: time_refused_lookup(SLOW_LOOKUP_S)
    certificates: Callable[[], int] = lambda: read_text(CERTIFICATES).count("-----BEGIN CERTIFICATE-----")
    port: Callable[[str, int], str | None] = lambda host, port: try_port(host, port)


def read_text(path: Path) -> str:
    """Return a file's text, or nothing when it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def nearest_existing(folder: Path) -> Path:
    """Return the folder itself or the nearest one above that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def available_memory(meminfo: Path) -> int:
    """Return the bytes that new programs could use. Source: proc(5), MemAvailable, in units of 1024 bytes."""
    for line in read_text(meminfo).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def cgroup_facts(mountinfo: Path) -> CgroupFacts:
    """Read which controllers are mounted and writable. Source: proc(5), mountinfo; cgroups(7)."""
    v1: dict[str, bool] = {}
    v2: dict[str, bool] = {}
    has_v2 = False
    for line in read_text(mountinfo).splitlines():
        before, _, after = line.partition(" - ")
        point, kind, options = Path(before.split()[4]), after.split()[0], after.split()[-1].split(",")
        writable = os.access(point, os.W_OK)
        if kind == "cgroup":
            v1 |= {name: writable for name in options if name not in ("rw", "ro") and not name.startswith("name=")}
        elif kind == "cgroup2":
            has_v2 = True
            v2 |= dict.fromkeys(read_text(point / "cgroup.controllers").split(), writable)
    return CgroupFacts(v1=v1, v2=v2, has_v2=has_v2)


def try_overlay(folder: Path) -> str | None:
    """Mount an overlay below `folder` in a mount namespace that vanishes with the trial; return what went wrong."""
    try:
        with tempfile.TemporaryDirectory(prefix=".lot-doctor-", dir=folder) as name:
            for part in ("lower", "upper", "work", "merged"):
                Path(name, part).mkdir()
            options = f"lowerdir={name}/lower,upperdir={name}/upper,workdir={name}/work"
            return _failure(["unshare", "--mount", "mount", "-t", "overlay", "lot", "-o", options, f"{name}/merged"])
    except OSError as error:
        return str(error)


def try_network_namespace() -> str | None:
    """Make a veth pair in a namespace that vanishes with the trial; return what went wrong."""
    return _failure(["unshare", "--net", "ip", "link", "add", "lot0", "type", "veth", "peer", "name", "lot1"])


def try_user_namespace() -> str | None:
    """Make a user namespace that vanishes with the trial; return what went wrong."""
    return _failure(["unshare", "--user", "true"])


def try_nftables() -> str | None:
    """Load rules like ours in a namespace that vanishes with the trial; return what went wrong."""
    rules = "table ip lot { chain out { type nat hook postrouting priority 100; masquerade; }; }"
    return _failure(["unshare", "--net", "nft", rules])


def find_runtime(runtime_dir: Path) -> Runtime | str:
    """Return the proven runtime, or why there is none."""
    try:
        return load_runtime(runtime_dir)
    except RuntimeMissingError as error:
        return str(error)


def try_proof(runtime: Runtime, platform: str, patience_s: float = STEP_TIMEOUT_S) -> Proof | str:
    """Return the proof of a runtime, or why it failed."""
    try:
        return prove(runtime.path, platform=platform, patience_s=patience_s)
    except (SetupError, OSError, subprocess.SubprocessError) as error:
        return str(error)


def version_line(command: Sequence[str]) -> str | None:
    """Return the first line of what a program says of its version, or None when it does not run."""
    try:
        # Without a home: a program that only states its version has no business with the user's own settings.
        environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return (done.stdout.strip().splitlines() or [""])[0]


def nameservers(resolv_conf: Path) -> tuple[str, ...]:
    """Return the nameservers in use."""
    lines = (line.split() for line in read_text(resolv_conf).splitlines())
    return tuple(words[1] for words in lines if len(words) > 1 and words[0] == "nameserver")


def time_refused_lookup(limit_s: float) -> float | None:
    """Return how long the resolver took over a name that never exists (RFC 6761, `.invalid`); None beyond the limit."""
    started = time.monotonic()
    # A look-up cannot be interrupted; a daemon thread does not keep the process from ending.
    lookup = threading.Thread(target=_look_up, args=("lot-doctor.invalid",), daemon=True)
    lookup.start()
    lookup.join(limit_s)
    return None if lookup.is_alive() else time.monotonic() - started


def _look_up(name: str) -> None:
    try:
        socket.getaddrinfo(name, 80)
    except OSError:
        return


def try_port(host: str, port: int) -> str | None:
    """Return why Lot could not listen there, or None."""
    try:
        with socket.create_server((host, port)):
            return None
    except OSError as error:
        return "in use" if error.errno == errno.EADDRINUSE else str(error)


def _failure(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return done.stderr.strip() or f"{command[0]} ended with code {done.returncode}"
