"""What the engine asks of whatever runs the runners: local processes, or Kubernetes pods."""

from dataclasses import dataclass
from typing import Protocol

from lot.core.ids import RunnerId, SandboxId
from lot.runner.client import RunnerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerHandle:
    """One runner that exists."""

    runner: RunnerId
    address: str
    """Where it is reached, such as a unix socket's path."""


class Fleet(Protocol):
    """Starts, watches and stops runners. Who may run a session is decided by the store's lease, never here."""

    async def open(self) -> None:
        """Get ready: find runners left by an earlier control plane, keep idle ones warm."""

    async def take(self) -> tuple[RunnerHandle, RunnerClient]:
        """Return an idle runner, a ready one if there is; it is no longer idle.

        Raises:
            UnavailableError: none could be started, with the reason.
        """

    async def find(self, runner: RunnerId) -> tuple[RunnerHandle, RunnerClient] | None:
        """Return a runner by its id if it is alive (also one of an earlier control plane)."""

    async def is_dead(self, runner: RunnerId) -> bool:
        """Return whether a runner is PROVED dead: it and its watchdog have ended and will do nothing more."""

    async def list_runners(self) -> tuple[RunnerHandle, ...]:
        """Return all runners that are alive, idle ones included."""

    async def stop(self, runner: RunnerId) -> None:
        """End a runner at once, whatever it does; repeatable. Its sandbox is left to `reap_sandbox` or adoption."""

    async def list_sandboxes(self) -> tuple[SandboxId, ...]:
        """Return every sandbox of which anything is left on the hosts."""

    async def reap_sandbox(self, sandbox: SandboxId) -> None:
        """Destroy what is left of a sandbox that no runner serves; repeatable."""

    async def close(self, *, stop_idle: bool = True) -> None:
        """Let go: idle runners end, assigned ones live on."""
