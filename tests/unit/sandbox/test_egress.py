"""The policy as text, and which resolvers a sandbox is given."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from lot.sandbox.egress import FORBIDDEN, host_rules, sandbox_rules
from lot.sandbox.network import host_resolvers

SERVERS = [IPv4Address("192.0.2.53"), IPv4Address("198.51.100.53")]


def test_full_policy_leads_each_name_server_to_a_resolver_of_the_host() -> None:
    rules = sandbox_rules("full", SERVERS)
    assert "ip daddr 10.200.0.1 meta l4proto { tcp, udp } th dport 53 dnat ip to 192.0.2.53" in rules
    assert "ip daddr 10.200.0.5 meta l4proto { tcp, udp } th dport 53 dnat ip to 198.51.100.53" in rules
    assert "ip daddr 10.200.0.6 meta l4proto { tcp, udp } th dport 53 dnat ip to 192.0.2.53" in rules


def test_without_egress_or_resolvers_nothing_is_redirected() -> None:
    assert "dnat ip to" not in sandbox_rules("none", SERVERS)
    assert "dnat ip to" not in sandbox_rules("full", [])


def test_only_the_full_policy_lets_anything_out() -> None:
    outwards = "oifname uplink ip saddr 10.200.0.2 accept"
    assert outwards in sandbox_rules("full", SERVERS)
    assert outwards not in sandbox_rules("none", SERVERS)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.31.0.1",
        "192.168.7.7",
        "169.254.169.254",
        "100.64.0.1",
        "127.0.0.1",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_private_addresses_are_forbidden(address: str) -> None:
    assert any(IPv4Address(address) in IPv4Network(network) for network in FORBIDDEN)


def test_resolver_on_the_host_may_be_asked_for_names_alone() -> None:
    rules = host_rules(IPv4Network("10.201.0.0/16"), SERVERS)
    assert "ip daddr 192.0.2.53 meta l4proto { tcp, udp } th dport 53 accept" in rules


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch x\n", ["192.0.2.1"]),
        ("# nameserver 192.0.2.9\nnameserver\n", []),
        ("nameserver 127.0.0.53\noptions edns0\n", ["198.51.100.1"]),
        ("nameserver 127.0.0.1\nnameserver 192.0.2.1\n", ["192.0.2.1"]),
        ("".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 6)), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
    ],
)
def test_resolvers_are_those_that_a_sandbox_can_reach(tmp_path: Path, text: str, expected: list[str]) -> None:
    (tmp_path / "resolv.conf").write_text(text)
    (tmp_path / "behind-the-stub").write_text("nameserver 198.51.100.1\n")
    found = host_resolvers(tmp_path / "resolv.conf", tmp_path / "behind-the-stub")
    assert [str(address) for address in found] == expected


def test_host_without_resolvers_has_none(tmp_path: Path) -> None:
    assert host_resolvers(tmp_path / "missing", tmp_path / "missing") == ()
