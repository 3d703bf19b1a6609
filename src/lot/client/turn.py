"""Following one turn: from a message until the agent stops, fails or asks."""

from collections.abc import Callable, Iterator

from lot.api.schemas.sessions import EventBody
from lot.client.client import LotClient
from lot.client.follow import follow
from lot.core import events as e

_ENDS = ("Errored", "Waiting for user")


def follow_turn(
    client: LotClient,
    session: str,
    message_id: str,
    after: int,
    on_lost: Callable[[str], None] = lambda _: None,
) -> Iterator[EventBody]:
    """Yield the events after `after` up to the one that ends the turn that took the message, and that one last.

    The last is a `TurnEnded` or `TurnFailed`, or a `StateChanged` to Errored (the session did not come up) or to
    Waiting for user (the agent asks). A turn that was running before the message is steered by it, and its end counts.
    """
    is_taken = False
    for body in follow(client, session, after, on_lost=on_lost):
        yield body
        event = e.EVENT.validate_python(body.event)
        match event:
            case e.MessageDelivered(message_id=taken) if taken == message_id:
                is_taken = True
            case e.TurnFailed():
                return
            case e.TurnEnded() if is_taken:
                return
            case e.StateChanged(label=label) if label in _ENDS:
                return
