"""What a watchdog process does to a sandbox when the runner's event loop is stuck: synchronous, and of few imports."""

from pathlib import Path

from lot.core.ids import SandboxId
from lot.sandbox.cgroups import detect_cgroups
from lot.sandbox.home import Installation


def freeze_now(data_dir: Path, sandbox: SandboxId) -> None:
    """Stop every process of a sandbox in place; repeatable.

    Raises:
        OSError: there is no such sandbox, or it would not freeze.
    """
    detect_cgroups().freeze(Installation(data_dir).home(sandbox).cgroup)


def kill_now(data_dir: Path, sandbox: SandboxId) -> None:
    """Kill every process of a sandbox, frozen or not; what else it held stays until it is destroyed.

    Raises:
        OSError: some process would not die.
    """
    detect_cgroups().kill(Installation(data_dir).home(sandbox).cgroup)
