"""The network of a sandbox: two namespaces made new for each boot and each resume, and sockets inside the first.

    host's namespace -- uplink veth -- R: rules, gateway address -- veth with constant addresses -- S: used up by runsc

Addresses and MACs of the inner link are constants, so a restored or forked sandbox never changes its own. Leaves out
what may pass (`egress.py`).
"""

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from typing import TypeVar

from lot.core.errors import UnavailableError
from lot.sandbox.driver import GATEWAY_ADDRESS, GUEST_ADDRESS, EgressPolicy
from lot.sandbox.egress import INNER_DEVICE, UPLINK_DEVICE, host_rules, sandbox_rules
from lot.sandbox.exclusive import exclusive
from lot.sandbox.home import RUN_DIR, SandboxHome
from lot.sandbox.side_by_side import side_by_side

T = TypeVar("T")

NAMESPACES_DIR = Path("/run/netns")
DEFAULT_UPLINKS = IPv4Network("10.201.0.0/16")
"""Addresses between the host and its sandboxes' namespaces, two for each: room for 32,768."""

GATEWAY_MAC = "02:00:00:00:00:01"
GUEST_MAC = "02:00:00:00:00:02"
"""The same in every sandbox: a restored network stack remembers its neighbour, and waits 5 s when it has changed."""

_COMMAND_TIMEOUT_S = 20.0
_CLONE_NEWNET = 0x40000000
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)
_STUB_RESOLV_CONF = Path("/run/systemd/resolve/resolv.conf")


def create_network(home: SandboxHome, policy: EgressPolicy, uplinks: IPv4Network) -> None:
    """Make both namespaces of a sandbox, joined and with their rules; nothing of an earlier run may be left.

    Raises:
        UnavailableError: the system refused; what was made is left to `remove_network`.
    """
    resolvers = host_resolvers()
    _allow_forwarding()
    outer, inner = _create_links(home, uplinks)
    inside = ["nsenter", f"--net={NAMESPACES_DIR / home.host_namespace}"]
    side_by_side(
        lambda: _run(["nft", "-f", "-"], host_rules(uplinks, resolvers)),
        lambda: _run([*inside, "nft", "-f", "-"], sandbox_rules(policy, resolvers)),
        lambda: run_in(home.host_namespace, _prepare_stack),
        lambda: _run(
            ["ip", "-n", home.host_namespace, "-batch", "-"],
            "link set lo up\n"
            f"address add {GATEWAY_ADDRESS}/30 dev {INNER_DEVICE}\n"
            f"link set {INNER_DEVICE} up\n"
            # Known beforehand: a question that comes before the sandbox is ready would else cost a second of waiting.
            f"neighbour replace {GUEST_ADDRESS} lladdr {GUEST_MAC} dev {INNER_DEVICE}\n"
            f"address add {inner}/31 dev {UPLINK_DEVICE}\n"
            f"link set {UPLINK_DEVICE} up\n"
            f"route add default via {outer}\n",
        ),
        lambda: _run(
            ["ip", "-n", home.guest_namespace, "-batch", "-"],
            "link set lo up\n"
            f"address add {GUEST_ADDRESS}/30 dev eth0\n"
            "link set eth0 up\n"
            f"route add default via {GATEWAY_ADDRESS}\n",
        ),
    )


def _create_links(home: SandboxHome, uplinks: IPv4Network) -> tuple[IPv4Address, IPv4Address]:
    """Make both namespaces and both links; return the uplink's addresses, the host's first."""
    mtu = _mtu_of_default_route()
    with exclusive(RUN_DIR / "lot-uplinks.lock"):
        # Held until the address is on a device: that is what others look for.
        outer, inner = _free_uplink(uplinks, home.uplink)
        _run(
            ["ip", "-batch", "-"],
            f"netns add {home.host_namespace}\n"
            f"netns add {home.guest_namespace}\n"
            f"link add {home.uplink} mtu {mtu} type veth"
            f" peer name {UPLINK_DEVICE} mtu {mtu} netns {home.host_namespace}\n"
            f"link add {INNER_DEVICE} address {GATEWAY_MAC} mtu {mtu} netns {home.host_namespace} type veth"
            f" peer name eth0 address {GUEST_MAC} mtu {mtu} netns {home.guest_namespace}\n"
            f"address add {outer}/31 dev {home.uplink}\n"
            f"link set {home.uplink} up\n",
        )
    return outer, inner


def remove_network(home: SandboxHome) -> None:
    """Remove the namespaces and the link of a sandbox, as far as they are there."""
    remove_uplink(home)
    for name in (home.host_namespace, home.guest_namespace):
        _remove_namespace(NAMESPACES_DIR / name)


def _remove_namespace(file: Path) -> None:
    """Do what `ip netns delete` does: the namespace ends with its last process and socket."""
    if file.exists():
        _libc.umount2(os.fsencode(file), _MNT_DETACH)  # fails where a crash left a plain file
        file.unlink()


