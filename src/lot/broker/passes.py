"""Passes: what a runner shows the control plane to prove for whom it acts, and under which epoch.

A pass is signed, not stored: it says what was true when it was issued. Whether its epoch still holds is asked of the
store at every use.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from lot.core.errors import UnauthenticatedError
from lot.core.ids import SessionId

_SCHEME = "lot1"
_MAX_CHARS = 1_000
MIN_KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """For whom its holder acts."""

    kind: str
    """`session` or `snapshot`."""
    id: str
    epoch: int

    @property
    def session_id(self) -> SessionId:
        """The session.

        Raises:
            UnauthenticatedError: the pass is one of a snapshot's build.
        """
        if self.kind != "session":
            raise UnauthenticatedError(f"this needs the pass of a session, not of a {self.kind}")
        return SessionId(self.id)


class Passes:
    """Issues and verifies passes under one key, which never leaves the control plane."""

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"a key for passes has at least {MIN_KEY_BYTES} bytes")
        self._key = key

    def issue(self, kind: str, id: str, epoch: int) -> str:
        """Return a pass as text."""
        body = _encode(json.dumps([kind, id, epoch], separators=(",", ":")).encode())
        return f"{_SCHEME}.{body}.{_encode(self._sign(body))}"

    def verify(self, token: str) -> Pass:
        """Return what a pass says.

        Raises:
            UnauthenticatedError: it is none of ours.
        """
        scheme, _, rest = token[:_MAX_CHARS].partition(".")
        body, _, signature = rest.partition(".")
        if scheme != _SCHEME or not hmac.compare_digest(_encode(self._sign(body)).encode(), signature.encode()):
            raise UnauthenticatedError("the pass is not valid")
        kind, id, epoch = cast(tuple[str, str, int], json.loads(_decode(body)))
        return Pass(kind=kind, id=id, epoch=epoch)

    def shown_by(self, request: Request) -> Pass:
        """Return what the pass of a request says; whether its epoch still holds is not asked.

        Raises:
            UnauthenticatedError: there is none, or a forged one.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthenticatedError("the request carries no pass")
        return self.verify(token.strip())

    def _sign(self, body: str) -> bytes:
        return hmac.digest(self._key, f"{_SCHEME}.{body}".encode(), hashlib.sha256)


CheckEpoch = Callable[[str, str, int], Awaitable[None]]
"""Given kind, id and epoch: raises `StaleEpochError` unless that epoch is the subject's present one."""


class PassControl:
    """Lets a request in if it shows a pass that is ours and whose epoch still holds."""

    def __init__(self, passes: Passes, check_epoch: CheckEpoch) -> None:
        self._passes, self._check_epoch = passes, check_epoch

    async def admit(self, request: Request) -> Pass:
        """Return the pass of a request.

        Raises:
            UnauthenticatedError: there is none, or a forged one. StaleEpochError: its epoch is over.
        """
        shown = self._passes.shown_by(request)
        await self._check_epoch(shown.kind, shown.id, shown.epoch)
        return shown


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
