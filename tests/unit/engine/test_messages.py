"""A message is delivered exactly once, whatever the session is doing when it comes."""

from pathlib import Path

import anyio
import pytest

from lot.core.errors import AgentError, BootFailedError, HostFullError
from lot.core.ids import MessageId
from lot.core.session import AgentState, SandboxState, SessionLabel
from lot.engine.creating import Draft
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

ONE, TWO = MessageId("message-1"), MessageId("message-2")


async def test_message_runs_a_turn_and_ends_idle(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.send(session.id, ONE, "hello")
    await lot.told(session.id, "turn_ended")
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    kinds = await lot.kinds(session.id)
    told = [kind for kind in kinds if kind in ("message_added", "message_delivered", "agent_text", "turn_ended")]
    assert told == ["message_added", "message_delivered", "agent_text", "turn_ended"]


async def test_message_given_at_creation_waits_for_the_boot(lot: Rig) -> None:
    lot.world.hold["bring_up"] = anyio.Event()
    project_ready = lot.world.hold.pop("bring_up")
    project = await lot.project()
    lot.world.hold["bring_up"] = project_ready
    session = await lot.engine.create_session(project, draft=Draft(id=ONE, text="hello"))
    assert session.label is SessionLabel.STARTING
    await lot.engine.send(session.id, ONE, "hello")
    assert lot.world.taken == []
    project_ready.set()
    await lot.delivered(session.id, 1)
    assert lot.world.taken == [ONE]


async def test_same_message_twice_is_one_message(lot: Rig) -> None:
    session = await lot.session()
    for _ in range(3):
        await lot.engine.send(session.id, ONE, "hello")
    await lot.delivered(session.id, 1)
    assert lot.world.taken == [ONE]
    assert (await lot.kinds(session.id)).count("message_added") == 1


async def test_message_while_pausing_wakes_the_session_again(lot: Rig) -> None:
    session = await lot.session()
    lot.world.hold["pause"] = anyio.Event()
    await lot.engine.pause(session.id)
    await lot.engine.send(session.id, ONE, "hello")
    assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.PAUSING
    lot.world.hold.pop("pause").set()
    await lot.delivered(session.id, 1)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
    assert lot.world.taken == [ONE]


async def test_message_while_resuming_is_delivered_once(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    lot.world.hold["bring_up"] = anyio.Event()
    await lot.engine.resume(session.id)
    await lot.engine.send(session.id, ONE, "hello")
    assert (await lot.parts.store.get_session(session.id)).label is SessionLabel.RESUMING
    lot.world.hold.pop("bring_up").set()
    await lot.delivered(session.id, 1)
    assert lot.world.taken == [ONE]


async def test_message_wakes_a_paused_session_with_its_memory(lot: Rig) -> None:
    session = await lot.session()
    lot.world.sandboxes[session.sandbox].counter = 41
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert lot.world.sandboxes == {}
    await lot.engine.send(session.id, ONE, "hello")
    await lot.delivered(session.id, 1)
    assert lot.world.sandboxes[session.sandbox].counter == 41
    back = await lot.came_back(session.id)
    assert [event.rung for event in back] == ["memory"]


async def test_message_while_running_reaches_the_same_agent(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session()
    await lot.engine.send(session.id, ONE, "begin")
    await lot.delivered(session.id, 1)
    await lot.engine.send(session.id, TWO, "rather this")
    await lot.delivered(session.id, 2)
    assert lot.world.taken == [ONE, TWO]
    assert lot.world.calls.count("start_agent") == 1


async def test_failed_start_is_explained_and_the_next_message_tries_again(lot: Rig) -> None:
    project = await lot.project()
    lot.world.fail["bring_up"] = BootFailedError("the runtime said no")
    session = await lot.engine.create_session(project, draft=Draft(id=ONE, text="hello"))
    failed = await lot.until(session.id, lambda seen: seen.label is SessionLabel.ERRORED)
    assert failed.reason == "the runtime said no"
    assert lot.world.sandboxes == {}
    del lot.world.fail["bring_up"]
    await lot.engine.send(session.id, TWO, "again")
    await lot.delivered(session.id, 2)
    assert lot.world.taken == [ONE, TWO]


async def test_full_host_refuses_a_start_and_leaves_others_alone(lot: Rig) -> None:
    running = await lot.session()
    project = await lot.parts.store.get_project(running.project_id)
    lot.world.fail["bring_up"] = HostFullError("the host has 100 MiB available")
    refused = await lot.engine.create_session(project)
    seen = await lot.until(refused.id, lambda seen: seen.label is SessionLabel.ERRORED)
    assert seen.reason == "the host has 100 MiB available"
    assert (await lot.parts.store.get_session(running.id)).label is SessionLabel.IDLE


async def test_agent_that_does_not_start_is_an_error_the_next_message_mends(lot: Rig) -> None:
    session = await lot.session()
    lot.world.fail["start_agent"] = AgentError("no such program")
    await lot.engine.send(session.id, ONE, "hello")
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.ERRORED and seen.reason == "no such program")
    del lot.world.fail["start_agent"]
    await lot.engine.send(session.id, TWO, "again")
    await lot.delivered(session.id, 2)
    assert lot.world.taken == [ONE, TWO]


async def test_stop_ends_the_turn_and_the_label_becomes_idle(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session()
    await lot.engine.send(session.id, ONE, "begin")
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)
    await lot.delivered(session.id, 1)
    await lot.engine.stop_turn(session.id)
    await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)


@pytest.mark.parametrize("method", ["send_message", "start_agent"])
async def test_runner_killed_during_delivery_loses_and_doubles_nothing(lot: Rig, method: str) -> None:
    session = await lot.session()
    lot.world.hold[method] = anyio.Event()
    await lot.engine.send(session.id, ONE, "hello")

    async def is_called() -> bool:
        return method in lot.world.calls

    await lot.eventually(is_called)
    for runner in list(lot.world.runners.values()):
        runner.kill()
    lot.world.hold.pop(method).set()
    await lot.delivered(session.id, 1)
    assert lot.world.taken == [ONE]


async def test_control_plane_killed_mid_turn_goes_on_without_gap_or_double(tmp_path: Path, world: World) -> None:
    world.turns_end_by_themselves = False
    async with rig(tmp_path, world) as lot:
        session = await lot.session()
        await lot.engine.send(session.id, ONE, "begin")
        await lot.delivered(session.id, 1)
    agent = world.sandboxes[session.sandbox].agents[1]
    agent.say(agent=AgentState.IDLE)
    async with rig(tmp_path, world) as lot:
        await lot.until(session.id, lambda seen: seen.label is SessionLabel.IDLE)
        kinds = await lot.kinds(session.id)
    assert kinds.count("message_delivered") == 1
    assert kinds.count("agent_text") == 1
    assert world.taken == [ONE]
