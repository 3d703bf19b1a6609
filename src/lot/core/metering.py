"""How long sandboxes were on, by the day: pure rules over stored instants.

A sandbox that is on is looked at every `METER_EVERY_S`, and the time since the last look counted. Time in which nobody
saw it is not: after a crash, a power cut or a night's sleep of the host nobody knows.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

METER_EVERY_S = 10.0
MAX_UNSEEN_S = 60.0
"""A longer gap between two looks counts as off; a sandbox whose control plane is away has ended after half of it."""


def on_time(since: datetime, until: datetime) -> Iterator[tuple[date, float]]:
    """Yield how many seconds between two looks count for each day, which begins at midnight UTC.

    Args:
        since: The last look, or when the sandbox came on.
    """
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if until - since > timedelta(seconds=MAX_UNSEEN_S):
        return
    while since < until:
        midnight = datetime.combine(since.date() + timedelta(days=1), time(), UTC)
        end = min(midnight, until)
        yield since.date(), (end - since).total_seconds()
        since = end
