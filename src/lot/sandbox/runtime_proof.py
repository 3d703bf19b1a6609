"""Proves that a `runsc` can do on this machine all that Lot needs of it: boot, network, write, checkpoint, restore.

The sandbox sees the host's /usr read-only and nothing else of it, so no image is needed. Both ends of its network
link lie in namespaces of their own: neither the host's addresses nor its firewall take part.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lot.core.errors import SetupError
from lot.sandbox.exclusive import exclusive

STEP_TIMEOUT_S = 30.0
PATIENCE_S = 5.0
LOCK = Path("/run/lot-proof.lock")
_NAME = "lot-proof-"
NEEDED_FLAGS = ("--platform", "--overlay2", "--net-disconnect-ok")
SYSCTL_FOLDER = Path("/proc/sys/net/core")
_REFUSES_NETWORK = "cannot run with network enabled in root network namespace"
_SANDBOX_ADDRESS, _CLIENT_ADDRESS, _PORT = "192.0.2.2", "192.0.2.1", 7000
_SANDBOX_MAC, _CLIENT_MAC = "02:00:00:00:02:02", "02:00:00:00:02:01"

_PROGRAM = f"""
import os, signal, socket, threading
word = os.urandom(8).hex()
ticks = 0
def tick(*_):
    global ticks
    ticks += 1
def work():
    for _ in range(4000):
        sum(range(3000))
def send_signals_to_busy_threads():
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            if thread.is_alive():
                signal.pthread_kill(thread.ident, signal.SIGUSR1)
def answer():
    connection, _ = server.accept()
    with connection:
        connection.sendall(f"{{word}} {{ticks}}".encode())
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.signal(signal.SIGALRM, tick)
with open("/proof/note", "w") as note:
    note.write(word)
server = socket.create_server(("", {_PORT}))
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
answer()
send_signals_to_busy_threads()
while True:
    answer()
"""
"""Keeps a random word in memory and in a file, and counts in memory by a thousand signals a second.

Between its first two answers it sends signals to busy threads: a runsc that was built with a Go too new for it dies of
them, as Debian sid's build of 20240729 (Go 1.26) does. A quarter as many let two of five such proofs pass.
"""

_CLIENT = f"""
import socket, time
while True:
    try:
        with socket.create_connection(("{_SANDBOX_ADDRESS}", {_PORT}), timeout=0.2) as connection:
            connection.settimeout(None)
            answer = connection.makefile().read()
    except OSError:
        answer = ""
    if answer:
        break
    time.sleep(0.01)
print(answer)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a proven runtime needs on this machine, and how long each step of the proof took."""

    platform: str
    needs_sysctl_mask: bool
    boot_s: float
    checkpoint_s: float
    restore_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """One sandbox of the proof: its folder and the way its runtime is called."""

    binary: Path
    flags: tuple[str, ...]
    folder: Path
    container: str
    patience_s: float

    def command(self, verb: str, *arguments: str) -> list[str]:
        return [str(self.binary), *self.flags, verb, *arguments, self.container]

    @contextmanager
    def up(self, verb: str, link: "_Link", *, needs_sysctl_mask: bool) -> Iterator["_LiveSandbox"]:
        """Keep a sandbox up that was booted (`run`) or brought back (`restore`) for the length of the block.

        The runtime stays our child: one that detaches is orphaned, and where process 1 is slow to reap orphans
        `runsc delete` waits for it (seen: 1.7 s).
        """
        _write_config(self, link)
        image = (f"-image-path={self.folder / 'image'}",) if verb == "restore" else ()
        command = self.command(verb, f"-bundle={self.folder}", *image)
        log = self.folder / f"{verb}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                # With us ends the runtime, and with that its sandbox: gVisor ties an attached one to it.
                [*_prefix(link, needs_sysctl_mask), "setpriv", "--pdeathsig=KILL", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            yield _LiveSandbox(verb=verb, process=process, log=log, link=link, patience_s=self.patience_s)
        finally:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End the sandbox, dead or alive."""
        if self._try("kill", self.container, "KILL"):
            # `delete` would wait for process 1 to reap what `restore` leaves to it (seen: 1.5 s); nothing else is left.
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
                return
        process.kill()
        process.wait()
        self._try("delete", "-force", self.container)

    def _try(self, *arguments: str) -> bool:
        command = [str(self.binary), *self.flags, *arguments]
        done = subprocess.run(
            command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=STEP_TIMEOUT_S
        )
        return done.returncode == 0


