"""Where a request was sent, as its browser sees it: which hosts are Lot, and which origin is its own.

A host must be known, or another site's name could be made to lead here (DNS rebinding) and its pages would be ours.
An address in digits is nobody's name, so it is always known.
"""

from ipaddress import ip_address

from starlette.requests import HTTPConnection

from lot.config import Settings
from lot.core.errors import ForbiddenHostError, ForbiddenOriginError, InvalidInputError
from lot.core.web_origin import WebOrigin

CLIENT_HEADER = "x-lot-client"
"""Only a page of our own origin can send it: another one would have to ask first, and nobody answers."""
_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}


class Origins:
    """Tells our own origin from others."""

    def __init__(self, settings: Settings) -> None:
        self._public = settings.app_origin if settings.public_url is not None else None
        self._names = {"localhost", settings.host.lower(), settings.app_origin.host}

    def check_host(self, connection: HTTPConnection) -> None:
        """Refuse what was sent to a name that is not known to be ours.

        Raises:
            ForbiddenHostError: so it was.
        """
        self._origin(connection)

    def is_secure(self, connection: HTTPConnection) -> bool:
        """Return whether the browser reaches us over TLS, which may end at a proxy."""
        origin = self._origin(connection)
        is_public = self._public is not None and self._public.is_secure and origin.host == self._public.host
        return origin.is_secure or is_public

    def check_origin(self, connection: HTTPConnection) -> None:
        """Refuse what does not come from a page of ours.

        Raises:
            ForbiddenOriginError: the header `Origin` is missing or another's.
        """
        given = connection.headers.get("origin", "")
        try:
            origin = WebOrigin.parse(given)
        except InvalidInputError:
            origin = None
        if origin is None or origin not in (self._origin(connection), self._public):
            raise ForbiddenOriginError(
                f"a browser's request must come from Lot's own page, and its Origin is {given[:200] or 'missing'}. "
                "Next step: behind a reverse proxy, set LOT_PUBLIC_URL to the address that browsers use"
            )

    def check_client(self, connection: HTTPConnection) -> None:
        """Refuse a browser's request that any page's form could have sent.

        Raises:
            ForbiddenOriginError: the header `X-Lot-Client` is missing.
        """
        if not connection.headers.get(CLIENT_HEADER):
            raise ForbiddenOriginError("a browser's request that changes something needs the header X-Lot-Client")

    def _origin(self, connection: HTTPConnection) -> WebOrigin:
        given = connection.headers.get("host", "")
        try:
            origin = WebOrigin.parse(f"{_SCHEMES[connection.scope['scheme']]}://{given}")
        except InvalidInputError:
            origin = None
        if origin is None or not (origin.host in self._names or _is_address(origin.host)):
            raise ForbiddenHostError(
                f"Lot does not answer under the name {given[:200]!r}. "
                "Next step: set LOT_PUBLIC_URL to the address that browsers use, or ask for localhost"
            )
        return origin


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
