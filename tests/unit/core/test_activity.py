"""What makes a session unread, and what is a sign of life."""

from datetime import UTC, datetime

import pytest

from lot.core.activity import is_activity, is_notable
from lot.core.events import AgentText, AgentThought, MessageAdded, Notice, SessionEvent, TurnEnded, TurnFailed

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "is_read_by_user", "is_life"),
    [
        (AgentText(at=AT, text="done"), True, True),
        (AgentText(at=AT, text="to its parent", parent_tool_call_id="toolu_1"), False, False),
        (AgentThought(at=AT, text="hm"), False, False),
        (TurnEnded(at=AT, outcome="completed"), True, True),
        (TurnFailed(at=AT, reason="no key"), True, True),
        (MessageAdded(at=AT, message_id="m", text="hello"), False, True),
        (Notice(at=AT, text="forked"), False, False),
    ],
)
def test_what_a_user_wants_to_see(event: SessionEvent, is_read_by_user: bool, is_life: bool) -> None:
    assert (is_notable(event), is_activity(event)) == (is_read_by_user, is_life)