def remove_uplink(home: SandboxHome) -> None:
    """Remove the device between the host and a sandbox's namespace.

    By itself and first: the kernel cleans a namespace up later, and until then the name would be taken.
    """
    if Path("/sys/class/net", home.uplink).exists():
        _run(["ip", "link", "delete", home.uplink], is_check=False)


def list_namespaces() -> tuple[str, ...]:
    """Return the names of all named network namespaces of this host."""
    return tuple(os.listdir(NAMESPACES_DIR)) if NAMESPACES_DIR.exists() else ()


def socket_in(namespace: str) -> socket.socket:
    """Return a fresh TCP socket that belongs to a network namespace, whichever thread uses it.

    Raises:
        UnavailableError: there is no such namespace.
    """
    return run_in(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))


def run_in(namespace: str, act: Callable[[], T]) -> T:
    """Run a short function on a thread of its own within a network namespace.

    The thread ends afterwards: one that had entered a namespace must never serve anyone else.

    Raises:
        UnavailableError: there is no such namespace.
    """
    outcome: Future[T] = Future()

    def enter() -> None:
        try:
            descriptor = os.open(NAMESPACES_DIR / namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(descriptor, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"entering {namespace}: {os.strerror(ctypes.get_errno())}")
            finally:
                os.close(descriptor)
            outcome.set_result(act())
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=enter, name=f"in-{namespace}").start()
    try:
        return outcome.result(_COMMAND_TIMEOUT_S)
    except FileNotFoundError as error:
        raise UnavailableError(f"there is no network namespace {namespace}") from error


def host_resolvers(
    resolv_conf: Path = Path("/etc/resolv.conf"), stub_source: Path = _STUB_RESOLV_CONF
) -> tuple[IPv4Address, ...]:
    """Return the name servers of this host that a sandbox's namespace can reach, at most three.

    One on the host's loopback cannot be reached from there; where it is systemd's, the servers behind it are taken.
    """
    found = _nameservers(resolv_conf)
    if found and all(address.is_loopback for address in found):
        found = _nameservers(stub_source)
    return tuple(address for address in found if not address.is_loopback)[:3]


def _nameservers(file: Path) -> list[IPv4Address]:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return []
    found = []
    for words in (line.split() for line in lines):
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                found.append(IPv4Address(words[1]))
            except AddressValueError:
                continue  # IPv6: sandboxes have none
    return found


def _free_uplink(uplinks: IPv4Network, device: str) -> tuple[IPv4Address, IPv4Address]:
    """Return the pair of addresses for a device: its own favourite, or the next free one."""
    taken = _own_addresses()
    pairs = uplinks.num_addresses // 2
    favourite = int(device.removeprefix("lot-"), 16) % pairs
    for step in range(pairs):
        outer = uplinks.network_address + 2 * ((favourite + step) % pairs)
        if outer not in taken:
            return outer, outer + 1
    raise UnavailableError(f"all {pairs} sandbox addresses of {uplinks} are in use")


def _own_addresses(routes: Path = Path("/proc/net/fib_trie")) -> frozenset[IPv4Address]:
    """Return every IPv4 address of this host, from the kernel's own table, without a program."""
    found, last = set(), ""
    for line in routes.read_text().splitlines():
        if "|-- " in line:
            last = line.partition("|-- ")[2]
        elif "/32 host LOCAL" in line:
            found.add(IPv4Address(last))
    return frozenset(found)


def _mtu_of_default_route(routes: Path = Path("/proc/net/route"), devices: Path = Path("/sys/class/net")) -> int:
    """Return the packet size of the way out: a sandbox that sends larger ones depends on path discovery."""
    for line in routes.read_text().splitlines()[1:]:
        device, destination, *_ = line.split()
        if destination == "00000000":
            return min(1500, int((devices / device / "mtu").read_text()))
    return 1500


def _prepare_stack() -> None:
    """Set what is needed in the network namespace of the calling thread."""
    settings = Path("/proc/sys/net/ipv4")
    (settings / "ip_forward").write_text("1")
    # By default a refusal is sent once a second, and the look-ups that got none wait for their time limit.
    (settings / "icmp_ratelimit").write_text("0")


def _allow_forwarding() -> None:
    switch = Path("/proc/sys/net/ipv4/ip_forward")
    if switch.read_text().strip() != "1":
        switch.write_text("1")


def _run(argv: list[str], stdin: str = "", *, is_check: bool = True) -> str:
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, env=_ENVIRONMENT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{argv[0]}: {error}") from error
    if is_check and done.returncode != 0:
        raise UnavailableError(f"{' '.join(argv[:4])}: {done.stderr.strip() or f'code {done.returncode}'}")
    return done.stdout


_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
