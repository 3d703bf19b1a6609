"""What listens in this sandbox, and which durable process it belongs to."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lot.guest.tree import Tree

LISTENING = "0A"
TIME_WAIT = "06"
CLOSED = "07"
MAX_PORTS = 1024


@dataclass(frozen=True)
class Listener:
    """A listening socket as /proc/net tells it."""

    address: str
    port: int
    inode: int


class Ports:
    """Looks listening sockets up; who owns one is looked for once, since that walks every process's descriptors."""

    def __init__(self, tree: Tree, own_port: int) -> None:
        self._tree, self._own_port = tree, own_port
        self._owners: dict[Listener, str | None] = {}

    def listening(self) -> list[dict[str, Any]]:
        """Return each port and address, without the guest's own."""
        listeners = [one for one in _listeners() if one.port != self._own_port][:MAX_PORTS]
        if any(one not in self._owners for one in listeners):
            self._find_owners(listeners)
        self._owners = {one: self._owners[one] for one in listeners}
        return [{"port": one.port, "address": one.address, "process": self._owners[one]} for one in listeners]

    def _find_owners(self, listeners: list[Listener]) -> None:
        owner_of = {}
        for pid, marker in self._tree.owners().items():
            if "." not in marker:
                owner_of.update(dict.fromkeys(_socket_inodes(pid), marker))
        for one in listeners:
            self._owners[one] = owner_of.get(one.inode)


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


def _listeners() -> list[Listener]:
    found = []
    for fields in _sockets():
        if fields[3] == LISTENING:
            address, _, port = fields[1].partition(":")
            found.append(Listener(_address(address), int(port, 16), int(fields[9])))
    return found


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
