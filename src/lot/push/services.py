"""Push services: which may be asked, and what is asked of them.

An endpoint comes from a browser, so anybody who is signed in can name one: it must lie on the operator's list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import anyio
import httpx

from lot.core.errors import InvalidInputError, PushDeviceGoneError, PushFailedError
from lot.core.push import PushSubscription
from lot.push.encryption import Receiver, encrypt
from lot.push.vapid import Vapid

SEND_TIMEOUT_S = 10.0
"""For one notice, from the connection to the answer."""
KEPT_S = 86_400
"""So long a push service keeps a notice for a browser that is away."""
MAX_REASON_BYTES = 300
_HTTPS_PORT = 443
_GONE = (404, 410)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is sent to one browser."""

    text: bytes
    topic: str
    """A later notice of the same topic takes its place while the push service still keeps it."""
    is_urgent: bool
    """Whether a phone that saves its battery is to be woken."""


class PushServices:
    """Sends notices to the services that are on the list."""

    def __init__(
        self, http: httpx.AsyncClient, hosts: Sequence[str], subject: str | None, timeout_s: float = SEND_TIMEOUT_S
    ) -> None:
        """`http` follows no redirects; `hosts` and `subject` are those of the settings."""
        self._http, self._hosts, self._subject, self._timeout_s = http, hosts, subject, timeout_s

    async def send(self, vapid: Vapid, subscription: PushSubscription, notice: Notice, now: datetime) -> None:
        """Hand a notice to a browser's push service, once.

        Raises:
            PushDeviceGoneError: the browser takes no notices any more.
            PushFailedError: the service did not take it in time, or is not on the list any more.
        """
        try:
            url = require_known(subscription.endpoint, self._hosts)
        except InvalidInputError as error:
            raise PushFailedError(str(error)) from error
        audience = f"https://{url.netloc.decode('ascii')}"
        headers = {
            "Authorization": vapid.authorization(audience, self._subject, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_S),
            "Topic": notice.topic,
            "Urgency": "high" if notice.is_urgent else "normal",
            "Accept-Encoding": "identity",
        }
        body = encrypt(notice.text, Receiver.of(subscription))
        try:
            with anyio.fail_after(self._timeout_s):
                async with self._http.stream("POST", url, content=body, headers=headers) as response:
                    await _require_taken(url.host, response)
        except TimeoutError as error:
            raise PushFailedError(f"{url.host} did not answer within {self._timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise PushFailedError(f"{url.host} could not be asked: {error or type(error).__name__}") from error


def require_known(endpoint: str, hosts: Sequence[str]) -> httpx.URL:
    """Return an endpoint's address, as it is asked for.

    Args:
        hosts: As `Settings.push_hosts`.

    Raises:
        InvalidInputError: it is no https address, or its host is not on the list.
    """
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL as error:
        raise InvalidInputError("the push service's address is none") from error
    if url.scheme != "https" or url.userinfo or not url.host:
        raise InvalidInputError("a push service is asked by https alone, without a user in its address")
    asked = url.host if url.port in (None, _HTTPS_PORT) else f"{url.host}:{url.port}"
    if not any(_covers(known, asked) for known in hosts):
        raise InvalidInputError(
            f"{asked} is not among the push services that this server may ask. Next step: whoever runs it adds it to "
            f"LOT_PUSH_HOSTS (now {', '.join(hosts)})"
        )
    return url


def _covers(known: str, asked: str) -> bool:
    return asked.endswith(known[1:]) if known.startswith("*.") else asked == known


async def _require_taken(host: str, response: httpx.Response) -> None:
    if response.is_success:
        return
    if response.status_code in _GONE:
        raise PushDeviceGoneError(f"{host} answered {response.status_code}: the browser takes no notices any more")
    if response.has_redirect_location:
        raise PushFailedError(f"{host} answered {response.status_code} and names another address, which is not asked")
    said = b""
    async for chunk in response.aiter_raw(MAX_REASON_BYTES):
        said = chunk[:MAX_REASON_BYTES]
        break
    reason = " ".join(said.decode("utf-8", "replace").split())
    raise PushFailedError(f"{host} answered {response.status_code}{f': {reason}' if reason else ''}")
