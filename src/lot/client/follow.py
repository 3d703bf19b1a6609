"""Following a transcript as it grows: across lost connections, without a gap and without a double.

What is still being written comes beside the numbered events as `LivePart`s, to be shown and forgotten.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed

from lot.api.schemas.sessions import EventBody, PartFrame
from lot.client.client import LotClient
from lot.client.errors import RefusedError, ServerUnreachableError, SessionDeletedError
from lot.core.events import LivePart

CLOSED_DELETED = 4404
"""Close code of the stream of a session that is no more."""
_DELAYS_S = (0.1, 0.2, 0.5, 1.0, 2.0)
_NOT_FOUND = 404
_SERVER_ERRORS = 500


def follow(
    client: LotClient,
    session: str,
    after: int = 0,
    *,
    on_lost: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[EventBody]:
    """Yield a session's events from number `after` + 1 on, for as long as the session lives; as `follow_live`."""
    for item in follow_live(client, session, after, on_lost=on_lost, sleep=sleep):
        if isinstance(item, EventBody):
            yield item


def follow_live(
    client: LotClient,
    session: str,
    after: int = 0,
    *,
    on_lost: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[EventBody | LivePart]:
    """Yield a session's events from number `after` + 1 on, each once, and between them what is still being written.

    A connection that is lost takes the parts with it: a `reset` is yielded for them.

    Args:
        client: Asks the server.
        session: Its whole id.
        after: The last number that the caller has.
        on_lost: Told, with the reason, when a connection was lost and is sought anew.
        sleep: Waits between tries.

    Raises:
        SessionDeletedError: the session was deleted meanwhile.
        ServerUnreachableError: the very first connection could not be made.
        RefusedError: the server refuses the stream.
    """
    place = _Place(number=after)
    tries = 0
    while True:
        try:
            for item in _stretch(client, session, place):
                tries = 0
                yield item
            reason = "the stream skipped an event"
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code == CLOSED_DELETED:
                raise SessionDeletedError(f"Session {session} was deleted") from error
            reason = str(error)
        except ServerUnreachableError as error:
            if not place.was_connected:
                raise
            reason = str(error)
        except RefusedError as error:
            if place.was_connected and error.status == _NOT_FOUND:
                raise SessionDeletedError(f"Session {session} was deleted") from error
            if not place.was_connected or error.status < _SERVER_ERRORS:
                raise
            reason = str(error)
        if tries == 0:
            yield LivePart(kind="reset")
            on_lost(reason)
        sleep(_DELAYS_S[min(tries, len(_DELAYS_S) - 1)])
        tries += 1


@dataclass(slots=True)
class _Place:
    number: int
    was_connected: bool = False


def _stretch(client: LotClient, session: str, place: _Place) -> Iterator[EventBody | LivePart]:
    """Yield what one connection brings; return when it skipped a number, so that the next one asks for it."""
    with client.events_socket(session, place.number) as socket:
        place.was_connected = True
        while True:
            frame = json.loads(socket.recv())
            if "part" in frame:
                yield PartFrame.model_validate(frame).part
                continue
            if "event" not in frame:
                continue  # nothing of the conversation
            event = EventBody.model_validate(frame)
            if event.number <= place.number:
                continue
            if event.number > place.number + 1:
                return
            place.number = event.number
            yield event
