"""What the runtime is told about a sandbox: its OCI configuration, and the files that we put into it.

Source: the OCI runtime specification, config.md.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lot.core.errors import ImageDamagedError, InvalidInputError
from lot.guest.build import sudo_script
from lot.sandbox.driver import ReadOnlyMount, SandboxSpec
from lot.sandbox.egress import NAMESERVERS
from lot.sandbox.home import SandboxHome

CA_BUNDLE = PurePosixPath("/opt/lot/ca.crt")
CA_VARIABLES = (
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "npm_config_cafile",
)
"""How curl, Python, Node, git, pip and npm are told of certificate authorities."""

_HOST_CA_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)
GUEST_LOG = PurePosixPath("/var/log/lot-guest.log")
GUEST_PATH = PurePosixPath("/opt/lot/guest.pyz")
GUEST_STATE = PurePosixPath("/var/lib/lot")
SUDO_PATHS = (PurePosixPath("/opt/lot/bin/sudo"), PurePosixPath("/usr/local/bin/sudo"))
"""The guest puts the first one's folder in front of every PATH; the second comes first where a login shell or cron has
made its own. /usr/bin/sudo stays the image's: a package could not be upgraded whose file we cover."""

_MTIME_S = 1
"""Of every file that we put into a sandbox: a restore compares size and time with those it remembers."""

_CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        # Docker's default set ...
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
        # ... and what debuggers, sudo and databases ask for. They count inside the sandbox's own kernel alone.
        *("SYS_NICE", "SYS_PTRACE", "SYS_RESOURCE"),
    )
)


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file of ours that a sandbox sees: `name` in its files folder, `target` inside."""

    name: str
    target: PurePosixPath


def place_files(home: SandboxHome, spec: SandboxSpec) -> None:
    """Write every file that the sandbox is to see, as its own copy: the originals may change meanwhile."""
    shutil.rmtree(home.files, ignore_errors=True)
    home.files.mkdir(parents=True)
    _place(
        home.files / "hosts", f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 {spec.hostname}\n".encode()
    )
    _place(home.files / "hostname", f"{spec.hostname}\n".encode())
    servers = "".join(f"nameserver {server}\n" for server in NAMESERVERS)
    _place(home.files / "resolv.conf", f"{servers}options timeout:2 attempts:2\n".encode())
    _place(home.files / "ca.crt", _host_ca_bundle())
    _place(home.files / "sudo", sudo_script(GUEST_PATH, GUEST_STATE), 0o755)
    for mount, file in _file_mounts(spec):
        _place(home.files / file.name, mount.source.read_bytes(), mount.source.stat().st_mode & 0o777)


def restore_files(home: SandboxHome, spec: SandboxSpec, saved: Path) -> None:
    """Put back the files that a paused sandbox saw.

    Raises:
        ImageDamagedError: one that the spec names was not saved.
    """
    shutil.rmtree(home.files, ignore_errors=True)
    home.files.mkdir(parents=True)
    for file in placed_files(spec):
        original = saved / file.name
        try:
            _place(home.files / file.name, original.read_bytes(), original.stat().st_mode & 0o777)
        except FileNotFoundError as error:
            raise ImageDamagedError(f"the image does not hold the files of its manifest: {original}") from error


def save_files(home: SandboxHome, into: Path) -> None:
    """Copy the files that a sandbox sees, for `restore_files`."""
    shutil.copytree(home.files, into)


def placed_files(spec: SandboxSpec) -> tuple[PlacedFile, ...]:
    """Return the files that `place_files` writes for this spec, in the order in which they are mounted."""
    ours = (
        PlacedFile("hosts", PurePosixPath("/etc/hosts")),
        PlacedFile("hostname", PurePosixPath("/etc/hostname")),
        PlacedFile("resolv.conf", PurePosixPath("/etc/resolv.conf")),
        PlacedFile("ca.crt", CA_BUNDLE),
        *(PlacedFile("sudo", path) for path in SUDO_PATHS),
    )
    return (*ours, *(file for _, file in _file_mounts(spec)))


def write_bundle(home: SandboxHome, spec: SandboxSpec, init: Sequence[str]) -> None:
    """Write the runtime's configuration of a sandbox whose first process is `init`."""
    (home.folder / "config.json").write_text(json.dumps(_config(home, spec, init)))


