"""Calls of the `runsc` program: run, restore and checkpoint, with the flags and surroundings that each needs.

Every sandbox has a state folder of its own, so the runtime's commands see that one sandbox only.
"""

import fcntl
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lot.core.errors import BootFailedError
from lot.sandbox.cgroups import Cgroups
from lot.sandbox.home import SandboxHome, read_record
from lot.sandbox.network import NAMESPACES_DIR
from lot.sandbox.runtime import Runtime

START_TIMEOUT_S = 60.0
_LOG_TAIL_BYTES = 2000
_LOG_HEAD_BYTES = 1 << 20
_REASON = b"can't be"
"""Of what cannot be saved or restored, in the runtime's words."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Runsc:
    """The proven runtime of this host, as a caller of its commands."""

    runtime: Runtime

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags that must be the same at run, checkpoint and restore: they are stored with an image."""
        # The number of processors inside: that of the control group's quota.
        return (*self.runtime.global_flags, "--cpu-num-from-quota")

    def start(self, home: SandboxHome, cgroups: Cgroups, image: Path | None) -> int:
        """Start a sandbox from its bundle, fresh or from a memory image; return its process id.

        It outlives this process. Everything that is started joins the sandbox's control group first, so that group
        holds all that has to be killed, at any moment.

        Raises:
            BootFailedError: with what the runtime said.
        """
        verb = ["run"] if image is None else ["restore", f"-image-path={image}"]
        command = self._command(home, *verb, "-detach", f"-bundle={home.folder}", f"-pid-file={home.pid_file}", "s")
        with home.log.open("wb") as log:
            launcher = subprocess.Popen(
                [
                    *("nsenter", f"--net={NAMESPACES_DIR / home.guest_namespace}"),
                    # Slave, not private: this copy of the mounts must not keep a disk busy that the host unmounts.
                    *("unshare", "--mount", "--propagation", "slave"),
                    *("sh", "-c", self._launch_script(home, cgroups), "sh", *command),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": _PATH},
                start_new_session=True,
            )
        try:
            code = launcher.wait(START_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise BootFailedError(
                f"runsc {verb[0]} did not finish within {START_TIMEOUT_S:.0f} s: {said(home)}"
            ) from error
        if code != 0:
            raise BootFailedError(f"runsc {verb[0]} ended with code {code}: {said(home)}")
        return int(home.pid_file.read_text())

    def _launch_script(self, home: SandboxHome, cgroups: Cgroups) -> str:
        joins = [f"echo $$ > {shlex.quote(str(file))}" for file in cgroups.joins(home.cgroup)]
        # An old runsc on kernel >= 6.15 takes every namespace for the host's when it sees this folder's files.
        mask = ["mount -t tmpfs -o ro lot /proc/sys/net/core"] if self.runtime.needs_sysctl_mask else []
        return " && ".join([*joins, *mask, 'exec "$@"'])

    def begin_checkpoint(self, home: SandboxHome, into: Path) -> "subprocess.Popen[bytes]":
        """Begin to save a sandbox's memory into the folder `into`; it ends with the sandbox gone.

        It goes on when this process dies: `end_of_checkpoint` waits for it, whoever began it.
        """
        options = ["-compression=none"] if "checkpoint_compression" in self.runtime.features else []
        command = self._command(home, "checkpoint", f"-image-path={into}", *options, "s")
        exit_code = shlex.quote(str(home.checkpoint_exit))
        script = f'"$@"; echo $? > {exit_code}.partial && mv {exit_code}.partial {exit_code}'
        with home.checkpoint_lock.open("a") as lock, home.log.open("wb") as log:
            # Held by what we start, from before it starts until it has ended: no moment in which it goes unnoticed.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return subprocess.Popen(
                ["sh", "-c", script, "sh", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": _PATH},
                start_new_session=True,
                pass_fds=[lock.fileno()],
            )

    def _command(self, home: SandboxHome, *arguments: str) -> list[str]:
        return [str(self.runtime.path), *self.flags, f"--root={home.state / 'runsc'}", *arguments]


def is_saving(home: SandboxHome) -> bool:
    """Return whether a checkpoint of this run of a sandbox is under way or has ended."""
    return _has_checkpoint_under_way(home) or home.checkpoint_exit.exists()


def end_of_checkpoint(home: SandboxHome, timeout_s: float) -> int | None:
    """Wait for the checkpoint that is under way, if any; return its exit code, or None when it never got so far.

    Raises:
        TimeoutError: it goes on.
    """
    give_up_at = time.monotonic() + timeout_s
    while _has_checkpoint_under_way(home):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"runsc checkpoint did not end within {timeout_s:.0f} s")
        time.sleep(0.01)
    try:
        return int(home.checkpoint_exit.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _has_checkpoint_under_way(home: SandboxHome) -> bool:
    try:
        with home.checkpoint_lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def status(home: SandboxHome) -> Literal["absent", "starting", "running"]:
    """Return how far the runtime came by its own record; `running` is written just after the guest has begun to run."""
    for file in (home.state / "runsc").glob("*.state"):
        return "running" if (read_record(file) or {}).get("status") == "running" else "starting"
    return "absent"


def said(home: SandboxHome) -> str:
    """Return the end of what the runtime printed, after the first line that gives a reason for a failed checkpoint.

    The runtime ends a checkpoint that it cannot make with a dump of its stacks, so that the reason is far from the end.
    """
    try:
        with home.log.open("rb") as log:
            reason = next((line for line in log.readlines(_LOG_HEAD_BYTES) if _REASON in line), b"")
            log.seek(max(0, os.fstat(log.fileno()).st_size - _LOG_TAIL_BYTES))
            end = log.read()
    except FileNotFoundError:
        return "it said nothing"
    words = end if reason in end else reason + end
    return words.decode(errors="replace").strip() or "it said nothing"
