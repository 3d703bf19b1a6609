"""Live parts: in their places among the events, never after what replaces them, bounded, holding up nobody."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import anyio
import pytest

from lot.core.errors import NotFoundError, RunnerGoneError
from lot.core.events import AgentText, LivePart, StoredEvent, ToolCalled, ToolFinished
from lot.core.ids import MessageId, SessionId
from lot.core.session import SandboxState
from lot.engine.bus import Stretch
from lot.engine.live import KEPT_CHARS, KEPT_KEYS, QUEUE_CHARS, Change, LiveDesk
from lot.runner.protocol import RunnerNews
from tests.unit.engine.conftest import LIMIT_S, Rig
from tests.unit.engine.test_asks import agent_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
ONE = SessionId("session-1")


def part(text: str, offset: int = 0, key: str = "m1", kind: str = "text") -> LivePart:
    """Return a piece of text."""
    return LivePart.model_validate({"kind": kind, "key": key, "offset": offset, "text": text})


def final(number: int, text: str = "all", key: str = "m1") -> StoredEvent:
    """Return the event that takes a text's place."""
    return StoredEvent(number=number, event=AgentText(at=AT, text=text, part_key=key))


def test_neighbours_are_joined_and_others_are_not() -> None:
    desk = LiveDesk()
    with desk.reading(ONE) as reader:
        assert reader.take(0) == []
        desk.broadcast(ONE, [part("a"), part("b", 1), part("x", key="m2"), part("c", 2)])
        assert reader.take(0) == [part("ab"), part("x", key="m2"), part("c", 2)]
        assert reader.take(0) == []


def test_who_joins_in_the_middle_gets_what_is_there() -> None:
    desk = LiveDesk()
    desk.broadcast(ONE, [part("Hel"), part("lo", 3)])
    with desk.reading(ONE) as reader:
        assert reader.take(0) == [part("Hello")]
        desk.broadcast(ONE, [part("!", 5)])
        assert reader.take(0) == [part("!", 5)]


def test_parts_wait_for_the_events_told_before_them() -> None:
    desk = LiveDesk()
    with desk.reading(ONE) as reader:
        reader.take(0)
        desk.broadcast(ONE, [])
        desk.begin(ONE, 7)
        desk.broadcast(ONE, [part("a")])
        assert reader.take(6) == []
        assert reader.take(7) == [part("a")]


def test_part_is_never_shown_after_its_event() -> None:
    desk = LiveDesk()
    desk.begin(ONE, 1)
    with desk.reading(ONE) as reader:
        reader.take(1)
        desk.broadcast(ONE, [part("al")])
        # The reader reads the event from the store before the desk hears that it is stored.
        reader.note(final(2))
        assert reader.take(2) == []
        desk.stored(ONE, [final(2)])
        desk.broadcast(ONE, [part("again")])
        assert reader.take(2) == [part("again")]


def test_what_is_replaced_is_not_given_to_who_joins_later() -> None:
    desk = LiveDesk()
    desk.broadcast(ONE, [part("al"), part("out", key="t1", kind="tool_output")])
    finished = ToolFinished(at=AT, tool_call_id="t1", is_error=False, output="out")
    desk.stored(ONE, [final(1), StoredEvent(number=2, event=finished)])
    with desk.reading(ONE) as reader:
        assert reader.take(2) == []


def test_output_of_a_command_in_the_background_goes_on_after_its_call() -> None:
    desk = LiveDesk()
    called = StoredEvent(number=1, event=ToolCalled(at=AT, tool_call_id="t1", name="Bash", input={}))
    finished = ToolFinished(at=AT, tool_call_id="t1", is_error=False, output="", is_in_background=True)
    with desk.reading(ONE) as reader:
        reader.take(0)
        desk.stored(ONE, [called, StoredEvent(number=2, event=finished)])
        reader.note(StoredEvent(number=2, event=finished))
        desk.broadcast(ONE, [part("tick", key="t1", kind="tool_output")])
        assert reader.take(2) == [part("tick", key="t1", kind="tool_output")]