def ensure_skeleton(folder: Path) -> Path:
    """Return the layer that lies under all others: mount points, which the runtime would else make in the upper.

    /tmp holds a file, or the runtime would cover it with memory that a boot from disk forgets.
    """
    layer = folder / "2"
    if not layer.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=folder, prefix=".partial-"))
        partial.chmod(0o755)
        for path in ("dev/pts", "dev/shm", "proc", "sys", "etc", "opt/lot/bin", "tmp", "usr/local/bin", "var/log"):
            (partial / path).mkdir(parents=True)
        ours = (CA_BUNDLE, GUEST_PATH, *SUDO_PATHS)
        for path in ("etc/hosts", "etc/hostname", "etc/resolv.conf", "tmp/.lot", *(str(path)[1:] for path in ours)):
            (partial / path).touch()
        (partial / "tmp").chmod(0o1777)
        try:
            os.rename(partial, layer)
        except OSError:
            shutil.rmtree(partial)  # another start was faster
    return layer


def _config(home: SandboxHome, spec: SandboxSpec, init: Sequence[str]) -> dict[str, Any]:
    system = [
        _mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev"),
        _mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec"),
        _mount("/dev/shm", "tmpfs", "shm", "nosuid", "nodev", "mode=1777"),
        _mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
    ]
    files = [_mount(str(file.target), "bind", str(home.files / file.name), "bind", "ro") for file in placed_files(spec)]
    folders = [
        _mount(str(mount.target), "bind", str(mount.source), "rbind", "ro")
        for mount in spec.mounts
        if mount.source.is_dir()
    ]
    return {
        "ociVersion": "1.0.0",
        "hostname": spec.hostname,
        "root": {"path": str(home.rootfs), "readonly": False},
        "mounts": [*system, *files, *folders],
        "process": {
            "user": {"uid": 0, "gid": 0},
            "cwd": "/",
            # What the first process says goes to the sandbox's own disk: on the host nothing would bound it.
            "args": ["/bin/sh", "-c", f'exec "$@" >{GUEST_LOG} 2>&1', "lot", *init],
            "env": [f"{name}={value}" for name, value in _environment(spec).items()],
            "noNewPrivileges": False,
            "capabilities": {
                kind: list(_CAPABILITIES) for kind in ("bounding", "effective", "inheritable", "permitted")
            },
            "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1 << 20, "hard": 1 << 20}],
        },
        "linux": {
            "cgroupsPath": f"/{home.cgroup}",
            "namespaces": [
                *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
                {"type": "network", "path": f"/run/netns/{home.guest_namespace}"},
            ],
        },
    }


def _environment(spec: SandboxSpec) -> Mapping[str, str]:
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        # Programs made with Bun unpack native libraries, load and remove them: a removed file that is in use on a disk
        # keeps gVisor from saving the sandbox ("deleted and invalidated dentries"), one in memory does not.
        "BUN_TMPDIR": "/dev/shm",
        **dict.fromkeys(CA_VARIABLES, str(CA_BUNDLE)),
        **spec.environment,
    }


def _mount(target: str, kind: str, source: str, *options: str) -> dict[str, Any]:
    return {"destination": target, "type": kind, "source": source, "options": list(options)}


def _file_mounts(spec: SandboxSpec) -> list[tuple[ReadOnlyMount, PlacedFile]]:
    files = [mount for mount in spec.mounts if not mount.source.is_dir()]
    return [(mount, PlacedFile(f"mount-{i}", mount.target)) for i, mount in enumerate(files)]


def _place(file: Path, content: bytes, mode: int = 0o644) -> None:
    file.write_bytes(content)
    file.chmod(mode)
    os.utime(file, (_MTIME_S, _MTIME_S))


def _host_ca_bundle() -> bytes:
    for file in _HOST_CA_BUNDLES:
        if file.is_file():
            return file.read_bytes()
    raise InvalidInputError("this host has no bundle of certificate authorities: install ca-certificates")