@dataclass(frozen=True, slots=True)
class _Link:
    """A network link used up by one boot or restore; the names are those of its two namespaces."""

    sandbox: str
    client: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _LiveSandbox:
    """A sandbox of the proof that is on, or fails to come up."""

    verb: str
    process: subprocess.Popen[bytes]
    log: Path
    link: _Link
    patience_s: float

    def ask(self) -> tuple[str, int]:
        """Return the word and the count that the sandbox has in memory."""
        command = [*_entering(self.link.client), sys.executable, "-I", "-c", _CLIENT]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as client:
            give_up = time.monotonic() + self.patience_s
            while client.poll() is None and self.process.poll() is None and time.monotonic() < give_up:
                time.sleep(0.005)
            client.kill()
            answer = (client.stdout.read() if client.stdout else b"").decode().split()
        if len(answer) == 2:
            return answer[0], int(answer[1])
        said = self.log.read_text(errors="replace").strip()[-500:] or "the sandbox died without a word"
        if self.process.poll() is None:
            raise SetupError(f"after runsc {self.verb} nothing answered within {self.patience_s:.0f} s: {said}")
        raise SetupError(f"runsc {self.verb} ended with code {self.process.returncode}: {said}")


def prove(binary: Path, *, platform: str = "systrap", patience_s: float = STEP_TIMEOUT_S) -> Proof:
    """Boot a tiny sandbox, save it, bring it back, and see that memory, files and network are as they were.

    Args:
        binary: The runsc to prove.
        platform: gVisor's platform, such as `systrap` or `kvm`.
        patience_s: How long the sandbox may take to answer after boot and after restore.

    Raises:
        SetupError: with what failed and what the runtime said.
    """
    if os.geteuid() != 0:
        raise SetupError("proving runsc needs root. Next step: run the command again with sudo.")
    _require_flags(binary)
    with exclusive(LOCK):
        _sweep()
        try:
            return _prove(binary, platform, patience_s, needs_sysctl_mask=False)
        except SetupError as error:
            if _REFUSES_NETWORK not in str(error):
                raise
        return _prove(binary, platform, patience_s, needs_sysctl_mask=True)