def test_reset_voids_what_was_not_shown() -> None:
    desk = LiveDesk()
    with desk.reading(ONE) as reader:
        reader.take(0)
        desk.broadcast(ONE, [part("a"), LivePart(kind="reset"), part("b")])
        assert reader.take(0) == [LivePart(kind="reset"), part("b")]
    with desk.reading(ONE) as late:
        assert late.take(0) == [part("b")]


def test_slow_reader_loses_parts_and_gets_a_reset_with_what_is_there() -> None:
    desk = LiveDesk()
    with desk.reading(ONE) as reader:
        desk.broadcast(ONE, [part("begin")])
        assert reader.take(0) == [part("begin")]
        piece = "x" * 1000
        for number in range(2 * QUEUE_CHARS // 1000):
            desk.broadcast(ONE, [part(piece, 5 + number * 1000)])
        reset, rest = reader.take(0)
        assert reset.kind == "reset"
        assert len(rest.text) <= KEPT_CHARS
        assert rest.offset + len(rest.text) == 5 + 2 * QUEUE_CHARS // 1000 * 1000


def test_what_is_kept_is_bounded() -> None:
    desk = LiveDesk()
    for number in range(10 * KEPT_KEYS):
        desk.broadcast(ONE, [part("x" * KEPT_CHARS * 2, key=f"m{number}")])
    with desk.reading(ONE) as reader:
        begun = reader.take(0)
    assert len(begun) == KEPT_KEYS
    assert sum(len(one.text) for one in begun) <= KEPT_KEYS * KEPT_CHARS


async def watched(lot: Rig, session_id: SessionId, seen: list[object]) -> None:
    """Note what a follower is shown, parts one by one."""
    async for told in lot.engine.follow_live(session_id, 0):
        seen.extend(told.events if isinstance(told, Stretch) else [told] if isinstance(told, Change) else told)


async def until(seen: list[object], *wanted: LivePart | Change) -> None:
    """Return once one of these was shown."""
    with anyio.fail_after(LIMIT_S):
        while not any(one in seen for one in wanted):  # noqa: ASYNC110 - a list tells nobody
            await anyio.sleep(0.005)


@pytest.fixture
async def following(lot: Rig) -> AsyncIterator[tuple[SessionId, list[object]]]:
    """A session whose agent works, and what a follower of it has been shown."""
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="begin")
    await lot.delivered(session.id, 1)
    await lot.told(session.id, "agent_text")
    seen: list[object] = []
    async with anyio.create_task_group() as group:
        group.start_soon(watched, lot, session.id, seen)
        yield session.id, seen
        group.cancel_scope.cancel()


async def test_follower_sees_parts_then_their_event(lot: Rig, following: tuple[SessionId, list[object]]) -> None:
    session_id, seen = following
    agent = agent_of(lot, await lot.parts.store.get_session(session_id))
    agent.stream(part("Hel"))
    agent.stream(part("lo", 3))
    await until(seen, part("lo", 3), part("Hello"))
    agent.say(events=(AgentText(at=AT, text="Hello", part_key="m1"),))
    agent.stream(part("Next", key="m2"))
    await until(seen, part("Next", key="m2"))
    texts = [one.event.text for one in seen if isinstance(one, StoredEvent) and one.event.kind == "agent_text"]
    assert texts == ["heard: begin", "Hello"]
    event = next(
        i
        for i, one in enumerate(seen)
        if isinstance(one, StoredEvent) and one.event == AgentText(at=AT, text="Hello", part_key="m1")
    )
    shown = [i for i, one in enumerate(seen) if isinstance(one, LivePart) and one.key == "m1"]
    assert shown
    assert max(shown) < event < seen.index(part("Next", key="m2"))
    assert [one.number for one in seen if isinstance(one, StoredEvent)] == list(
        range(1, sum(isinstance(one, StoredEvent) for one in seen) + 1)
    )


def test_change_that_nobody_has_heard_of_yet_is_heard_once() -> None:
    desk = LiveDesk()
    desk.tell_change(ONE, Change.PORTS)
    with desk.reading(ONE) as reader:
        assert reader.take_changes() == []
        for _ in range(1000):
            desk.tell_change(ONE, Change.PORTS)
        assert reader.take_changes() == [Change.PORTS]
        assert reader.take_changes() == []


