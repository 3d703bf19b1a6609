"""What the store promises of what was read and what was used by the day, on SQLite and on PostgreSQL."""

from datetime import UTC, date, datetime, timedelta

import anyio
import pytest
from store_samples import NOW, PROJECT, SESSION, fill, message, session

from lot.core.errors import NotFoundError
from lot.core.events import AgentText, Notice, TurnEnded
from lot.core.ids import MessageId, SessionId
from lot.core.session import AgentState, SandboxState
from lot.store.store import Store

pytestmark = pytest.mark.anyio

OTHER = SessionId("other")
TODAY = NOW.date()
LATER = NOW + timedelta(seconds=30)
TEXT = AgentText(at=LATER, text="done")
NOTICE = Notice(at=LATER, text="forked")


async def move(store: Store, to: SandboxState, at: datetime, session_id: SessionId = SESSION) -> None:
    seen = await store.get_session(session_id)
    await store.change_session(session_id, seen_version=seen.version, now=at, sandbox_state=to)


async def seconds_on(store: Store, session_id: SessionId = SESSION) -> dict[date, float]:
    return {one.day: one.seconds_on for one in await store.days_of_session(session_id)}


# What was read


async def test_newest_event_that_matters_is_known_however_events_come(store: Store) -> None:
    await fill(store)
    await store.append_events(SESSION, [NOTICE])
    assert ((await store.get_session(SESSION)).last_event, (await store.get_session(SESSION)).last_activity_at) == (
        0,
        NOW,
    )
    await store.append_events(SESSION, [NOTICE, TEXT, NOTICE])
    changed = await store.get_session(SESSION)
    assert (changed.events, changed.last_event, changed.last_activity_at) == (4, 3, LATER)
    told, _ = await store.change_session(
        SESSION, seen_version=changed.version, now=LATER, events=[TEXT, NOTICE], title="Another"
    )
    assert (told.events, told.last_event) == (6, 5)
    assert told == await store.get_session(SESSION)


async def test_what_an_agent_says_with_a_delivery_is_numbered_right(store: Store) -> None:
    await fill(store)
    await store.add_message(message(), NOW)
    ended = TurnEnded(at=LATER, outcome="completed")
    kept = await store.append_agent_events(
        SESSION, epoch=0, run=1, from_offset=0, to_offset=10, events=[TEXT, ended, NOTICE], now=LATER,
        agent=AgentState.IDLE, delivered=[MessageId("message")],
    )  # fmt: skip
    assert kept is not None
    numbers = {stored.event.kind: stored.number for stored in kept[1]}
    assert kept[0].last_event == numbers["turn_ended"]
    assert (await store.get_session(SESSION)).last_event == numbers["turn_ended"]


async def test_users_message_is_activity_and_nothing_unread(store: Store) -> None:
    await fill(store)
    await store.add_message(message(), LATER)
    found = await store.get_session(SESSION)
    assert (found.last_event, found.last_activity_at) == (0, LATER)


async def test_what_was_seen_never_becomes_less_nor_more_than_there_is_and_makes_nothing_stale(store: Store) -> None:
    await fill(store)
    await store.append_events(SESSION, [TEXT, TEXT, TEXT])
    before = await store.get_session(SESSION)
    assert [(await store.mark_seen(SESSION, event)).seen_event for event in (2, 1, 99)] == [2, 2, 3]
    assert (await store.get_session(SESSION)).version == before.version
    with pytest.raises(NotFoundError):
        await store.mark_seen(OTHER, 1)


# What was used


async def test_sandbox_counts_from_coming_on_to_going_off_and_no_longer(store: Store) -> None:
    await fill(store)
    await store.meter(NOW)
    await move(store, SandboxState.ON, NOW)
    await store.meter(NOW + timedelta(seconds=40))
    await store.meter(NOW + timedelta(seconds=80))
    # Changes while it is on begin nothing anew.
    await move(store, SandboxState.ON, NOW + timedelta(seconds=100))
    await move(store, SandboxState.PAUSING, NOW + timedelta(seconds=120.5))
    await store.meter(NOW + timedelta(seconds=130))
    await move(store, SandboxState.PAUSED, NOW + timedelta(seconds=140))
    assert await seconds_on(store) == {TODAY: pytest.approx(120.5)}
    await move(store, SandboxState.RESUMING, NOW + timedelta(hours=1))
    await move(store, SandboxState.ON, NOW + timedelta(hours=1, seconds=5))
    await store.meter(NOW + timedelta(hours=1, seconds=10))
    assert await seconds_on(store) == {TODAY: pytest.approx(125.5)}


