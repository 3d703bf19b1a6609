"""Puts a runner's real parts together: gVisor, Claude, the gateway to the broker, git in the workspace."""

import os
import shutil
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lot.core.errors import InvalidInputError
from lot.core.ids import SandboxId
from lot.guest.build import build_guest
from lot.harness.acp import PROGRAM_PREFIX, AcpHarness
from lot.harness.claude import ClaudeHarness, ClaudePlace, agent_binary
from lot.harness.harness import AgentBinary, Harness, SessionTools
from lot.runner.control_plane import BrokerControlPlane
from lot.runner.gateway import SandboxGateway
from lot.runner.parts import ControlPlane, Credentials, Gateway, RunnerParts, RunnerSettings
from lot.runner.watchdog import SandboxHands
from lot.runner.workspace import Workspace
from lot.sandbox import emergency
from lot.sandbox.cgroups import detect_cgroups
from lot.sandbox.driver import ReadOnlyMount, SandboxDriver
from lot.sandbox.gvisor import GvisorDriver
from lot.sandbox.home import Installation
from lot.sandbox.link import GuestLink
from lot.sandbox.runtime import load_runtime

_AGENT_FILE = "claude"


def make_parts(settings: RunnerSettings) -> RunnerParts:
    """Return what the runners of this installation are made of; reads nothing yet."""
    return _GvisorParts(settings)


@dataclass(frozen=True, slots=True)
class _GvisorParts:
    settings: RunnerSettings

    def driver(self) -> SandboxDriver:
        return GvisorDriver(
            data_dir=self.settings.data_dir,
            runtime=load_runtime(self.settings.runtime_dir),
            guest=build_guest(self.settings.data_dir / "guest"),
            memory_reserve_bytes=self.settings.memory_reserve_bytes,
            disk_reserve_bytes=self.settings.disk_reserve_bytes,
        )

    def hands(self) -> SandboxHands:
        return _GvisorHands(self.settings.data_dir)

    def mounts(self) -> tuple[ReadOnlyMount, ...]:
        agent = _agent_folder(self.settings.data_dir / "agents", agent_binary())
        return (ReadOnlyMount(source=agent, target=_agent_target()),)

    def harness(self, program: str, tools: SessionTools) -> Harness:
        if program.startswith(PROGRAM_PREFIX):
            return AcpHarness()
        if program != "claude":
            raise InvalidInputError(f"there is no harness for the agent program {program!r}")
        return ClaudeHarness(ClaudePlace(binary=_agent_target() / _AGENT_FILE), tools)

    def control_plane(self, credentials: Credentials) -> ControlPlane:
        return BrokerControlPlane(credentials)

    def gateway(self, listener: socket.socket, credentials: Credentials) -> Gateway:
        return SandboxGateway(listener, credentials)

    def workspace(self, link: GuestLink) -> Workspace:
        return Workspace(link)


def _agent_target() -> PurePosixPath:
    """Return where sandboxes see the agent program: another version is another place, so that an image says which."""
    return PurePosixPath("/opt/lot") / f"claude-{agent_binary().version}"


def _agent_folder(folder: Path, agent: AgentBinary) -> Path:
    """Return a folder that holds the agent program alone, made once.

    A folder is mounted as it is, while a file would be copied for each sandbox: it has 381 MB. It is a folder of
    ours because a sandbox that sleeps must find the very same file when an upgrade has replaced the package's.
    """
    target = folder / f"claude-{agent.version}"
    if target.is_dir():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder))
    unfinished.chmod(0o755)
    try:
        os.link(agent.source, unfinished / _AGENT_FILE)
    except OSError:  # on another file system
        shutil.copy2(agent.source, unfinished / _AGENT_FILE)
    try:
        unfinished.rename(target)
    except OSError:  # another runner was faster
        shutil.rmtree(unfinished)
    return target


@dataclass(frozen=True, slots=True)
class _GvisorHands:
    """The emergency functions of the sandbox, for which a sandbox that is not there is no error."""

    data_dir: Path

    def freeze_now(self, sandbox: SandboxId) -> None:
        with suppress(FileNotFoundError):
            emergency.freeze_now(self.data_dir, sandbox)

    def thaw_now(self, sandbox: SandboxId) -> None:
        with suppress(FileNotFoundError):
            detect_cgroups().thaw(Installation(self.data_dir).home(sandbox).cgroup)

    def kill_now(self, sandbox: SandboxId) -> None:
        with suppress(FileNotFoundError):
            emergency.kill_now(self.data_dir, sandbox)
