"""Builds an image with buildah. Runs as root INSIDE a sandbox, where Python is given its text: standard library only.

Three things that buildah counts on are not so in gVisor. There is no /proc/<pid>/setgroups, so that the user namespace,
in which buildah may mount, is made here. Asking a symbolic link for extended attributes fails with EBADF, for which
buildah leaves the link out of the image. And nothing can be written to /dev/null where /dev is mounted read-only, as
buildah does. A filter of system calls answers instead: that links have no attributes, that the remount was done.
"""

import ctypes
import json
import os
import platform
import shutil
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

WORKSPACE, CONTEXT, EMPTY, DOCKERFILE = "/workspace", "/lot-build", "/lot-empty", "/lot-build.Dockerfile"
_PACKAGES = ("buildah", "netavark")
_NAME = "lot-built"
_REGISTRIES = Path("/etc/containers/registries.conf.d/lot.conf")
_CALLS = {"x86_64": (192, 195, 165), "aarch64": (9, 12, 40)}
"""Numbers of lgetxattr, llistxattr and mount. Source: the kernel's tables of system calls."""
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT = 0x01, 0x02, 0x04, 0x20
_FLAGS_OF_MOUNT = 16 + 3 * 8
"""Where a filter finds a call's fourth argument. Source: linux/seccomp.h, struct seccomp_data."""
_CLONE_NEWUSER, _CLONE_NEWNS = 0x10000000, 0x00020000
_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _SAY_DONE, _SAY_UNSUPPORTED = 0x7FFF0000, 0x00050000, 0x00050000 | 95
_COMPLETE = """
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
missing=
for program in bash git; do command -v "$program" >/dev/null || missing="$missing $program"; done
python3 -c 'import asyncio' 2>/dev/null || missing="$missing python3"
[ -n "$missing" ] && command -v apt-get >/dev/null || exit 0
echo "[lot] adding what the image lacks:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q && apt-get install -y -q --no-install-recommends $missing
code=$?
rm -rf /var/lib/apt/lists/*
exit $code
"""


def main(spec: dict[str, Any]) -> None:
    """Build what `spec` says (`protocol.ImageBuild`) and leave it as an OCI archive."""
    _say("installing buildah in the sandbox")
    _install()
    _REGISTRIES.parent.mkdir(parents=True, exist_ok=True)
    _REGISTRIES.write_text('unqualified-search-registries = ["docker.io"]\n')
    for folder in (CONTEXT, EMPTY):
        os.makedirs(folder)
    if spec["image"] is None:
        _run("git", "-c", f"safe.directory={WORKSPACE}", "-C", WORKSPACE, *_checkout(CONTEXT))
        context = f"{CONTEXT}/{spec['context']}"
        text = Path(CONTEXT, spec["dockerfile"]).read_text()
    else:
        context, text = EMPTY, f"FROM {spec['image']}"
    Path(DOCKERFILE).write_text(with_completion(text, spec["target"]))
    arguments = [word for name, value in spec["args"].items() for word in ("--build-arg", f"{name}={value}")]
    _say("building the image")
    _buildah(
        "bud",
        "--isolation=chroot",
        "--network=host",
        "--layers=false",
        f"--tag={_NAME}",
        *arguments,
        *("-f", DOCKERFILE, context),
    )
    _say("handing the image over")
    _buildah("push", "--quiet", _NAME, f"oci-archive:/{spec['archive']}")


def with_completion(dockerfile: str, target: str | None) -> str:
    """Return a Dockerfile with a last step, of the stage `target` if one is wanted, that adds what a sandbox needs.

    The step is written as JSON: neither SHELL nor another escape character of the file changes it.
    """
    stage = [] if target is None else [f"FROM {target}"]
    step = json.dumps(["/bin/sh", "-c", _COMPLETE])
    return "\n".join([dockerfile, *stage, "USER root", f"RUN {step}", ""])


def _install() -> None:
    if shutil.which("buildah") is not None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *_PACKAGES)):
        done = subprocess.run(["apt-get", *command], check=False, env=environment, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"[lot] apt-get {command[0]} failed: images are built with buildah, which the sandbox installs")


def _checkout(folder: str) -> tuple[str, ...]:
    """Return git's words for the files as committed: `archive` would leave out what is not to be exported."""
    return "checkout-index", "--all", f"--prefix={folder}/"


def _buildah(*arguments: str) -> None:
    """Run buildah in a user namespace of its own, in which root may mount."""
    unshared, tell_unshared = os.pipe()
    mapped, tell_mapped = os.pipe()
    child = os.fork()
    if child == 0:
        if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "no user namespace")
        os.write(tell_unshared, b".")
        os.read(mapped, 1)
        _filter_calls()
        os.environ["_CONTAINERS_USERNS_CONFIGURED"] = "done"
        os.execvp("buildah", ["buildah", "--storage-driver=vfs", *arguments])
    os.close(tell_unshared)
    os.read(unshared, 1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{child}/{name}").write_text("0 0 65536\n")
    os.write(tell_mapped, b".")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        sys.exit(f"[lot] buildah {arguments[0]} ended with exit code {code}")


def filter_steps(processor: str) -> tuple[tuple[int, int, int, int], ...]:
    """Return a filter of system calls: operation, steps to leave out if so, if not, value.

    Only for /dev does buildah ask for a read-only remount without setuid programs and with devices. It looks whether
    the others were done.
    """
    lgetxattr, llistxattr, mount = _CALLS[processor]
    return (
        (_LOAD, 0, 0, 0),
        (_IF_EQUAL, 9, 0, lgetxattr),
        (_IF_EQUAL, 8, 0, llistxattr),
        (_IF_EQUAL, 0, 5, mount),
        (_LOAD, 0, 0, _FLAGS_OF_MOUNT),
        (_IF_ANY_BIT, 0, 3, _MS_REMOUNT),
        (_IF_ANY_BIT, 0, 2, _MS_RDONLY),
        (_IF_ANY_BIT, 0, 1, _MS_NOSUID),
        (_IF_ANY_BIT, 0, 1, _MS_NODEV),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _SAY_DONE),
        (_RETURN, 0, 0, _SAY_UNSUPPORTED),
    )


def _filter_calls() -> None:
    """Have this process and its children given the answers that gVisor does not give."""
    steps = filter_steps(platform.machine())
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))

    program = Program(len(steps), ctypes.addressof(code))
    if _libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls was refused")


def _run(*command: str) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"[lot] {command[0]} failed")


def _say(text: str) -> None:
    print(f"[lot] {text}", flush=True)


def _arguments(words: Sequence[str]) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(words[1])
    return spec


if __name__ == "__main__":
    main(_arguments(sys.argv))