async def test_change_of_ports_reaches_followers_and_is_no_event(
    lot: Rig, following: tuple[SessionId, list[object]]
) -> None:
    session_id, seen = following
    before = await lot.kinds(session_id)
    [runner] = [one for one in lot.world.runners.values() if one.assignment and one.assignment.id == session_id]
    runner.tell(RunnerNews(news="ports"))
    await until(seen, Change.PORTS)
    assert await lot.kinds(session_id) == before


async def test_files_are_watched_while_somebody_follows_and_their_changes_told(lot: Rig) -> None:
    session = await lot.session()
    sandbox, seen = lot.world.sandboxes[session.sandbox], list[object]()

    async def is_watched() -> bool:
        return sandbox.file_watchers == 1

    async def is_left_alone() -> bool:
        return sandbox.file_watchers == 0

    assert "file_changes" not in lot.world.calls
    async with anyio.create_task_group() as group:
        group.start_soon(watched, lot, session.id, seen)
        await until(seen, Change.DIFF)
        await lot.eventually(is_watched)
        seen.clear()
        sandbox.write_file()
        await until(seen, Change.DIFF)
        group.start_soon(watched, lot, session.id, [])
        group.cancel_scope.cancel()
    await lot.eventually(is_left_alone)
    assert lot.world.calls.count("file_changes") == 1, "however many follow"


async def test_runner_that_cannot_watch_files_disturbs_nothing(lot: Rig) -> None:
    session, seen = await lot.session(), list[object]()
    lot.world.fail["file_changes"] = RunnerGoneError("an older runner has no such call")
    async with anyio.create_task_group() as group:
        group.start_soon(watched, lot, session.id, seen)
        await lot.engine.send(session.id, MessageId("message-1"), "hello")
        await lot.delivered(session.id, 1)
        group.cancel_scope.cancel()
    assert lot.world.calls.count("file_changes") == 1


async def test_parts_are_not_stored(lot: Rig, following: tuple[SessionId, list[object]]) -> None:
    session_id, seen = following
    session = await lot.parts.store.get_session(session_id)
    agent_of(lot, session).stream(part("Hel"))
    await until(seen, part("Hel"))
    after = await lot.parts.store.get_session(session_id)
    assert (after.events, after.agent_offset, after.version) == (session.events, session.agent_offset, session.version)


async def test_parts_are_void_when_the_agent_or_its_sandbox_is_gone(
    lot: Rig, following: tuple[SessionId, list[object]]
) -> None:
    session_id, seen = following
    session = await lot.parts.store.get_session(session_id)
    agent_of(lot, session).stream(part("Hel"))
    await until(seen, part("Hel"))
    lot.world.sandboxes.clear()
    (runner,) = lot.world.runners.values()
    runner.tell(RunnerNews(news="sandbox_gone", detail="killed"))
    await until(seen, LivePart(kind="reset"))
    await lot.until(session_id, lambda now: now.sandbox_state is SandboxState.PAUSED)


async def test_pause_in_the_middle_of_a_text_shows_it_from_its_beginning_again(
    lot: Rig, following: tuple[SessionId, list[object]]
) -> None:
    session_id, seen = following
    session = await lot.parts.store.get_session(session_id)
    agent_of(lot, session).stream(part("Hel"))
    await until(seen, part("Hel"))
    await lot.engine.pause(session_id)
    await lot.until(session_id, lambda now: now.sandbox_state is SandboxState.PAUSED)
    seen.clear()
    await lot.engine.send(session_id, MessageId("message-2"), "go on")
    await until(seen, part("Hel"))


async def test_follower_of_a_deleted_session_is_told(lot: Rig) -> None:
    session = await lot.session()
    ended = anyio.Event()

    async def follow() -> None:
        with pytest.raises(NotFoundError):
            await watched(lot, session.id, [])
        ended.set()

    async with anyio.create_task_group() as group:
        group.start_soon(follow)
        await anyio.sleep(0.05)
        await lot.engine.delete_session(session.id)
        with anyio.fail_after(LIMIT_S):
            await ended.wait()
