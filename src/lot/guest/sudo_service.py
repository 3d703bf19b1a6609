"""PID 1's side of `sudo`: starts commands as root for programs inside the sandbox, on their own descriptors.

The runtime gives setuid programs no privilege, so the program asks us instead. Every user of a sandbox may ask: they
trust each other, and the sandbox is the boundary. What they send is still a stranger's: bounded, and no reason to end.
"""

from __future__ import annotations

import array
import asyncio
import errno
import os
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from typing import Any

from lot.guest import wire
from lot.guest.refusal import Refused
from lot.guest.request import Arguments
from lot.guest.spawn import Launcher
from lot.guest.sudo_wire import MAX_REQUEST_BYTES, SOCKET_FILE, STREAMS, Inbox, encode
from lot.guest.tree import send, session_of

MAX_VISITS = 128
READ_BYTES = 64 << 10
CREDENTIALS = struct.Struct("iII")
_ANCILLARY_BYTES = socket.CMSG_SPACE(STREAMS * 4) + socket.CMSG_SPACE(CREDENTIALS.size)
_RETRY_S = 1.0


class SudoService:
    """Listens at `<state>/sudo.sock` for every user of the sandbox."""

    def __init__(self, state: str, launcher: Launcher) -> None:
        self.launcher = launcher
        self.visits: set[_Visit] = set()
        self._loop = asyncio.get_running_loop()
        path = os.path.join(state, SOCKET_FILE)
        with suppress(FileNotFoundError):
            os.unlink(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        os.chmod(path, 0o666)
        self._listener.setblocking(False)
        self._listener.listen(MAX_VISITS)
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # no descriptor is free: what waits, waits
            print(f"guest: sudo: {error}", file=sys.stderr)
            self._loop.remove_reader(self._listener)
            self._loop.call_later(_RETRY_S, self._loop.add_reader, self._listener, self._accept)
            return
        connection.setblocking(False)
        if len(self.visits) >= MAX_VISITS:
            with connection, suppress(OSError):
                connection.send(encode({"error": f"{MAX_VISITS} commands run under sudo already"}))
            return
        self.visits.add(_Visit(self, connection))


class _Visit:
    """One program's request, and the command that came of it."""

    def __init__(self, service: SudoService, connection: socket.socket) -> None:
        self._service, self._connection = service, connection
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox(MAX_REQUEST_BYTES)
        self._streams: list[int] = []
        self._caller = 0
        self._pid = 0
        self._is_background = False
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._loop.add_reader(connection, self._read)
        self._too_slow = self._loop.call_later(wire.REQUEST_TIMEOUT_S, self._close)

    def _read(self) -> None:
        try:
            messages = self._receive()
            if self._pid == 0 and messages:
                self._start(messages.pop(0))
            self._signal([message.get("signal") for message in messages])
        except BlockingIOError:
            return
        except Refused as refusal:
            self._say({"error": str(refusal)[:2000]})
            self._close()
        except (OSError, EOFError, wire.WireError):
            self._close()
        except Exception:
            traceback.print_exc(limit=4)
            self._close()

    def _receive(self) -> list[dict[str, Any]]:
        flags = socket.MSG_CMSG_CLOEXEC
        data, ancillary, _, _ = self._connection.recvmsg(READ_BYTES, _ANCILLARY_BYTES, flags)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                files = array.array("i", content[: len(content) // 4 * 4])
                self._streams += files
            elif level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                self._caller = CREDENTIALS.unpack(content[: CREDENTIALS.size])[0]
        if not data:
            raise EOFError
        if len(self._streams) > STREAMS or (self._streams and self._pid):
            raise wire.WireError("more descriptors than asked for")
        return self._inbox.add(data)

    def _start(self, head: dict[str, Any]) -> None:
        self._too_slow.cancel()
        arguments = Arguments(head)
        self._is_background = head.get("is_background") is True
        request = {
            **arguments.program(),
            "executable": arguments.optional_text("executable"),
            "umask": arguments.integer("umask", 0, 0o777),
            "is_terminal": head.get("is_terminal") is True,
        }
        if len(self._streams) != STREAMS or request["cwd"] is None:
            raise Refused("invalid", "the request lacks its descriptors or its folder")
        # Asked right before the start: whoever ends the caller's tree now finds the command in it.
        marker = self._service.launcher.tree.owner_of(self._caller)
        if marker is None:
            raise Refused("invalid", "the caller is not known or has ended")
        try:
            self._pid = self._run(marker, request)
        finally:
            self._close_streams()
        self._say({"started": True})

    def _run(self, marker: str, request: dict[str, Any]) -> int:
        streams = (self._streams[0], self._streams[1], self._streams[2])
        program = request["executable"] or request["argv"][0]
        try:
            try:
                return self._service.launcher.start_on(marker, streams, request, self._has_ended)
            except OSError as error:
                if error.errno != errno.ENOEXEC or "/" not in program:
                    raise
            script = {**request, "argv": ["/bin/sh", *request["argv"]]}  # a script that names no interpreter
            return self._service.launcher.start_on(marker, streams, script, self._has_ended)
        except FileNotFoundError as error:
            is_folder = error.filename == request["cwd"] and not os.path.isdir(request["cwd"])
            what = f"{request['cwd']}: no such folder" if is_folder else f"{program}: command not found"
            raise Refused("invalid", what) from error
        except Exception as error:  # of many kinds: subprocess passes on what it finds, also in the child
            raise Refused("invalid", f"cannot run {program}: {error}") from error

    def _signal(self, numbers: list[Any]) -> None:
        """Pass on signals that the program got, in their order; a new size of the terminal concerns all who use it."""
        for number in numbers:
            if self._pid and isinstance(number, int) and 0 < number <= 64 and number != signal.SIGWINCH:
                with suppress(ProcessLookupError):
                    os.killpg(self._pid, number)
        if self._pid and signal.SIGWINCH in numbers:
            send(signal.SIGWINCH, session_of(self._pid))

    def _has_ended(self, exit_code: int) -> None:
        self._pid = 0
        self._say({"exit_code": exit_code})
        self._close()

    def _say(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # it has gone; and it has room, for it is told three things at most
            self._connection.send(encode(message))

    def _close(self) -> None:
        """Forget the program; a command that still runs is told to end."""
        self._too_slow.cancel()
        self._close_streams()
        if self._connection.fileno() >= 0:
            self._loop.remove_reader(self._connection)
            self._connection.close()
            if self._pid and not self._is_background:
                found = session_of(self._pid)
                for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGCONT):
                    send(number, found)
        if not self._pid:
            self._service.visits.discard(self)

    def _close_streams(self) -> None:
        streams, self._streams = self._streams, []
        for file in streams:
            os.close(file)
