"""The bare runtime: `runsc` with the same disk, limits, network and flags as a session's, and the dev server as its
first process. No guest, no runner, no image hashes, no syncing: what is left is what any driver must wait for."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lot.config import SIZES
from lot.core.errors import BootFailedError, CommandTimedOutError, PauseFailedError
from lot.core.ids import SandboxId
from lot.sandbox import bundle, layers, network
from lot.sandbox.cgroups import Cgroups, detect_cgroups
from lot.sandbox.driver import GUEST_ADDRESS, Resources, SandboxSpec
from lot.sandbox.home import Installation, SandboxHome
from lot.sandbox.runsc import Runsc
from lot.sandbox.runtime import Runtime

ANSWER_TIMEOUT_S = 60.0
CHECKPOINT_TIMEOUT_S = 60.0
POLL_S = 0.005
_CONNECT_S = 0.1
_READ_S = 5.0
_SIZE = SIZES["small"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BareRuntime:
    """Runs one sandbox after the other from the same read-only layers."""

    folder: Path
    """Its own; on the same file system as the layers."""
    runtime: Runtime
    stack: tuple[Path, ...]
    """Read-only layers, lowest first: base image and snapshot."""
    command: str
    """Starts the dev server, in the workspace."""
    port: int

    @contextmanager
    def sandbox(self, name: str) -> Iterator["BareSandbox"]:
        """Prepare a sandbox, not yet started, for the length of the block; nothing of it is left afterwards."""
        home = Installation(self.folder).home(SandboxId(name))
        spec = SandboxSpec(
            sandbox=home.sandbox,
            layers=self.stack,
            upper=self.folder / "uppers" / name,
            resources=Resources(cpus=_SIZE.cpus, memory_bytes=_SIZE.memory_bytes),
        )
        sandbox = BareSandbox(self, home, spec, detect_cgroups())
        try:
            yield sandbox
        finally:
            sandbox.clear()
            for folder in (spec.upper, home.folder, home.state, sandbox.image):
                shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class BareSandbox:
    """One sandbox. Each timed call is preceded by its untimed preparation, which a session's figure includes."""

    bare: BareRuntime
    home: SandboxHome
    spec: SandboxSpec
    cgroups: Cgroups

    @property
    def image(self) -> Path:
        """Where its memory is saved."""
        return self.bare.folder / "images" / self.home.sandbox

    def start(self) -> float:
        """Return the seconds from `runsc run` to the dev server's first HTTP 200.

        Raises:
            BootFailedError, CommandTimedOutError: it did not come up, or did not answer.
        """
        self._prepare()
        return self._timed_start(None)

    def checkpoint(self) -> float:
        """Return the seconds that `runsc checkpoint` took.

        Raises:
            PauseFailedError: it failed.
        """
        self.image.mkdir(parents=True)
        began = time.monotonic()
        code = Runsc(self.bare.runtime).begin_checkpoint(self.home, self.image).wait(CHECKPOINT_TIMEOUT_S)
        seconds = time.monotonic() - began
        if code != 0 or not any(self.image.iterdir()):
            raise PauseFailedError(f"runsc checkpoint ended with code {code}: {self.home.log.read_text()[-500:]}")
        self.clear()
        return seconds

    def restore(self) -> float:
        """Return the seconds from `runsc restore` to the dev server's next HTTP 200.

        Raises:
            BootFailedError, CommandTimedOutError: it did not come back, or did not answer.
        """
        self._prepare()
        return self._timed_start(self.image)

    def clear(self) -> None:
        """End it and free all but its disk and its image; repeatable."""
        self.cgroups.kill(self.home.cgroup)
        network.remove_network(self.home)
        layers.unmount(self.home.rootfs)
        self.cgroups.remove(self.home.cgroup)
        shutil.rmtree(self.home.state, ignore_errors=True)

    def _prepare(self) -> None:
        self.home.folder.mkdir(parents=True, exist_ok=True)
        self.home.state.mkdir(parents=True)
        network.create_network(self.home, "none", network.DEFAULT_UPLINKS)
        skeleton = bundle.ensure_skeleton(self.bare.folder / "skeleton")
        layers.mount_overlay((skeleton, *self.spec.layers), self.spec.upper, self.home.rootfs)
        self.cgroups.create(self.home.cgroup, self.spec.resources)
        if not self.home.files.exists():
            bundle.place_files(self.home, self.spec)
        bundle.write_bundle(self.home, self.spec, _init(self.bare.command))

    def _timed_start(self, image: Path | None) -> float:
        began = time.monotonic()
        Runsc(self.bare.runtime).start(self.home, self.cgroups, image)
        self._wait_for_answer()
        return time.monotonic() - began

    def _wait_for_answer(self) -> None:
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > until:
                raise CommandTimedOutError(f"the bare dev server did not answer within {ANSWER_TIMEOUT_S:.0f} s")
            if not self.cgroups.processes(self.home.cgroup):
                raise BootFailedError(f"the bare sandbox has ended: {self.home.log.read_text()[-500:]}")
            time.sleep(POLL_S)

    def _answers(self) -> bool:
        with network.socket_in(self.home.host_namespace) as connection:
            connection.settimeout(_CONNECT_S)
            # Not there yet: nothing listens, or the sandbox's network is only coming up.
            try:
                connection.connect((GUEST_ADDRESS, self.bare.port))
                connection.settimeout(_READ_S)
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return connection.recv(64).startswith(b"HTTP/1.1 200")
            except OSError:
                return False


def _init(command: str) -> tuple[str, ...]:
    # As user `lot`, and with an input that stays open: a dev server ends when its own does.
    user = ("setpriv", "--reuid=1000", "--regid=1000", "--init-groups", "env", "HOME=/home/lot")
    return (*user, "bash", "-lc", f"cd /workspace && tail -f /dev/null | {command}")
