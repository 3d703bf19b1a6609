"""When a request that failed is made again: exponentially later, with jitter, and not before the provider says."""

import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often, and for how long in all. The clocks and the dice are for tests."""

    attempts: int = 10
    """Including the first."""
    patience_s: float = 300.0
    """From the first attempt on; no attempt begins later."""
    first_s: float = 1.0
    longest_s: float = 60.0
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now
    dice: Callable[[], float] = random.random

    def delay_s(self, attempt: int, spent_s: float, retry_after: str | None) -> float | None:
        """Return how long to wait after the failure of an attempt (1 is the first); None: it is not made again."""
        if attempt >= self.attempts:
            return None
        longest = min(self.longest_s, self.first_s * 2 ** (attempt - 1))
        delay = longest * (0.5 + 0.5 * self.dice())
        if retry_after is not None:
            # Never sooner than asked for, and not everybody at once.
            delay = max(delay, self._asked_for_s(retry_after) * (1 + 0.1 * self.dice()))
        return delay if spent_s + delay <= self.patience_s else None

    def _asked_for_s(self, retry_after: str) -> float:
        """Return the seconds of a `retry-after`, given so or as a date; 0 of one that cannot be read."""
        try:
            seconds = float(retry_after)
        except ValueError:
            try:
                at = parsedate_to_datetime(retry_after)
            except ValueError:
                return 0.0
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
            seconds = (at - self.now()).total_seconds()
        return max(0.0, seconds) if math.isfinite(seconds) else 0.0
