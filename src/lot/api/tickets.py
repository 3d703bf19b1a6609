"""Signed tickets and cookies that let a browser into one session's preview origin."""

import hashlib
import hmac
import time

TICKET_S = 3600
"""How long a ticket in a link may be used; it is exchanged for a cookie."""
COOKIE_S = 30 * 24 * 3600
COOKIE = "lot_preview"


class Tickets:
    """Issues and reads tickets, each good for one preview host and one purpose until a stated time.

    A ticket names who it was given to (`Principal.holder`); whether they are still signed in is looked up apart.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, purpose: str, host: str, holder: str, lifetime_s: float) -> str:
        """Return a ticket: `<unix time it ends>.<holder>.<signature>`."""
        until = str(int(time.time() + lifetime_s))
        return f"{until}.{holder}.{self._sign(purpose, host, holder, until)}"

    def find_holder(self, purpose: str, host: str, ticket: str) -> str | None:
        """Return whom a ticket was given to; None when it is not ours, is for something else, or is over."""
        until, _, rest = ticket.partition(".")
        holder, _, signature = rest.partition(".")
        if not until.isascii() or not until.isdigit() or len(until) > 12 or int(until) < time.time():
            return None
        expected = self._sign(purpose, host, holder, until)
        return holder if hmac.compare_digest(signature.encode(), expected.encode()) else None

    def _sign(self, purpose: str, host: str, holder: str, until: str) -> str:
        return hmac.new(self._key, f"{purpose}|{host}|{holder}|{until}".encode(), hashlib.sha256).hexdigest()
