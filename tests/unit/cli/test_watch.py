"""Following a transcript, with connections that break; and what a person sees of it."""

import json
import threading
import time

import pytest
from mock_lot import MockLot

from lot.client.client import LotClient
from lot.client.errors import ServerUnreachableError, SessionDeletedError
from lot.client.follow import follow, follow_live


def filled(mock: MockLot, count: int = 10) -> None:
    mock.add_session()
    for number in range(1, count + 1):
        mock.tell("abcdefghij", "notice", text=f"notice {number}")


def numbers(client: LotClient, count: int, after: int = 0) -> list[int]:
    events = follow(client, "abcdefghij", after, sleep=lambda _: None)
    return [next(events).number for _ in range(count)]


def test_events_come_once_each_and_in_order_across_lost_connections(mock: MockLot, client: LotClient):
    filled(mock)
    mock.drop_after = [3, 0, 1, 2]
    assert numbers(client, 10) == list(range(1, 11))
    assert mock.drop_after == []


def test_events_that_come_twice_are_seen_once(mock: MockLot, client: LotClient):
    filled(mock)
    mock.drop_after, mock.repeat = [4, 4], 2
    assert numbers(client, 10) == list(range(1, 11))


def test_a_skipped_event_is_asked_for_again(mock: MockLot, client: LotClient):
    filled(mock)
    mock.skip_once = {5}
    assert numbers(client, 10) == list(range(1, 11))


def test_following_begins_after_the_number_asked_for_and_goes_on_live(mock: MockLot, client: LotClient):
    filled(mock, 3)
    threading.Timer(0.05, lambda: mock.tell("abcdefghij", "notice", text="late")).start()
    assert numbers(client, 2, after=2) == [3, 4]


def test_a_deleted_session_ends_the_following(mock: MockLot, client: LotClient):
    filled(mock, 1)
    events = follow(client, "abcdefghij", sleep=lambda _: None)
    next(events)
    del mock.sessions["abcdefghij"]
    with pytest.raises(SessionDeletedError):
        next(events)


def test_the_first_connection_must_hold(mock: MockLot):
    from lot.client.address import Address

    with LotClient(Address("http://127.0.0.1:9")) as client, pytest.raises(ServerUnreachableError):
        next(follow(client, "abcdefghij", sleep=lambda _: None))


def test_watch_prints_one_event_a_line_as_json(lot, mock: MockLot):
    filled(mock, 3)
    result = lot("session", "watch", "last", "--no-follow", "--json", "--after", "1")
    assert [json.loads(line)["number"] for line in result.stdout.splitlines()] == [2, 3]


def test_watch_says_that_the_session_was_deleted(lot, mock: MockLot):
    filled(mock, 2)
    deletion = threading.Thread(target=_delete_once_watched, args=(mock,))
    deletion.start()
    result = lot("session", "watch", "last")
    deletion.join()
    assert result.exit_code == 0
    assert "notice 2" in result.stdout
    assert "was deleted" in result.stderr


def _delete_once_watched(mock: MockLot) -> None:
    while mock.events_sent < 2:
        time.sleep(0.01)
    mock.sessions.clear()


def test_parts_come_beside_the_events_and_a_lost_connection_voids_them(mock: MockLot, client: LotClient):
    filled(mock, 2)
    part = {"kind": "text", "key": "m1:0", "offset": 0, "text": "hel"}
    mock.parts["abcdefghij"] = [(1, part)]
    mock.drop_after = [1]
    items = follow_live(client, "abcdefghij", sleep=lambda _: None)
    seen = [next(items) for _ in range(4)]
    assert [getattr(each, "number", None) or getattr(each, "kind", None) for each in seen] == [1, "reset", "text", 2]
