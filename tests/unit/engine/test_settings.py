"""Settings of a session: checked, stored, told, used live; and what an agent program is started with."""

from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from lot.core.errors import AgentError, InvalidInputError, ProviderError
from lot.core.events import AgentText, SettingsChanged, TurnEnded
from lot.core.ids import MessageId, SessionId
from lot.core.records import AgentMode, FileLines
from lot.core.session import AgentState, SandboxState, SessionLabel
from lot.engine.creating import SessionOptions
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.test_asks import agent_of
from tests.unit.engine.world import World

AT = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = MessageId("message-1"), MessageId("message-2")


async def changes(lot: Rig, session_id: SessionId) -> list[SettingsChanged]:
    """Return what was told of settings."""
    stored = await lot.parts.store.read_events(session_id)
    return [one.event for one in stored if isinstance(one.event, SettingsChanged)]


async def test_change_is_stored_told_and_used_by_the_running_agent(lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    wanted = {"title": "Other", "model": "pretended-large", "effort": "high", "mode": "plan", "budget_usd": 2.0}
    changed = await lot.engine.change_session(session.id, wanted)
    assert (changed.title, changed.model, changed.effort, changed.mode) == (
        "Other",
        "pretended-large",
        "high",
        AgentMode.PLAN,
    )
    (told,) = await changes(lot, session.id)
    assert (told.model, told.effort, told.mode, told.by) == ("pretended-large", "high", "plan", "user")
    (order,) = lot.world.configured
    assert (order.model, order.effort, order.mode) == ("pretended-large", "high", AgentMode.PLAN)


async def test_only_what_differs_is_told(lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.engine.change_session(session.id, {"model": "pretended", "title": "Other"})
    assert await changes(lot, session.id) == []
    await lot.engine.change_session(session.id, {"effort": "low"})
    await lot.engine.change_session(session.id, {"effort": None})
    assert [(told.model, told.effort) for told in await changes(lot, session.id)] == [(None, "low"), (None, "default")]
    assert (await lot.parts.store.get_session(session.id)).effort is None


async def test_unknown_model_is_refused_and_changes_nothing(lot: Rig) -> None:
    session = await lot.session(message="hello")
    with pytest.raises(InvalidInputError, match="pretended-large"):
        await lot.engine.change_session(session.id, {"title": "Other", "model": "nosuch"})
    seen = await lot.parts.store.get_session(session.id)
    assert (seen.title, seen.model) == ("hello", "pretended")
    with pytest.raises(InvalidInputError, match="nosuch"):
        await lot.engine.create_session(
            await lot.parts.store.get_project(session.project_id), SessionOptions(model="nosuch")
        )


async def test_without_the_providers_list_only_names_known_by_themselves_pass(lot: Rig) -> None:
    session = await lot.session(options=SessionOptions(model="pretended-large"))
    lot.world.provider.error = ProviderError("cannot be reached")
    with pytest.raises(InvalidInputError, match="cannot be reached"):
        await lot.engine.change_session(session.id, {"model": "another"})
    assert (await lot.engine.change_session(session.id, {"model": "pretended"})).model == "pretended"


async def test_agent_that_refuses_keeps_everything_as_it_was(lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    lot.world.fail["configure_agent"] = AgentError("no such model here")
    with pytest.raises(AgentError, match="no such model"):
        await lot.engine.change_session(session.id, {"model": "pretended-large"})
    assert (await lot.parts.store.get_session(session.id)).model == "pretended"
    assert await changes(lot, session.id) == []


@pytest.mark.parametrize("name", ["title", "model", "mode"])
async def test_what_cannot_be_taken_away(lot: Rig, name: str) -> None:
    session = await lot.session()
    with pytest.raises(InvalidInputError, match=name):
        await lot.engine.change_session(session.id, {name: None})


async def test_change_while_asleep_reaches_the_agent_that_comes_back(tmp_path: Path, world: World) -> None:
    async with rig(tmp_path, world) as lot:
        session = await lot.session(message="hello")
        await lot.told(session.id, "turn_ended")
        await lot.engine.pause(session.id)
        await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
        await lot.engine.change_session(session.id, {"model": "pretended-large"})
        assert world.configured == []
    async with rig(tmp_path, world) as lot:
        await lot.engine.send(session.id, ONE, "again")
        await lot.delivered(session.id, 2)
        assert [order.model for order in world.orders] == ["pretended", "pretended-large"]
        assert [order.run for order in world.orders] == [1, 1]


async def test_mode_that_the_agent_changed_by_itself_is_the_sessions(lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    agent_of(lot, session).say(events=(SettingsChanged(at=AT, mode="edits", by="agent"),))
    changed = await lot.until(session.id, lambda seen: seen.mode is AgentMode.EDITS)
    assert changed.model == "pretended"
    agent_of(lot, session).say(events=(SettingsChanged(at=AT, mode="edits", by="agent"), AgentText(at=AT, text="done")))
    await lot.told(session.id, "agent_text", 2)
    assert len(await changes(lot, session.id)) == 1


async def test_agents_echo_of_what_its_user_just_sets_is_told_once(lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    held = lot.world.hold["configure_agent"] = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lot.engine.change_session, session.id, {"mode": "ask"})
        await lot.eventually(lambda: _is_called(lot, "configure_agent"))
        echo = SettingsChanged(at=AT, mode="ask", by="agent")
        agent_of(lot, session).say(events=(echo, AgentText(at=AT, text="heard")))
        await lot.told(session.id, "agent_text", 2)
        held.set()
    assert [change.by for change in await changes(lot, session.id)] == ["user"]


async def _is_called(lot: Rig, method: str) -> bool:
    return method in lot.world.calls


async def test_agent_is_started_with_everything_it_is_to_know(lot: Rig) -> None:
    options = SessionOptions(program="acp:other-agent acp", effort="max", mode=AgentMode.ASK)
    session = await lot.session(message="hello", options=options)
    await lot.told(session.id, "turn_ended")
    (order,) = lot.world.orders
    assert (order.program, order.effort, order.mode) == ("acp:other-agent acp", "max", AgentMode.ASK)
    assert order.preview_url == f"http://3000--{session.id}.preview.localhost:7070/"
    assert (order.has_browser, order.transcript) == (False, ())
    assert lot.world.programs == ["acp:other-agent acp"]
    stored = await lot.parts.store.read_events(session.id)
    assert [one.event.program for one in stored if one.event.kind == "agent_started"] == ["acp:other-agent acp"]


async def test_next_run_gets_the_transcript_that_the_store_has(lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    agent = agent_of(lot, session)
    agent.say(lines='{"type":"x"}\n', files=(FileLines(path="p/s.jsonl", lines='{"n":1}\n'),))
    agent.die()

    async def is_gone() -> bool:
        return "agent_gone" in await lot.kinds(session.id)

    await lot.eventually(is_gone)
    await lot.engine.send(session.id, ONE, "again")
    await lot.delivered(session.id, 2)
    order = lot.world.orders[-1]
    assert (order.run, order.is_continuation) == (2, True)
    assert [(file.path, file.text) for file in order.transcript] == [("p/s.jsonl", '{"n":1}\n')]


async def test_message_taken_but_unanswered_when_the_agent_dies_fails_its_turn_and_the_next_continues(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session(message="hello")
    await lot.delivered(session.id, 1)
    agent_of(lot, session).die()
    failed = await lot.until(session.id, lambda seen: seen.label is SessionLabel.ERRORED)
    assert failed.reason == "the agent program ended before the turn was over"
    await lot.engine.send(session.id, TWO, "go on")
    await lot.delivered(session.id, 2)
    agent_of(lot, session, 2).say(run=2, events=(TurnEnded(at=AT, outcome="completed"),), agent=AgentState.IDLE)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert lot.world.taken == [MessageId("first-hello"), TWO]


async def test_browser_is_in_the_snapshot_of_a_project_that_verifies_with_one(lot: Rig) -> None:
    await lot.project()
    assert lot.world.commands == []
    other = await lot.engine.create_project(
        has_setup_session=False,
        source="/somewhere/other",
        name=None,
        branch=None,
        environment={},
        setup_command="make",
        dev_command=None,
        port=None,
        size="small",
        has_browser=True,
    )

    async def is_ready() -> bool:
        return await lot.parts.store.current_snapshot(other.id) is not None

    await lot.eventually(is_ready)
    assert lot.world.commands == ["browser", "setup"]
