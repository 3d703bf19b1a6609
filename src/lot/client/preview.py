"""A session's running app, asked through its preview address, as a browser would see it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_connection
from typing import Self
from urllib.parse import urlsplit

import httpx
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from lot.client.address import Address
from lot.client.errors import ServerUnreachableError
from lot.core.errors import CommandTimedOutError

POLL_S = 0.02
TIMEOUT_S = 30.0


class PreviewClient:
    """Requests to one port of one session's sandbox.

    The connection goes to the server's own address, and the host is named in the request: a machine need not resolve
    names under `preview.localhost`.
    """

    def __init__(self, address: Address, url: str) -> None:
        self.url = url.rstrip("/")
        self.host = urlsplit(url).netloc
        self._address = address
        self._http = httpx.Client(
            base_url=address.url,
            headers={**address.headers, "Host": self.host},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str = "/") -> httpx.Response:
        """Ask for a page."""
        return self._ask("GET", path)

    def post(self, path: str) -> httpx.Response:
        """Send an empty POST."""
        return self._ask("POST", path)

    def wait_for_answer(self, timeout_s: float, path: str = "/") -> httpx.Response:
        """Ask until the app itself answers with success, and return that answer.

        Raises:
            CommandTimedOutError: it did not in time; the last answer's status is named.
        """
        until = time.monotonic() + timeout_s
        answer = self.get(path)
        while not answer.is_success:
            if time.monotonic() > until:
                raise CommandTimedOutError(
                    f"{self.url} answered no success within {timeout_s:.0f} s; the last status was {answer.status_code}"
                )
            time.sleep(POLL_S)
            answer = self.get(path)
        return answer

    @contextmanager
    def socket(self, path: str, subprotocol: str) -> Iterator[ClientConnection]:
        """Open a WebSocket of the app, from a page of its own origin."""
        try:
            connection = connect(
                f"ws://{self.host}{path}",
                sock=create_connection(self._address.host_and_port, TIMEOUT_S),
                origin=Origin(self.url),
                subprotocols=[Subprotocol(subprotocol)],
                additional_headers=self._address.headers,
                proxy=None,
            )
        except (OSError, InvalidHandshake) as error:
            raise ServerUnreachableError(self.url + path, str(error)) from error
        with connection:
            yield connection

    def _ask(self, method: str, path: str) -> httpx.Response:
        try:
            return self._http.request(method, path)
        except httpx.TransportError as error:
            raise ServerUnreachableError(self.url + path, str(error) or type(error).__name__) from error
