"""What a runner is made of, so that each part can have a stand-in; the real ones are put together in `compose.py`."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from lot.core.records import SetupCommands
from lot.harness.harness import Harness, SessionTools
from lot.runner.protocol import DiffResult, PublishOrder, PublishResult, SyncOrder, SyncResult
from lot.runner.watchdog import SandboxHands
from lot.sandbox.driver import ReadOnlyMount, SandboxDriver
from lot.sandbox.link import GuestLink

WORKSPACE = PurePosixPath("/workspace")


class RunnerSettings(BaseModel):
    """What a runner has to know of the installation. Holds no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path
    runtime_dir: Path
    memory_reserve_bytes: int
    disk_reserve_bytes: int

    @property
    def runners_dir(self) -> Path:
        """A folder for each runner."""
        return self.data_dir / "run" / "runners"

    @property
    def holds_dir(self) -> Path:
        """A file for each sandbox that a runner holds."""
        return self.data_dir / "run" / "holds"

    @property
    def control_socket(self) -> Path:
        """Where the control plane serves its runners."""
        return self.data_dir / "run" / "control.sock"

    @property
    def lease_socket(self) -> Path:
        """Where the control plane renews leases."""
        return self.data_dir / "run" / "lease.sock"

    @property
    def images_of_pauses_dir(self) -> Path:
        """A folder for each hibernation image."""
        return self.data_dir / "hibernation"


class Gateway(Protocol):
    """What a sandbox may reach on its host, served on one listening socket."""

    async def open(self) -> None:
        """Serve, or go on after `quiesce`."""

    async def quiesce(self) -> None:
        """End every stream in order and close every connection, and take no new ones."""

    async def close(self) -> None:
        """End for good."""


class ControlPlane(Protocol):
    """What a runner may ask of the control plane for its session, beside the model and git."""

    async def create_pull_request(self, title: str | None, body: str | None) -> str:
        """Open the session's pull request or update it; return what to tell the agent.

        Raises:
            LotError: why it could not be done.
        """

    async def propose_setup(self, commands: SetupCommands) -> str:
        """Have the project's snapshot built by these commands; return how far that is. Raises as above."""

    async def restart_dev_server(self) -> bool:
        """Have the dev server ended and started again with the newest environment; False: there is none.

        Raises:
            LotError: why it could not be done.
        """


class Workspace(Protocol):
    """The checkout in a sandbox."""

    async def sync(self, order: SyncOrder) -> SyncResult:
        """Bring it to the newest commit of the base branch."""

    async def diff(self, base_commit: str, paths: Sequence[str] = ()) -> DiffResult:
        """Return what differs from a commit, everywhere or at some paths."""

    async def ignored_folders(self) -> frozenset[str]:
        """Return the folders that git ignores, relative to the workspace."""

    async def publish(self, order: PublishOrder) -> PublishResult:
        """Commit what is there and push it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How a runner's gateway shows the control plane for whom it asks."""

    control_socket: Path
    pass_token: str


class RunnerParts(Protocol):
    """Makes the parts of one runner."""

    def driver(self) -> SandboxDriver:
        """Return the sandbox driver of this host."""

    def hands(self) -> SandboxHands:
        """Return what the watchdog acts with."""

    def mounts(self) -> tuple[ReadOnlyMount, ...]:
        """Return what every sandbox sees of the host beside what its driver gives it: the agent program."""

    def harness(self, program: str, tools: SessionTools) -> Harness:
        """Return a harness for an agent program (as `core.records.Session.program`) that drives nothing yet.

        Raises:
            InvalidInputError: there is none for this program.
        """

    def control_plane(self, credentials: Credentials) -> ControlPlane:
        """Return what a runner may ask of the control plane for its session."""

    def gateway(self, listener: socket.socket, credentials: Credentials) -> Gateway:
        """Return a gateway on a socket; it takes the socket over."""

    def workspace(self, link: GuestLink) -> Workspace:
        """Return the checkout behind a link."""