def _sweep() -> None:
    """Remove what a proof left that was killed half way; the lock says that none is under way."""
    for namespace in Path("/run/netns").glob(f"{_NAME}*"):
        _output(["ip", "netns", "delete", namespace.name])
    for folder in Path(tempfile.gettempdir()).glob(f"{_NAME}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _require_flags(binary: Path) -> None:
    known = _output([str(binary), "flags"])
    missing = [flag for flag in NEEDED_FLAGS if f"{flag.removeprefix('-')} " not in known]
    missing = [flag for flag in missing if f"{flag.removeprefix('-')}\n" not in known]
    if missing:
        raise SetupError(f"it is too old: it does not know {', '.join(missing)}")


def _prove(binary: Path, platform: str, patience_s: float, *, needs_sysctl_mask: bool) -> Proof:
    with _trial(binary, platform, patience_s) as trial:
        started = time.monotonic()
        with _fresh_link() as link, trial.up("run", link, needs_sysctl_mask=needs_sysctl_mask) as sandbox:
            sandbox.ask()
            booted = time.monotonic()
            first = sandbox.ask()
            stressed = time.monotonic()
            _output(trial.command("checkpoint", f"-image-path={trial.folder / 'image'}"))
            saved = time.monotonic()
        with _fresh_link() as link:
            before_restore = time.monotonic()
            with trial.up("restore", link, needs_sysctl_mask=needs_sysctl_mask) as sandbox:
                second = sandbox.ask()
                restored = time.monotonic()
                _compare(first, second, sandbox.ask(), (trial.folder / "root/proof/note").read_text())
    return Proof(
        platform=platform,
        needs_sysctl_mask=needs_sysctl_mask,
        boot_s=booted - started,
        checkpoint_s=saved - stressed,
        restore_s=restored - before_restore,
        total_s=time.monotonic() - started,
    )


def _compare(before: tuple[str, int], after: tuple[str, int], later: tuple[str, int], note: str) -> None:
    if not before[0] == after[0] == later[0]:
        raise SetupError(f"the restored memory differs: the word was {before[0]}, and is {after[0]}")
    if not before[1] < after[1] < later[1]:
        raise SetupError(f"the count in memory did not go on: {before[1]}, then {after[1]}, then {later[1]}")
    if note != before[0]:
        raise SetupError("the file that the sandbox wrote differs from what it has in memory")


@contextmanager
def _trial(binary: Path, platform: str, patience_s: float) -> Iterator[_Trial]:
    folder = Path(tempfile.mkdtemp(prefix=_NAME))
    flags = (
        f"--root={folder / 'state'}",
        "--ignore-cgroups",
        f"--platform={platform}",
        "--overlay2=none",
        "--net-disconnect-ok",
    )
    trial = _Trial(
        binary=binary,
        flags=flags,
        folder=folder,
        container=f"{_NAME}{secrets.token_hex(4)}",
        patience_s=patience_s,
    )
    try:
        _make_root(folder / "root")
        (folder / "image").mkdir()
        yield trial
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_root(root: Path) -> None:
    for name in ("usr", "dev", "proc", "tmp", "proof"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        host = Path("/", name)
        if host.is_symlink():
            (root / name).symlink_to(os.readlink(host))


def _write_config(trial: _Trial, link: _Link) -> None:
    """Write the bundle's configuration. Source: the OCI runtime specification, `config.json`."""
    python = Path(sys.executable).resolve()
    visible = {Path("/usr"), *(() if python.is_relative_to("/usr") else (Path(sys.base_prefix),))}
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"}]
    binds = [
        {"destination": str(path), "type": "bind", "source": str(path), "options": ["rbind", "ro"]} for path in visible
    ]
    config = {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": [str(python), "-I", "-c", _PROGRAM],
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
        },
        "root": {"path": str(trial.folder / "root"), "readonly": False},
        "mounts": [*mounts, *binds],
        "linux": {
            "namespaces": [
                *({"type": kind} for kind in ("pid", "mount", "ipc", "uts")),
                {"type": "network", "path": f"/run/netns/{link.sandbox}"},
            ]
        },
    }
    (trial.folder / "config.json").write_text(json.dumps(config))


@contextmanager
def _fresh_link() -> Iterator[_Link]:
    """Make two namespaces joined by a veth pair; its MAC addresses never change: a restored stack remembers them."""
    name = f"{_NAME}{secrets.token_hex(4)}"
    link = _Link(sandbox=f"{name}-s", client=f"{name}-c")
    try:
        for name in (link.sandbox, link.client):
            _output(["ip", "netns", "add", name])
        for name, command in (
            (link.client, f"link add eth0 address {_CLIENT_MAC} type veth peer name eth1 address {_SANDBOX_MAC}"),
            (link.client, f"link set eth1 netns {link.sandbox} name eth0"),
            (link.client, f"address add {_CLIENT_ADDRESS}/30 dev eth0"),
            (link.client, "link set eth0 up"),
            # Known beforehand, or a first question that comes before the sandbox is ready costs a second of waiting.
            (link.client, f"neighbour replace {_SANDBOX_ADDRESS} lladdr {_SANDBOX_MAC} dev eth0"),
            (link.sandbox, f"address add {_SANDBOX_ADDRESS}/30 dev eth0"),
            (link.sandbox, "link set lo up"),
            (link.sandbox, "link set eth0 up"),
            (link.sandbox, f"route add default via {_CLIENT_ADDRESS}"),
        ):
            _output([*_entering(name), "ip", *command.split()])
        yield link
    finally:
        for namespace in (link.sandbox, link.client):
            subprocess.run(["ip", "netns", "delete", namespace], stderr=subprocess.DEVNULL, timeout=STEP_TIMEOUT_S)


def _entering(namespace: str) -> list[str]:
    # Not `ip netns exec` or `ip -n`: they mount a fresh /sys, which hides the cgroup tree from runsc.
    return ["nsenter", f"--net=/run/netns/{namespace}"]


def _prefix(link: _Link, needs_sysctl_mask: bool) -> list[str]:
    """Return what runsc is called through: with kernel >= 6.15 an old one takes every namespace for the host's."""
    if not needs_sysctl_mask:
        return []
    # Only /proc is made private: that suffices, and works in a chroot too, where / is no mount of its own.
    script = f'mount --make-rprivate /proc && mount -t tmpfs -o ro lot {SYSCTL_FOLDER} && exec "$@"'
    return [*_entering(link.sandbox), "unshare", "--mount", "--propagation=unchanged", "sh", "-c", script, "sh"]


def _output(command: Sequence[str], timeout_s: float = STEP_TIMEOUT_S) -> str:
    """Return what a command printed on both streams.

    Raises:
        SetupError: it is missing, failed or took too long.
    """
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"{command[0]}: {error}") from error
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise SetupError(f"{' '.join(command[:4])} failed with code {done.returncode}: {said.strip()[-500:]}")
    return said
