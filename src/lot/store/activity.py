"""Keeps in a session's row which event its user wants to see, and when it was active, as its events are written."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from lot.core.activity import is_activity, is_notable
from lot.core.events import SessionEvent


def activity_of(new: Sequence[SessionEvent], before: ColumnElement[int]) -> dict[str, Any]:
    """Return what changes in a session's row with new events.

    Args:
        before: The number of the event before the first of them.
    """
    changes: dict[str, Any] = {}
    for place, event in enumerate(new, 1):
        if is_notable(event):
            changes["last_event"] = before + place
        if is_activity(event):
            changes["last_activity_at"] = event.at
    return changes
