"""What Lot asks of a sandbox runtime: the protocol that every driver implements, and its value types.

Leaves out how one runtime does it (`gvisor.py`) and what happens inside a sandbox (`link.py`, `guest/`).
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

from lot.core.ids import SandboxId
from lot.sandbox.link import GuestLink

GATEWAY_ADDRESS = "10.200.0.1"
"""Where a sandbox finds the gateway: the host end of its link, the same in every sandbox and after every resume."""
GUEST_ADDRESS = "10.200.0.2"
GATEWAY_PORT = 80
GATEWAY_SOCKET = PurePosixPath("/var/lib/lot/gateway.sock")
"""The same over a unix socket inside the sandbox, kept by the guest; see `guest/door.py`."""

EgressPolicy = Literal["full", "none"]
"""`full`: the internet, never private ranges, other sandboxes or the host; `none`: the gateway alone."""


class Capability(StrEnum):
    """What a driver can do beyond booting and destroying."""

    MEMORY = "memory"
    """Pause saves memory, resume brings it back."""
    FORK = "fork"
    """Several sandboxes may be resumed from one image over their own disks."""
    FREEZE = "freeze"
    """A running sandbox can be stopped in place for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The limits of one sandbox, as it sees them itself."""

    cpus: int
    memory_bytes: int
    max_processes: int = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOnlyMount:
    """A host file or folder that the sandbox sees read-only; the same at every boot and resume of a sandbox."""

    source: Path
    target: PurePosixPath


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSpec:
    """One sandbox: what it boots from and what it may use.

    The root file system is `layers` (lowest first, each a folder that nobody changes any more) under `upper`
    (the sandbox's own folder; made when missing). All of them lie on one host file system.
    """

    sandbox: SandboxId
    layers: tuple[Path, ...]
    upper: Path
    resources: Resources
    mounts: tuple[ReadOnlyMount, ...] = ()
    hostname: str = "lot"
    egress: EgressPolicy = "full"
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment of PID 1, inherited by what it starts. Never a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSandbox:
    """A sandbox that is on."""

    sandbox: SandboxId
    pid: int
    """Host process id of the sandbox's runtime process."""
    network: str
    """Name of the network namespace that holds the host end of its link; see `network.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HibernationImage:
    """A complete, synced memory image in a folder of its own, described by its `manifest.json`."""

    folder: Path
    total_bytes: int
    created_at: str
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxUsage:
    """What a sandbox uses on the host right now."""

    memory_bytes: int
    cpu_s: float
    has_run_out_of_memory: bool = False
    """Whether something of it was killed because it reached its limit; can be asked until `destroy`, dead or alive."""


class SandboxDriver(Protocol):
    """Boots, hibernates and destroys sandboxes on one runtime.

    Boot, pause, resume and destroy are idempotent per sandbox: after a crash they are called again and nothing
    happens twice. At most one caller acts on a sandbox at a time (the lease sees to that).
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this driver can do."""

    async def boot(self, spec: SandboxSpec) -> RunningSandbox:
        """Boot from disk with a fresh memory.

        Raises:
            BootFailedError: with what the runtime said; nothing is left behind.
            HostFullError: the host lacks memory or disk.
        """

    async def pause(self, sandbox: SandboxId, into: Path) -> HibernationImage:
        """Save the memory into the folder `into`, then end the sandbox and free everything it held but its disk.

        The image is complete (manifest written last, everything synced) before this returns. All connections into
        the sandbox must have been closed by the caller.

        Raises:
            HostFullError: too little disk for the image; the sandbox still runs.
            PauseFailedError: the image could not be made; the sandbox is gone, its disk is safe.
            SandboxUnavailableError: there is no such sandbox running.
        """

    async def resume(self, spec: SandboxSpec, image: Path) -> RunningSandbox:
        """Bring a sandbox back from an image over its unchanged disk, or over a disk with the same content.

        Raises:
            ImageDamagedError: the image is missing, incomplete, altered, or fits neither runtime nor CPU.
            BootFailedError: the runtime refused; nothing is left behind.
            HostFullError: the host lacks memory.
        """

    async def destroy(self, sandbox: SandboxId) -> None:
        """End a sandbox and free everything it held but `upper`; nothing happens when it is not there."""

    async def freeze(self, sandbox: SandboxId) -> None:
        """Stop every process of a sandbox in place; repeatable."""

    async def thaw(self, sandbox: SandboxId) -> None:
        """Let a frozen sandbox go on; repeatable."""

    async def find(self, sandbox: SandboxId) -> RunningSandbox | None:
        """Return a sandbox that runs on this host (perhaps left by a runner that died), or None."""

    async def list_sandboxes(self) -> tuple[SandboxId, ...]:
        """Return every sandbox of which this host holds anything: process, mount, namespace, cgroup or folder."""

    async def usage(self, sandbox: SandboxId) -> SandboxUsage:
        """Return what a sandbox uses now."""

    def listen(self, sandbox: SandboxId, port: int) -> socket.socket:
        """Return a listening TCP socket on the host end of a sandbox's link, at `GATEWAY_ADDRESS`.

        May be called as soon as boot or resume has returned.
        """

    async def link(self, sandbox: SandboxId) -> GuestLink:
        """Return a connected link to the guest of a running sandbox; the caller closes it.

        Raises:
            SandboxUnavailableError: the guest does not answer in time.
        """

    async def wait_gone(self, sandbox: SandboxId) -> int:
        """Return once the sandbox's runtime process has ended, with its exit code (-1 when unknown)."""
