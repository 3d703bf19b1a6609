"""How often sign-in may be tried: so many times per name and per address, counted in memory."""

import math
import time
from ipaddress import IPv6Address, ip_address

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from lot.core.errors import TooManyAttemptsError

LIMIT = "10/15 minutes"
IPV6_NETWORK_BYTES = 8
"""Whoever has one IPv6 address has its /64."""


class Attempts:
    """Counts attempts; those of a name and of an address are forgotten once one succeeds."""

    def __init__(self, limit: str = LIMIT) -> None:
        self._limit: RateLimitItem = parse(limit)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, *keys: str) -> None:
        """Count one attempt under each key.

        Raises:
            TooManyAttemptsError: there were too many under one of them.
        """
        for key in keys:
            if not self._limiter.hit(self._limit, key):
                wait_s = max(1, math.ceil(self._limiter.get_window_stats(self._limit, key).reset_time - time.time()))
                raise TooManyAttemptsError(
                    f"Sign-in was tried too often. Next step: wait {_in_words(wait_s)}, or use a link that "
                    "`lot sign-in-link` prints on the machine that Lot runs on",
                    retry_after_s=wait_s,
                )

    def forget(self, *keys: str) -> None:
        """Forget the attempts under each key."""
        for key in keys:
            self._limiter.clear(self._limit, key)


def name_key(name: str) -> str:
    """Return what attempts for a name are counted under."""
    return f"name {name}"


def address_key(address: str) -> str:
    """Return what attempts from an address are counted under."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return f"address {address}"
    if isinstance(parsed, IPv6Address):
        return f"address {parsed.packed[:IPV6_NETWORK_BYTES].hex()}"
    return f"address {parsed}"


def link_key(address: str) -> str:
    """Return what uses of links from an address are counted under; wrong passwords do not stand in their way."""
    return f"link {address_key(address)}"


def _in_words(wait_s: int) -> str:
    return f"{wait_s} s" if wait_s < 60 else f"{math.ceil(wait_s / 60)} min"
