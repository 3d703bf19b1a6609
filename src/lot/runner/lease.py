"""A runner's lease: the clock that says when a sandbox without renewals is frozen and killed, and the renewing itself.

The acting is done by `watchdog.py`, a process of its own.
"""

import logging
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import httpx

from lot.core.errors import UnavailableError
from lot.runner.protocol import Assignment

logger = logging.getLogger(__name__)


class Due(StrEnum):
    """What has to be done to the sandbox now."""

    NOTHING = "nothing"
    FREEZE = "freeze"
    THAW = "thaw"
    KILL = "kill"


class LeaseClock:
    """Counts from when the last good renewal was SENT, on this host's monotonic clock."""

    def __init__(self, sent_at: float, *, freeze_after_s: float, kill_after_s: float) -> None:
        self.sent_at = sent_at
        self.is_frozen = False
        self._freeze_after_s = freeze_after_s
        self._kill_after_s = kill_after_s

    def renewed(self, sent_at: float) -> None:
        """Count from a renewal that was answered with yes."""
        self.sent_at = max(self.sent_at, sent_at)

    def due(self, now: float) -> Due:
        """Return what is to be done; the caller does it and sets `is_frozen`."""
        silent_s = now - self.sent_at
        if silent_s >= self._kill_after_s:
            return Due.KILL
        if (silent_s >= self._freeze_after_s) == self.is_frozen:
            return Due.NOTHING
        return Due.THAW if self.is_frozen else Due.FREEZE

    def next_at(self) -> float:
        """Return when something will be due unless a renewal comes."""
        return self.sent_at + (self._kill_after_s if self.is_frozen else self._freeze_after_s)


UNRENEWED_AGE_S = 10.0
"""How old an assignment's claim is taken to be until the first renewal is answered: its true age is not known."""


def first_sent_at(now: float, assignment: Assignment) -> float:
    """Return from when to count before any renewal: as if the last one had been sent a while ago."""
    return now - min(UNRENEWED_AGE_S, assignment.freeze_after_s / 2)


RETRY_S = 1.0
"""A control plane that restarts is away for seconds: the first renewal it can answer should not be late."""


class LeaseLostError(Exception):
    """The control plane says that somebody else may act on the subject, or nobody."""


class ControlPlane:
    """A runner's calls about its lease, to whichever control plane serves `lease_socket` now. They block.

    Apart from everything else that runner and control plane say to each other, at both ends: a renewal that waited its
    turn behind a busy loop would come too late.
    """

    def __init__(self, lease_socket: Path, assignment: Assignment) -> None:
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(lease_socket), verify=False),
            base_url="http://control",
            headers={"Authorization": f"Bearer {assignment.pass_token}"},
            timeout=assignment.renew_every_s,
            trust_env=False,
        )

    def renew(self) -> None:
        """Ask for another `lease_ttl_s`.

        Raises:
            LeaseLostError: refused for good. UnavailableError: no answer, or none that can be used.
        """
        response = self._post("/renew", None)
        if response.status_code == httpx.codes.CONFLICT:
            raise LeaseLostError(response.text[:500])
        if not response.is_success:
            raise UnavailableError(f"renewal was answered with {response.status_code}")

    def announce_candidate(self, image: str) -> None:
        """Say that `image` was saved without a lease; nothing happens when nobody listens."""
        try:
            self._post("/candidate", {"image": image})
        except UnavailableError as error:
            logger.warning("candidate image not announced", extra={"image": image, "reason": str(error)})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _post(self, path: str, body: dict[str, str] | None) -> httpx.Response:
        try:
            return self._http.post(path, json=body)
        except httpx.HTTPError as error:
            raise UnavailableError(f"control plane: {error!r}") from error


def keep_lease(
    control: ControlPlane,
    renew_every_s: float,
    renewed: Callable[[float], None],
    ends: Callable[[float], bool],
    now: Callable[[], float] = time.monotonic,
) -> str | None:
    """Renew until the lease is lost, and return why; None: told to end. Blocks; meant for a thread of its own.

    Args:
        renewed: Told of each good renewal, with the instant at which it was sent.
        ends: Waits for so many seconds, or returns True at once when it is time to end: an event's `wait`.
    """
    while True:
        sent_at = now()
        pause_s = renew_every_s
        try:
            control.renew()
        except LeaseLostError as error:
            return str(error)
        except UnavailableError as error:
            logger.warning("lease not renewed", extra={"reason": str(error)})
            pause_s = min(renew_every_s, RETRY_S)
        else:
            renewed(sent_at)
        if ends(max(0.0, sent_at + pause_s - now())):
            return None
