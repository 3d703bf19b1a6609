"""Starts programs as a user, in a session of their own, on pipes or a terminal, and reaps everything that ends."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import pwd
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lot.guest.refusal import Refused
from lot.guest.tree import MARKER, Tree

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SUDO_FOLDER = "/opt/lot/bin"
"""Where the driver puts our `sudo`."""
PIPE_BYTES = 256 << 10
F_SETPIPE_SZ = 1031
"""`fcntl` names it from Python 3.10 on."""


@dataclass
class Account:
    """Who a program runs as."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclass
class Child:
    """A started program and our ends of its streams; `err` is None for a terminal, which has one end for both ways."""

    pid: int
    feed: int
    out: int
    err: int | None


def find_account(user: str) -> Account:
    """Return an account of the sandbox."""
    try:
        entry = pwd.getpwnam(user)
    except (KeyError, ValueError) as error:
        raise Refused("invalid", f"no user {user!r} in this sandbox") from error
    return Account(user, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell or "/bin/sh")


def environment_for(account: Account, added: Mapping[str, str], marker: str, is_terminal: bool) -> dict[str, str]:
    """Return the guest's own environment with the account's variables, `added` and the marker on top."""
    environment = {"PATH": PATH, "LANG": "C.UTF-8", **os.environ}
    environment.update(HOME=account.home, USER=account.name, LOGNAME=account.name, SHELL=account.shell)
    if is_terminal:
        environment.setdefault("TERM", "xterm-256color")
        environment.setdefault("COLORTERM", "truecolor")
    environment.update(added)
    environment["PATH"] = f"{SUDO_FOLDER}:{environment['PATH']}"
    environment[MARKER] = marker
    return environment


def start_program(
    argv: Sequence[str],
    cwd: str | None,
    environment: Mapping[str, str],
    account: Account,
    terminal: tuple[int, int] | None = None,
) -> Child:
    """Start a program.

    Raises:
        Refused: it does not exist, may not be run, its folder is missing, or no more processes fit.
    """
    folder = cwd or account.home
    child, theirs = _pipes() if terminal is None else _terminal(terminal, account)
    try:
        child.pid = _start(argv, folder, environment, account, theirs, terminal is not None)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        for file in (child.feed, child.out, child.err):
            if file is not None:
                os.close(file)
        is_full = isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.ENOMEM)
        code = "unavailable" if is_full else "invalid"
        raise Refused(code, f"cannot start {argv[0]!r} in {folder!r}: {error}") from error
    finally:
        for file in set(theirs):
            os.close(file)
    return child


def resize(terminal: int, rows: int, columns: int) -> None:
    """Set a terminal's size; the kernel tells its foreground programs."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Launcher:
    """Starts programs, keeps the tree of what descends from them, and reaps: PID 1 inherits every orphan too."""

    def __init__(self) -> None:
        self.tree = Tree()
        self._callbacks: dict[int, Callable[[int], None]] = {}
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def start(
        self,
        marker: str,
        argv: Sequence[str],
        cwd: str | None,
        added: Mapping[str, str],
        user: str,
        on_end: Callable[[int], None],
        terminal: tuple[int, int] | None = None,
    ) -> Child:
        """Start a program; `on_end` is called with its exit code, or minus the signal that ended it."""
        account = find_account(user)
        environment = environment_for(account, added, marker, terminal is not None)
        child = start_program(argv, cwd, environment, account, terminal)
        self._follow(child.pid, marker, on_end)
        return child

    def start_on(
        self, marker: str, streams: tuple[int, int, int], request: Mapping[str, Any], on_end: Callable[[int], None]
    ) -> int:
        """Start a program with exactly this environment on descriptors that are there already; return its process.

        Raises:
            OSError: it does not exist, may not be run, its folder is missing, or no more processes fit.
        """
        environment = {**request["environment"], MARKER: marker}
        account = find_account(request["user"])
        pid = _start(
            request["argv"],
            request["cwd"],
            environment,
            account,
            streams,
            request["is_terminal"],
            executable=request["executable"],
            umask=request["umask"],
        )
        self._follow(pid, marker, on_end)
        return pid

    def _follow(self, pid: int, marker: str, on_end: Callable[[int], None]) -> None:
        self.tree.lead(pid, marker)
        self._callbacks[pid] = on_end

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            callback = self._callbacks.pop(pid, None)
            if callback is not None:
                self.tree.leader_ended(pid)
                callback(os.waitstatus_to_exitcode(status))


def _start(
    argv: Sequence[str],
    cwd: str,
    environment: Mapping[str, str],
    account: Account,
    streams: tuple[int, int, int],
    is_terminal: bool,
    *,
    executable: str | None = None,
    umask: int = -1,
) -> int:
    identity: dict[str, Any] = {}
    if account.uid != os.geteuid():  # else vfork is possible, which takes a tenth of the time
        groups = os.getgrouplist(account.name, account.gid)
        identity = {"user": account.uid, "group": account.gid, "extra_groups": groups}
    program: subprocess.Popen[bytes] = subprocess.Popen(
        list(argv),
        executable=executable,
        cwd=cwd,
        env=dict(environment),
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        start_new_session=True,
        preexec_fn=_take_terminal if is_terminal else None,
        umask=umask,
        **identity,
    )
    program.returncode = 0  # the launcher waits for it, Popen must not
    return program.pid


def _pipes() -> tuple[Child, tuple[int, int, int]]:
    """Return our ends of three pipes, and those of the program."""
    feed_end, feed = os.pipe()
    out, out_end = _wide_pipe()
    err, err_end = _wide_pipe()
    return Child(0, feed, out, err), (feed_end, out_end, err_end)


def _terminal(size: tuple[int, int], account: Account) -> tuple[Child, tuple[int, int, int]]:
    """Return our end of a new terminal, twice since both ways close apart, and the program's."""
    master, slave = os.openpty()
    resize(master, *size)
    if os.geteuid() == 0:
        os.fchown(slave, account.uid, account.gid)
    return Child(0, os.dup(master), master, None), (slave, slave, slave)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _wide_pipe() -> tuple[int, int]:
    """Return a pipe that holds more than the usual 64 KiB, where the kernel lets us."""
    reading, writing = os.pipe()
    with suppress(OSError):
        fcntl.fcntl(writing, F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing
