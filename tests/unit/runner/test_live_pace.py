"""What is being written crosses in few frames, and nothing of it is lost, held back or put out of order."""

from collections.abc import AsyncIterator, Sequence

import anyio
import pytest

from lot.core.events import LivePart
from lot.harness.harness import AgentRecord
from lot.runner.live_pace import LIVE_EVERY_S, send_paced

pytestmark = pytest.mark.anyio

PIECES = ("a", "b", "c", "d")


def live(text: str, offset: int, key: str = "m:0") -> AgentRecord:
    part = LivePart(kind="text", key=key, offset=offset, text=text)
    return AgentRecord(run=1, from_offset=5, to_offset=5, events=(), parts=(part,), is_live=True)


def lasting(end: int) -> AgentRecord:
    return AgentRecord(run=1, from_offset=5, to_offset=end, events=())


class Receiver:
    """Takes what is sent and lets a test wait for it."""

    def __init__(self) -> None:
        self.sent: list[AgentRecord] = []
        self._more = anyio.Event()

    async def send(self, record: AgentRecord) -> None:
        self.sent.append(record)
        self._more.set()
        await anyio.lowlevel.checkpoint()

    async def until(self, count: int) -> None:
        while len(self.sent) < count:
            self._more = anyio.Event()
            await self._more.wait()

    @property
    def texts(self) -> list[str]:
        return [part.text for record in self.sent for part in record.parts]


async def following(records: Sequence[AgentRecord]) -> AsyncIterator[AgentRecord]:
    for record in records:
        yield record


async def test_first_piece_goes_at_once_and_those_of_one_moment_as_one() -> None:
    receiver = Receiver()
    pieces = [live(text, offset) for offset, text in enumerate(PIECES)]
    await send_paced(following(pieces), receiver.send, lambda: 100.0)
    assert receiver.texts == ["a", "bcd"]


async def test_what_is_held_is_sent_when_its_time_has_come_though_nothing_follows() -> None:
    receiver = Receiver()
    goes_on = anyio.Event()

    async def records() -> AsyncIterator[AgentRecord]:
        yield live("a", 0)
        yield live("b", 1)
        await goes_on.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send_paced, records(), receiver.send)
        await receiver.until(2)
        goes_on.set()
    assert receiver.texts == ["a", "b"]


async def test_a_record_that_lasts_waits_for_nothing_and_overtakes_nothing() -> None:
    receiver = Receiver()
    records = [live("a", 0), live("b", 1), lasting(7), live("c", 0, key="m:1"), lasting(9)]
    await send_paced(following(records), receiver.send, lambda: 100.0)
    assert [(record.to_offset, record.is_live) for record in receiver.sent] == [
        (5, True), (5, True), (7, False), (5, True), (9, False),
    ]  # fmt: skip
    assert receiver.texts == ["a", "b", "c"]


async def test_pieces_far_apart_are_not_held() -> None:
    receiver, now = Receiver(), 0.0

    def clock() -> float:
        nonlocal now
        now += LIVE_EVERY_S
        return now

    await send_paced(following([live(text, offset) for offset, text in enumerate(PIECES)]), receiver.send, clock)
    assert receiver.texts == list(PIECES)


async def test_error_of_the_agents_output_is_raised() -> None:
    async def records() -> AsyncIterator[AgentRecord]:
        yield live("a", 0)
        raise ConnectionError("the link broke")

    with pytest.raises(ExceptionGroup) as raised:
        await send_paced(records(), Receiver().send)
    assert raised.group_contains(ConnectionError)
