"""Which events a user wants to see, and which are a sign of life of a session."""

from lot.core.events import (
    AgentGone,
    AgentText,
    LimitReached,
    MessageAdded,
    PermissionAsked,
    PlanProposed,
    QuestionAsked,
    SessionEvent,
    SetupChanged,
    TurnEnded,
    TurnFailed,
)


def is_notable(event: SessionEvent) -> bool:
    """Return whether a session is unread while its user has not seen this event: words, questions, ends and errors.

    What a sub-agent says, and what a user does, is none of them.
    """
    match event:
        case AgentText(parent_tool_call_id=parent):
            return parent is None
        case QuestionAsked() | PlanProposed() | PermissionAsked():
            return True
        case TurnEnded() | TurnFailed() | AgentGone() | LimitReached():
            return True
        case SetupChanged(status=status):
            return status != "step"
    return False


def is_activity(event: SessionEvent) -> bool:
    """Return whether a session has been active with this event; a user's message counts, too."""
    return is_notable(event) or isinstance(event, MessageAdded)
