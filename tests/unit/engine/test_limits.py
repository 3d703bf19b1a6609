"""Limits stop the agent, then pause the session with the reason; what is beyond a budget is refused, not lost."""

from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from lot.core.errors import BudgetReachedError
from lot.core.events import LimitReached, ModelRetried, TurnEnded
from lot.core.ids import MessageId, SessionId
from lot.core.records import AskState, Session
from lot.core.session import SandboxState, SessionLabel
from lot.engine.creating import Draft, SessionOptions, message_from
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.test_asks import ASK, RED, agent_of, asking, asking_asleep, state_of
from tests.unit.engine.world import World

ONE, TWO = MessageId("message-1"), MessageId("message-2")
DAY_S = 24 * 3600.0


async def working(lot: Rig, options: SessionOptions | None = None) -> Session:
    """Return a session whose agent works and does not stop by itself."""
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="work", options=options)
    await lot.delivered(session.id, 1)
    return await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)


async def told_ends(lot: Rig, session_id: SessionId) -> list[tuple[str, str | None]]:
    """Return outcome and reason of each turn's end."""
    stored = await lot.parts.store.read_events(session_id)
    return [(one.event.outcome, one.event.reason) for one in stored if isinstance(one.event, TurnEnded)]


async def spend(lot: Rig, session: Session, tokens: int) -> None:
    """Have a session use tokens."""
    await lot.parts.store.add_model_usage(session.id, "pretended", tokens, 0, 0, 0, lot.clock.now(), 0.5)


async def test_longest_activity_interrupts_marks_and_pauses(lot: Rig) -> None:
    session = await working(lot)
    lot.clock.forward(DAY_S + 1)
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert "24 h" in (paused.reason or "")
    assert "send a message" in (paused.reason or "")
    assert await told_ends(lot, session.id) == [("interrupted", paused.reason)]
    kinds = await lot.kinds(session.id)
    assert kinds.count("limit_reached") == 1
    assert kinds.index("limit_reached") < kinds.index("turn_ended")
    await lot.engine.send(session.id, ONE, "go on")
    await lot.delivered(session.id, 2)
    assert [event.rung for event in await lot.came_back(session.id)] == ["memory"]
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)


async def test_agent_that_does_not_stop_is_paused_all_the_same(lot: Rig) -> None:
    session = await working(lot)
    lot.world.hold["interrupt"] = anyio.Event()
    lot.clock.forward(DAY_S + 1)
    await lot.told(session.id, "limit_reached")
    lot.clock.forward(20)
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert await told_ends(lot, session.id) == [("interrupted", paused.reason)]
    lot.world.hold.pop("interrupt").set()


async def test_control_plane_killed_after_the_limit_was_told_goes_on_and_tells_it_once(
    tmp_path: Path, world: World
) -> None:
    world.hold["interrupt"] = anyio.Event()
    async with rig(tmp_path, world) as lot:
        session = await working(lot)
        lot.clock.forward(DAY_S + 1)
        await lot.told(session.id, "limit_reached")
        at = lot.clock.at
    world.hold.clear()
    async with rig(tmp_path, world) as lot:
        lot.clock.at = at + timedelta(seconds=60)
        await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
        assert (await lot.kinds(session.id)).count("limit_reached") == 1


async def test_budget_interrupts_and_pauses_with_the_next_step(lot: Rig) -> None:
    session = await working(lot, SessionOptions(budget_tokens=100))
    await spend(lot, session, 100)
    for _ in range(2):
        await lot.engine.budget_reached(session.id, "session_tokens", "100 tokens were used")
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert (paused.reason or "").startswith("100 tokens were used")
    assert "raise it" in (paused.reason or "")
    stored = await lot.parts.store.read_events(session.id)
    (told,) = [one.event for one in stored if isinstance(one.event, LimitReached)]
    assert (told.limit, told.detail) == ("session_tokens", paused.reason)
    assert [outcome for outcome, _ in await told_ends(lot, session.id)] == ["interrupted"]


async def test_message_beyond_the_budget_is_refused_and_a_raised_budget_lets_it_in(lot: Rig) -> None:
    session = await lot.session(options=SessionOptions(budget_tokens=100))
    await spend(lot, session, 100)
    with pytest.raises(BudgetReachedError, match="raise it"):
        await lot.engine.send(session.id, ONE, "more")
    assert "message_added" not in await lot.kinds(session.id)
    await lot.engine.change_session(session.id, {"budget_tokens": None})
    await lot.engine.send(session.id, ONE, "more")
    await lot.delivered(session.id, 1)


async def test_answer_beyond_the_budget_is_refused_and_the_question_stays(lot: Rig) -> None:
    session = await asking(lot)
    await lot.engine.change_session(session.id, {"budget_tokens": 10})
    await spend(lot, session, 10)
    with pytest.raises(BudgetReachedError):
        await lot.engine.answer(session.id, ASK, RED)
    assert await state_of(lot, session) is AskState.OPEN


async def test_kept_message_of_a_session_over_budget_waits_for_a_raised_one(lot: Rig) -> None:
    session = await lot.session(options=SessionOptions(budget_usd=0.5))
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    await spend(lot, session, 1)
    draft = Draft(id=ONE, text="more")
    # As if the budget had been reached between the message and the wake-up.
    await lot.parts.store.add_message(message_from(lot.parts, session.id, draft), lot.clock.now())
    lot.engine._workers.ensure(session.id).wake()
    await anyio.sleep(0.1)
    assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.PAUSED
    await lot.engine.change_session(session.id, {"budget_usd": 10.0})
    await lot.delivered(session.id, 1)


async def test_projects_budget_counts_all_its_sessions_and_refuses_new_ones_with_a_message(lot: Rig) -> None:
    session = await lot.session()
    project = await lot.engine.change_project(session.project_id, {"budget_tokens": 10})
    await spend(lot, session, 10)
    with pytest.raises(BudgetReachedError, match="project"):
        await lot.engine.create_session(project, draft=Draft(id=ONE, text="hello"))
    other = await lot.engine.create_session(project)
    with pytest.raises(BudgetReachedError):
        await lot.engine.send(other.id, ONE, "hello")


async def test_question_that_is_open_at_the_limit_is_withdrawn(lot: Rig) -> None:
    session = await asking(lot)
    await lot.engine.budget_reached(session.id, "session_usd", "all is spent")
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert await state_of(lot, session) is AskState.WITHDRAWN


async def test_budget_of_a_session_that_is_off_or_gone_changes_nothing(lot: Rig) -> None:
    session = await asking_asleep(lot)
    await lot.engine.budget_reached(session.id, "session_usd", "all is spent")
    assert await state_of(lot, session) is AskState.OPEN
    await lot.engine.budget_reached(SessionId("nosuch"), "session_usd", "all is spent")


async def test_wait_of_the_broker_is_told(lot: Rig) -> None:
    session = await working(lot)
    await lot.engine.model_waits(session.id, 2, 4.5, 529, "overloaded")
    await lot.engine.model_waits(SessionId("nosuch"), 1, 1.0, None, None)
    stored = await lot.parts.store.read_events(session.id)
    (told,) = [one.event for one in stored if isinstance(one.event, ModelRetried)]
    assert (told.by, told.attempt, told.delay_s, told.status) == ("broker", 2, 4.5, 529)
    assert agent_of(lot, session).answers == {}
