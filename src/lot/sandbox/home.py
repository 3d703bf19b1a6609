"""Where everything of one sandbox on this host is found, computed from its id alone, so that any process can adopt or
destroy what another one left behind.

Names carry a tag of the installation (its data folder): two installations on one host never touch each other's.
Leaves out what the places hold (`bundle.py`, `network.py`, `cgroups.py`).
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lot.core.errors import InvalidInputError
from lot.core.ids import SandboxId

RUN_DIR = Path("/run")
"""Lost at a reboot, as is everything that runs; short, because the runtime's control socket lies below it."""

_VALID_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Installation:
    """The sandboxes of one data folder."""

    data_dir: Path

    @property
    def tag(self) -> str:
        """Six hexadecimal digits that tell this installation's names from another's."""
        return _digest(str(self.data_dir.resolve()), 6)

    @property
    def sandboxes_dir(self) -> Path:
        """One folder for each sandbox that this host holds anything of."""
        return self.data_dir / "sandboxes"

    @property
    def run_dir(self) -> Path:
        """The part that does not outlive a reboot."""
        return RUN_DIR / f"lot-{self.tag}"

    @property
    def cgroup(self) -> str:
        """Parent of all its sandboxes' control groups, relative to the root of each hierarchy."""
        return f"lot-{self.tag}"

    @property
    def namespace_prefix(self) -> str:
        """How the names of its network namespaces begin."""
        return f"lot-{self.tag}-"

    def home(self, sandbox: SandboxId) -> "SandboxHome":
        """Return the places of one sandbox.

        Raises:
            InvalidInputError: the id could not stand in a file name.
        """
        if not _VALID_ID.fullmatch(sandbox):
            raise InvalidInputError(f"{sandbox!r} is no sandbox id: use lower-case letters, digits and dashes")
        return SandboxHome(installation=self, sandbox=sandbox)

    def known(self, namespaces: Iterable[str], cgroups: Iterable[str]) -> tuple[SandboxId, ...]:
        """Return the ids of all sandboxes that left a folder, or one of the given namespaces or control groups."""
        found = {*_names_in(self.sandboxes_dir), *_names_in(self.run_dir), *cgroups}
        prefix = self.namespace_prefix
        found |= {
            name[len(prefix) : -2] for name in namespaces if name.startswith(prefix) and name[-2:] in ("-r", "-s")
        }
        return tuple(SandboxId(name) for name in sorted(found))


@dataclass(frozen=True, slots=True)
class SandboxHome:
    """The places and names of one sandbox."""

    installation: Installation
    sandbox: SandboxId

    @property
    def folder(self) -> Path:
        """Everything of it on disk but its upper."""
        return self.installation.sandboxes_dir / self.sandbox

    @property
    def rootfs(self) -> Path:
        """Where its root file system is mounted."""
        return self.folder / "rootfs"

    @property
    def files(self) -> Path:
        """What is mounted into it read-only, as our own copies."""
        return self.folder / "files"

    @property
    def log(self) -> Path:
        """What the runtime said at boot or resume."""
        return self.folder / "runtime.log"

    @property
    def spec(self) -> Path:
        """Says what it was started from."""
        return self.folder / "spec.json"

    @property
    def saving(self) -> Path:
        """Says where a pause that has begun puts its image."""
        return self.folder / "saving.json"

    @property
    def state(self) -> Path:
        """The runtime's own records."""
        return self.installation.run_dir / self.sandbox

    @property
    def pid_file(self) -> Path:
        """Written by the runtime once its process exists."""
        return self.state / "pid"

    @property
    def checkpoint_lock(self) -> Path:
        """Locked for as long as a checkpoint is under way."""
        return self.state / "checkpoint.lock"

    @property
    def checkpoint_exit(self) -> Path:
        """Exit code of the checkpoint, written when it ends."""
        return self.state / "checkpoint.exit"

    @property
    def running(self) -> Path:
        """Written last at boot and resume: only a sandbox that has it is on."""
        return self.state / "running.json"

    @property
    def cgroup(self) -> str:
        """Its control group, relative to the root of each hierarchy."""
        return f"{self.installation.cgroup}/{self.sandbox}"

    @property
    def host_namespace(self) -> str:
        """Network namespace with the host end of its link."""
        return f"{self.installation.namespace_prefix}{self.sandbox}-r"

    @property
    def guest_namespace(self) -> str:
        """Network namespace that one run of the runtime uses up."""
        return f"{self.installation.namespace_prefix}{self.sandbox}-s"

    @property
    def uplink(self) -> str:
        """Network device in the host's own namespace; 15 characters at most."""
        return f"lot-{_digest(self.host_namespace, 11)}"


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a JSON record that we wrote, or None when there is none or it was never finished."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Replace a JSON record; whoever reads it sees the old one or the new one, whole."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(record))
    os.replace(partial, path)


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except FileNotFoundError:
        return set()


def _digest(text: str, length: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()[:length]
