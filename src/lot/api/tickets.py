"""Signed tickets and cookies that let a browser into one session's preview origin."""

import hashlib
import hmac
import time

TICKET_S = 3600
"""How long a ticket in a link may be used; it is exchanged for a cookie."""
COOKIE_S = 30 * 24 * 3600
COOKIE = "lot_preview"


class Tickets:
    """Issues and checks tickets, each good for one preview host and one purpose until a stated time."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, purpose: str, host: str, lifetime_s: float) -> str:
        """Return a ticket: `<unix time it ends>.<signature>`."""
        until = str(int(time.time() + lifetime_s))
        return f"{until}.{self._sign(purpose, host, until)}"

    def is_valid(self, purpose: str, host: str, ticket: str) -> bool:
        """Return whether a ticket is ours, for this purpose and host, and not over."""
        until, _, signature = ticket.partition(".")
        if not until.isascii() or not until.isdigit() or len(until) > 12 or int(until) < time.time():
            return False
        return hmac.compare_digest(signature.encode(), self._sign(purpose, host, until).encode())

    def _sign(self, purpose: str, host: str, until: str) -> str:
        return hmac.new(self._key, f"{purpose}|{host}|{until}".encode(), hashlib.sha256).hexdigest()
