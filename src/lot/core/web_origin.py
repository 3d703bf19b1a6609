"""Web origins: scheme, host and port, as browsers compare them."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from lot.core.errors import InvalidInputError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class WebOrigin:
    """One origin; as text as a browser writes it, without the scheme's usual port."""

    scheme: str
    host: str
    """In lower case; an IPv6 address without brackets."""
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<scheme>://<host>[:<port>]`.

        Raises:
            InvalidInputError: it is something else, or more.
        """
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise InvalidInputError(f"{text!r} is no origin: {error}") from error
        # Compared with what was given, so that nothing that was read over (a path, a user, a tab) passes.
        shown = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or shown.lower() != text.lower():
            raise InvalidInputError(f"{text!r} is no origin; one has scheme, host and port, as https://lot.example.org")
        return cls(parts.scheme, parts.hostname.lower(), _PORTS[parts.scheme] if port is None else port)

    @property
    def is_secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.scheme == "https"

    def with_host(self, host: str) -> str:
        """Return the origin of another host beside this one, as text."""
        shown = f"[{host}]" if ":" in host else host
        return f"{self.scheme}://{shown}{'' if self.port == _PORTS[self.scheme] else f':{self.port}'}"

    def __str__(self) -> str:
        return self.with_host(self.host)
