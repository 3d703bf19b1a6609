"""Where the server is and what proves that one may use it."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

TOKEN_FILE = "api-token"
"""In the server's data folder, readable by its user alone."""


@dataclass(frozen=True, slots=True)
class Address:
    """A server and the token for it; without a token only `/api/health` answers."""

    url: str
    """Without a slash at the end, such as http://127.0.0.1:7070"""
    token: str | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What proves who asks."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def socket_url(self) -> str:
        """The same for WebSockets."""
        return "ws" + self.url.removeprefix("http")

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80)


def find_token(data_dir: Path) -> str | None:
    """Return the token that a server on this machine has put into its data folder, or None."""
    try:
        return (data_dir / TOKEN_FILE).read_text().strip() or None
    except OSError:
        return None
