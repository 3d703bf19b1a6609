"""What listens in this sandbox: which process, and which durable process that belongs to."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lot.guest.tree import Tree, read_beginning

LISTENING = "0A"
TIME_WAIT = "06"
CLOSED = "07"
MAX_PORTS = 1024
COMMAND_LINE_BYTES = 4096
MAX_COMMAND = 64
POLL_S = 1.0
"""How often a reader who follows the ports has them looked up."""


@dataclass(frozen=True, order=True)
class Listener:
    """A listening socket as /proc/net tells it."""

    address: str
    port: int
    inode: int


@dataclass(frozen=True)
class Owner:
    """The process that holds a listening socket; of several, the oldest."""

    pid: int
    command: str
    marker: str | None
    """The durable process that it belongs to, if it does to one."""


class Ports:
    """Looks listening sockets up; who owns one is looked for once, since that walks every process's descriptors."""

    def __init__(self, tree: Tree, own_port: int) -> None:
        self._tree, self._own_port = tree, own_port
        self._owners: dict[Listener, Owner | None] = {}

    def listening(self) -> list[dict[str, Any]]:
        """Return each port and address, without the guest's own, in an order that is the same each time."""
        listeners = [one for one in _listeners() if one.port != self._own_port][:MAX_PORTS]
        if not all(self._is_known(one) for one in listeners):
            self._owners = self._find_owners(listeners)
        return [_told(one, self._owners[one]) for one in listeners]

    def _is_known(self, listener: Listener) -> bool:
        owner = self._owners.get(listener)
        return listener in self._owners and (owner is None or os.path.exists(f"/proc/{owner.pid}"))

    def _find_owners(self, listeners: list[Listener]) -> dict[Listener, Owner | None]:
        wanted, holders = {one.inode for one in listeners}, dict[int, int]()
        for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
            for inode in wanted.intersection(_socket_inodes(pid)):
                holders.setdefault(inode, pid)
        markers = self._tree.owners()
        owners = {pid: Owner(pid, command_of(pid), _durable(markers.get(pid))) for pid in set(holders.values())}
        return {one: owners[holders[one.inode]] if one.inode in holders else None for one in listeners}


def command_of(pid: int) -> str:
    """Return the name of a process's program, "" when it has ended.

    By what it was called with: the kernel's own name for it is that of its main thread, which Node calls otherwise.
    """
    words = read_beginning(f"/proc/{pid}/cmdline", COMMAND_LINE_BYTES).partition(b"\0")[0].split()
    if not words:
        return _text(read_beginning(f"/proc/{pid}/comm", COMMAND_LINE_BYTES).strip())
    return _text(os.path.basename(words[0].rstrip(b"/:")))


def has_connections_to(peer: str, *, but_port: int) -> bool:
    """Return whether a program here still holds a connection to `peer` (IPv4), its own end not on `but_port`.

    One that the other side has closed counts until the program has closed it too.
    """
    for fields in _sockets():
        address, _, _ = fields[2].partition(":")
        _, _, own_port = fields[1].partition(":")
        is_open = fields[3] not in (LISTENING, TIME_WAIT, CLOSED)
        if is_open and int(own_port, 16) != but_port and _address(address).endswith(peer):
            return True
    return False


def _told(listener: Listener, owner: Owner | None) -> dict[str, Any]:
    return {
        "port": listener.port,
        "address": listener.address,
        "process": owner.marker if owner else None,
        "pid": owner.pid if owner else None,
        "command": owner.command if owner else None,
    }


def _durable(marker: str | None) -> str | None:
    """Return the name of a durable process, None for what a command of the host's started."""
    return marker if marker and "." not in marker else None


def _text(name: bytes) -> str:
    return name[:MAX_COMMAND].decode("utf-8", "replace")


def _listeners() -> list[Listener]:
    found = []
    for fields in _sockets():
        if fields[3] == LISTENING:
            address, _, port = fields[1].partition(":")
            found.append(Listener(_address(address), int(port, 16), int(fields[9])))
    return sorted(found)  # gVisor tells them in another order each time


def _sockets() -> Iterator[list[str]]:
    """Yield the fields of each TCP socket: the number, own and other address, state, and so on."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path, encoding="ascii") as file:
                lines = file.read().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 9:
                yield fields


def _address(text: str) -> str:
    """Return the usual form of an address that the kernel writes as 32-bit words in its own byte order."""
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def _socket_inodes(pid: int) -> list[int]:
    folder = f"/proc/{pid}/fd"
    inodes = []
    try:
        for name in os.listdir(folder):
            target = os.readlink(f"{folder}/{name}")
            if target.startswith("socket:["):
                inodes.append(int(target[8:-1]))
    except OSError:
        pass  # the process has ended
    return inodes
