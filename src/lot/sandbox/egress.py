"""What a sandbox may reach, as nftables rules: the policy itself, as text, without any call to the system.

Two tables, both named `lot`: one in the sandbox's own host-side namespace, made anew with it, and one in the host's
namespace, shared by all. Packets pass both, and neither can be reached from inside a sandbox.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from lot.sandbox.driver import GATEWAY_ADDRESS, GUEST_ADDRESS, EgressPolicy

INNER_DEVICE = "inner"
"""Host end of the sandbox's link."""
UPLINK_DEVICE = "uplink"
"""From the sandbox's namespace to the host's."""

NAMESERVERS = (GATEWAY_ADDRESS, "10.200.0.5", "10.200.0.6")
"""What a sandbox asks for names: constants, for its resolv.conf outlives a change of the host's resolvers. Each leads
to one of them, so that a program which tries the next server reaches another one."""

FORBIDDEN = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
)
"""Never reached from a sandbox: private, shared, loopback, link-local (cloud metadata), benchmark, multicast and
reserved ranges. Source: the IANA special-purpose address registry, RFC 6890."""


def sandbox_rules(policy: EgressPolicy, resolvers: Sequence[IPv4Address]) -> str:
    """Return the rules of one sandbox's namespace.

    What is not allowed is refused at once, never dropped: a program that asks in vain must not hang.

    Args:
        policy: What it may reach.
        resolvers: The host's; with none, look-ups are refused.
    """
    names = list(resolvers) if policy == "full" else []
    look_up = "meta l4proto { tcp, udp } th dport 53"
    redirects = [
        f"iifname {INNER_DEVICE} ip daddr {server} {look_up} dnat ip to {names[place % len(names)]}"
        for place, server in enumerate(NAMESERVERS)
        if names
    ]
    outwards = (
        [f"iifname {INNER_DEVICE} oifname {UPLINK_DEVICE} ip saddr {GUEST_ADDRESS} accept"] if policy == "full" else []
    )
    return f"""
table inet lot {{
  set forbidden {{
    type ipv4_addr
    flags interval
    elements = {{ {", ".join(FORBIDDEN)} }}
  }}
  chain refuse {{
    meta l4proto tcp reject with tcp reset
    reject with icmpx type admin-prohibited
  }}
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname lo accept
    iifname {INNER_DEVICE} ip saddr {GUEST_ADDRESS} ip daddr {GATEWAY_ADDRESS} meta l4proto tcp accept
    iifname {INNER_DEVICE} ip saddr {GUEST_ADDRESS} ip daddr {GATEWAY_ADDRESS} icmp type echo-request accept
    iifname {INNER_DEVICE} meta l4proto udp reject with icmpx type port-unreachable
    iifname {INNER_DEVICE} goto refuse
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname {INNER_DEVICE} ct status dnat accept
    iifname {INNER_DEVICE} meta l4proto udp th dport 53 ip daddr @forbidden reject with icmpx type port-unreachable
    iifname {INNER_DEVICE} ip daddr @forbidden goto refuse
    {_lines(outwards)}
    iifname {INNER_DEVICE} goto refuse
  }}
  chain lookups {{
    type nat hook prerouting priority dstnat;
    {_lines(redirects)}
  }}
  chain hide {{
    type nat hook postrouting priority srcnat;
    oifname {UPLINK_DEVICE} masquerade
  }}
}}
"""


def host_rules(uplinks: IPv4Network, resolvers: Sequence[IPv4Address]) -> str:
    """Return the rules of the host's namespace; applied again, they replace themselves at once.

    A sandbox never reaches the host by any of its addresses, but for a resolver that runs there, nor another sandbox.
    Installations with different `uplinks` share the table.
    """
    names = [f"ip daddr {address} meta l4proto {{ tcp, udp }} th dport 53 accept" for address in resolvers]
    return f"""
add table inet lot
add set inet lot uplinks {{ type ipv4_addr; flags interval; auto-merge; }}
add element inet lot uplinks {{ {uplinks} }}
add chain inet lot input {{ type filter hook input priority filter - 5; policy accept; }}
add chain inet lot from_sandbox
add chain inet lot forward {{ type filter hook forward priority filter - 5; policy accept; }}
add chain inet lot hide {{ type nat hook postrouting priority srcnat; }}
flush chain inet lot input
flush chain inet lot from_sandbox
flush chain inet lot forward
flush chain inet lot hide
add rule inet lot input iifname "lot-*" goto from_sandbox
{_each("add rule inet lot from_sandbox", ["ct state established,related accept", *names, "reject"])}
add rule inet lot forward iifname "lot-*" oifname "lot-*" reject
add rule inet lot forward iifname "lot-*" meta nfproto ipv6 drop
add rule inet lot forward oifname "lot-*" ct state established,related accept
add rule inet lot forward oifname "lot-*" drop
add rule inet lot hide ip saddr @uplinks oifname != "lot-*" masquerade
"""


def _lines(rules: Sequence[str]) -> str:
    return "\n    ".join(rules)


def _each(command: str, rules: Sequence[str]) -> str:
    return "\n".join(f"{command} {rule}" for rule in rules)
