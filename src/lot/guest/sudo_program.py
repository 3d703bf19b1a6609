"""Our `sudo`: asks PID 1 to run a command as another user, on the caller's own descriptors, and waits for it.

It runs as an ordinary user's process: all it can do is ask. What PID 1 does with that is in `sudo_service`.
"""

from __future__ import annotations

import array
import os
import resource
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import Any, NoReturn

from lot.guest.sudo_arguments import USAGE, UsageError, Wish, parse
from lot.guest.sudo_environment import find_target, program_for
from lot.guest.sudo_terminal import Terminal, is_interactive
from lot.guest.sudo_wire import MAX_ANSWER_BYTES, Inbox, encode
from lot.guest.wire import WireError

VERSION = "Sudo version 1.9.0 (Lot)"
PATIENCE_S = 60.0
"""For PID 1 to take the request and start the command."""
_PASSED_ON = ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "CONT", "TSTP", "WINCH")


def main(socket_path: str) -> NoReturn:
    """Do what the command line says, and end as the command did."""
    _open_missing_streams()
    try:
        wish = parse(sys.argv[1:])
        target = find_target(wish.user)
        if wish.instead:
            sys.exit(_instead(wish, target.pw_name))
        if wish.is_shell or wish.is_login or wish.command:
            _end_as(_run(wish, socket_path))
        sys.exit(0)
    except UsageError as error:
        _fail(f"{error}\n{USAGE}")
    except (OSError, WireError) as error:
        _fail(f"PID 1 of this sandbox does not answer: {error}")


def _instead(wish: Wish, user: str) -> int:
    if wish.instead == "version":
        print(VERSION)
    elif wish.instead == "help":
        print(f"{USAGE}\nIn this sandbox every user may run everything as {user}, without a password.")
    elif wish.instead == "list" and wish.command:
        print(" ".join(wish.command))
    elif wish.instead == "list":
        print("Every user of this sandbox may run the following commands:\n    (ALL : ALL) NOPASSWD: ALL")
    return 0


def _run(wish: Wish, socket_path: str) -> int:
    program = program_for(wish, find_target(wish.user), dict(os.environ), os.getuid(), _folder())
    terminal = Terminal() if is_interactive() and not wish.is_background else None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, _Signals() as signals:
        connection.settimeout(PATIENCE_S)
        connection.connect(socket_path)
        message = {
            **program,
            "umask": _umask() | 0o022,
            "is_terminal": terminal is not None,
            "is_background": wish.is_background,
        }
        _ask(connection, message, _streams(terminal))
        waiting = _Waiting(connection, terminal, signals)
        waiting.until("started")
        if wish.is_background:
            return 0
        connection.settimeout(None)
        if terminal is None:
            return waiting.until("exit_code")
        terminal.take()
        try:
            exit_code = waiting.until("exit_code")
            terminal.finish()
        finally:
            terminal.give_back()
        return exit_code


def _ask(connection: socket.socket, message: dict[str, Any], streams: tuple[int, ...]) -> None:
    data = encode(message)
    credentials = struct.pack("iII", os.getpid(), os.getuid(), os.getgid())
    ancillary = [
        (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams).tobytes()),
        (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, credentials),
    ]
    with suppress(BrokenPipeError):  # it has refused already; the reason can be read
        rest = data[connection.sendmsg([data], ancillary) :]
        if rest:
            connection.sendall(rest)


class _Waiting:
    """Waits for PID 1's answers; meanwhile carries the terminal's bytes, and passes signals on."""

    def __init__(self, connection: socket.socket, terminal: Terminal | None, signals: _Signals) -> None:
        self._connection, self._terminal, self._signals = connection, terminal, signals
        self._inbox = Inbox(MAX_ANSWER_BYTES)
        self._answers: list[dict[str, Any]] = []
        self._has_started = False

    def until(self, key: str) -> int:
        """Return the value of the answer that has `key`."""
        while True:
            while self._answers:
                answer = self._answers.pop(0)
                if "error" in answer:
                    _fail(str(answer["error"]))
                if key in answer:
                    self._has_started = True
                    return int(answer[key])
            self._wait()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        if self._has_started:  # what comes before is kept for the command
            poll.register(self._signals.file, select.POLLIN)
            if self._terminal is not None:
                self._terminal.register(poll)
        ready = [file for file, _ in poll.poll(None if self._has_started else PATIENCE_S * 1000)]
        if not ready:
            raise TimeoutError("no answer in time")
        for file in ready:
            if file == self._connection.fileno():
                self._hear()
            elif file == self._signals.file:
                for number in self._signals.caught():
                    self._pass_on(number)
            elif self._terminal is not None and not self._terminal.carry(file):
                self._tell(signal.SIGHUP)

    def _hear(self) -> None:
        data = self._connection.recv(MAX_ANSWER_BYTES)
        if not data:
            raise ConnectionError("it has hung up")
        self._answers += self._inbox.add(data)

    def _pass_on(self, number: int) -> None:
        if number == signal.SIGTSTP:
            self._rest()
            return
        if number == signal.SIGWINCH and self._terminal is not None:
            self._terminal.copy_size()
        self._tell(number)

    def _rest(self) -> None:
        """Stop together with the command, and go on together."""
        self._tell(signal.SIGSTOP)
        if self._terminal is not None:
            self._terminal.give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        if self._terminal is not None:
            self._terminal.take()
        self._tell(signal.SIGCONT)

    def _tell(self, number: int) -> None:
        with suppress(OSError):
            self._connection.sendall(encode({"signal": int(number)}))


class _Signals:
    """The signals that are meant for the command: noted, and read from a descriptor.

    Those that the caller had ignored, as `nohup` does, stay so.
    """

    def __init__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        for end in (self._reading, self._writing):
            end.setblocking(False)
        self.file = self._reading.fileno()

    def __enter__(self) -> _Signals:
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        for name in _PASSED_ON:
            number = getattr(signal, f"SIG{name}")
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(-1)

    def caught(self) -> list[int]:
        """Return what came."""
        with suppress(BlockingIOError):
            return list(self._reading.recv(256))
        return []


def _streams(terminal: Terminal | None) -> tuple[int, ...]:
    """Return the command's standard input, output and error."""
    return tuple(terminal.slave if terminal is not None and os.isatty(file) else file for file in (0, 1, 2))


def _open_missing_streams() -> None:
    """Open what the caller has closed of 0, 1 and 2, before anything else gets such a number."""
    file = os.open(os.devnull, os.O_RDWR)
    while file < 3:
        file = os.dup(file)
    os.close(file)


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "/"  # it has been removed


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _end_as(exit_code: int) -> NoReturn:
    """End with the command's exit code, or by the signal that ended it, so that the caller sees the same."""
    if exit_code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError, ValueError):
            signal.signal(-exit_code, signal.SIG_DFL)
        os.kill(os.getpid(), -exit_code)
        os._exit(128 - exit_code)
    os._exit(exit_code)


def _fail(message: str) -> NoReturn:
    os.write(2, f"sudo: {message}\n".encode(errors="backslashreplace"))
    os._exit(1)