async def test_compute_units_are_of_the_size_and_midnight_parts_the_days(store: Store) -> None:
    await fill(store)
    await store.add_session(session(id=OTHER, compute_units=2.0), [])
    before_midnight = datetime(2026, 11, 22, 23, 59, 50, tzinfo=UTC)
    for id_ in (SESSION, OTHER):
        await move(store, SandboxState.ON, before_midnight, id_)
    await store.meter(before_midnight + timedelta(seconds=30))
    assert await seconds_on(store, OTHER) == {date(2026, 11, 22): 10.0, date(2026, 11, 23): 20.0}
    [first, second] = (await store.usage_by_project(date(2026, 11, 22)))[PROJECT]
    assert (first.seconds_on, first.compute_units) == (20.0, 30.0)
    assert (second.seconds_on, second.compute_units) == (40.0, 60.0)
    assert [day.day for day in (await store.usage_by_project(date(2026, 11, 23)))[PROJECT]] == [date(2026, 11, 23)]


async def test_time_in_which_nobody_looked_counts_nothing_and_then_it_goes_on(store: Store) -> None:
    await fill(store)
    await move(store, SandboxState.ON, NOW)
    await store.meter(NOW + timedelta(seconds=10))
    await store.meter(NOW + timedelta(hours=8))
    await store.meter(NOW + timedelta(hours=8, seconds=10))
    assert sum((await seconds_on(store)).values()) == pytest.approx(20.0)


async def test_two_meters_at_once_count_once(store: Store) -> None:
    await fill(store)
    await store.add_session(session(id=OTHER), [])
    for id_ in (SESSION, OTHER):
        await move(store, SandboxState.ON, NOW, id_)
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(store.meter, LATER)
        group.start_soon(move, store, SandboxState.PAUSING, LATER, OTHER)
        group.start_soon(store.add_model_usage, SESSION, "m", 1, 1, 1, 1, NOW, 0.5)
    assert await seconds_on(store) == {TODAY: 30.0}
    [day] = (await store.usage_by_project(TODAY))[PROJECT]
    assert (day.seconds_on, day.cost_usd) == (60.0, 0.5)


async def test_tokens_and_money_are_by_the_day_they_were_used_on(store: Store) -> None:
    await fill(store)
    for at in (NOW, NOW, NOW + timedelta(days=1)):
        await store.add_model_usage(SESSION, "opus", 10**10, 2, 3, 4, at, 0.25)
    await store.add_model_usage(SESSION, "unknown", 1, 0, 0, 0, NOW, None)
    days = await store.days_of_session(SESSION)
    assert [(day.day, day.input_tokens, day.cost_usd) for day in days] == [
        (TODAY, 2 * 10**10 + 1, 0.5),
        (TODAY + timedelta(days=1), 10**10, 0.25),
    ]
    assert (await store.usage_by_project(TODAY))[PROJECT] == days
    assert await store.usage_by_session(PROJECT, TODAY) == {SESSION: days}


async def test_sums_of_a_project_outlive_its_sessions_and_itself(store: Store) -> None:
    await fill(store)
    await store.add_model_usage(SESSION, "opus", 1, 2, 3, 4, NOW, 0.25)
    before = await store.usage_by_project(TODAY)
    await store.delete_session(SESSION)
    assert (await store.days_of_session(SESSION), await store.usage_by_session(PROJECT, TODAY)) == ([], {})
    assert await store.usage_by_project(TODAY) == before
    await store.delete_project(PROJECT, cascade=True)
    assert await store.usage_by_project(TODAY) == before
