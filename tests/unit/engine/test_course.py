"""A session's course: due pauses, losses, forks and deletions; and control planes that die in between."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from lot.core.errors import HostFullError, ImageDamagedError, NotFoundError, PauseFailedError, ProjectNotReadyError
from lot.core.ids import MessageId
from lot.core.records import Session
from lot.core.session import AgentState, SandboxState, SessionLabel
from lot.runner.protocol import RunnerNews
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

ONE = MessageId("message-1")


async def test_session_that_nobody_uses_is_paused_when_its_countdown_is_over(lot: Rig) -> None:
    session = await lot.session()
    assert session.pause_at == lot.clock.now() + timedelta(seconds=300)
    lot.clock.forward(301)
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert paused.reason == "quiet"
    assert lot.world.sandboxes == {}

    async def is_released() -> bool:
        return (await lot.parts.store.get_session(session.id)).lease.owner is None

    await lot.eventually(is_released)


async def test_running_agent_keeps_its_sandbox_up_far_beyond_the_countdown(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session()
    await lot.engine.send(session.id, ONE, "work for long")
    running = await lot.until(session.id, lambda seen: seen.label is SessionLabel.RUNNING)
    assert running.pause_at == lot.clock.now() + timedelta(hours=24)


async def test_keep_awake_moves_the_countdown_and_never_shortens_it(lot: Rig) -> None:
    session = await lot.session()
    until = lot.clock.now() + timedelta(hours=1)
    assert (await lot.engine.keep_awake(session.id, until)).pause_at == until
    assert (await lot.engine.keep_awake(session.id, lot.clock.now())).pause_at == until


async def test_use_of_the_preview_extends_the_countdown(lot: Rig) -> None:
    session = await lot.session()
    lot.clock.forward(100)
    await lot.engine.extend(session.id, "preview in use")
    extended = await lot.parts.store.get_session(session.id)
    assert extended.pause_at == lot.clock.now() + timedelta(seconds=300)
    assert extended.pause_reason == "preview in use"


async def test_pause_refused_for_want_of_disk_leaves_the_session_on(lot: Rig) -> None:
    session = await lot.session()
    lot.world.fail["pause"] = HostFullError("1 MiB is free")
    await lot.engine.pause(session.id)
    still_on = await lot.until(session.id, lambda seen: seen.reason == "1 MiB is free")
    assert still_on.sandbox_state is SandboxState.ON
    await lot.engine.send(session.id, ONE, "still there?")
    await lot.delivered(session.id, 1)


async def test_failed_pause_keeps_the_disk_and_says_so(lot: Rig) -> None:
    session = await lot.session()
    lot.world.fail["pause"] = PauseFailedError("checkpoint failed")
    await lot.engine.pause(session.id)
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert paused.memory_image is None
    del lot.world.fail["pause"]
    await lot.engine.resume(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    back = await lot.came_back(session.id)
    assert back[-1].rung == "disk"
    assert "checkpoint failed" in (back[-1].reason or "")


async def test_damaged_image_leads_to_the_disk_with_the_reason(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    lot.world.saved.clear()
    await lot.engine.resume(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    back = await lot.came_back(session.id)
    assert (back[-1].rung, back[-1].reason) == ("disk", "the image is damaged")


async def test_failed_resume_leaves_the_session_paused_with_its_image(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.pause(session.id)
    paused = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    lot.world.fail["bring_up"] = ImageDamagedError("unreadable just now")
    await lot.engine.resume(session.id)
    failed = await lot.until(session.id, lambda seen: seen.reason == "unreadable just now")
    assert failed.label is SessionLabel.PAUSED
    assert failed.memory_image == paused.memory_image
    lot.world.fail.clear()
    await lot.engine.resume(session.id)
    back = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert back.label is SessionLabel.IDLE
    assert "turn_failed" not in await lot.kinds(session.id)


async def test_two_resumes_at_once_make_one_sandbox(lot: Rig) -> None:
    session = await lot.session()
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    lot.world.calls.clear()
    async with anyio.create_task_group() as group:
        group.start_soon(lot.engine.resume, session.id)
        group.start_soon(lot.engine.resume, session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert lot.world.calls.count("bring_up") == 1


async def test_killed_runner_is_replaced_and_the_sandbox_adopted(lot: Rig) -> None:
    session = await lot.session()
    lot.world.sandboxes[session.sandbox].counter = 7
    epoch = session.lease.epoch
    for runner in list(lot.world.runners.values()):
        runner.kill()

    async def is_claimed_anew() -> bool:
        return (await lot.parts.store.get_session(session.id)).lease.epoch > epoch

    await lot.eventually(is_claimed_anew)
    await lot.engine.send(session.id, ONE, "hello")
    await lot.delivered(session.id, 1)
    assert lot.world.sandboxes[session.sandbox].counter == 7


async def test_lost_sandbox_is_told_and_interrupts_the_turn(lot: Rig) -> None:
    lot.world.turns_end_by_themselves = False
    session = await lot.session()
    await lot.engine.send(session.id, ONE, "begin")
    await lot.delivered(session.id, 1)
    lot.world.sandboxes.clear()
    (runner,) = lot.world.runners.values()
    runner.tell(RunnerNews(news="sandbox_gone", detail="killed by signal 9"))
    lost = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert lost.agent is AgentState.ERRORED
    assert "killed by signal 9" in (lost.reason or "")
    assert "turn_failed" in await lot.kinds(session.id)


async def test_sandbox_that_ends_while_its_agent_is_heard_is_told_though_the_news_are_lost(lot: Rig) -> None:
    session = await lot.session(message="hello")
    await lot.told(session.id, "turn_ended")
    agent = lot.world.sandboxes[session.sandbox].agents[1]
    lot.world.sandboxes.clear()
    agent.changed.set()
    await lot.engine.send(session.id, ONE, "is anybody there?")
    await lot.told(session.id, "turn_ended", 2)
    (came_back,) = await lot.came_back(session.id)
    assert came_back.rung == "disk"
    assert "sandbox is gone" in (came_back.reason or "")


async def test_fork_shares_memory_and_transcript_and_both_go_on(lot: Rig) -> None:
    parent = await lot.session(message="hello")
    await lot.told(parent.id, "turn_ended")
    lot.world.sandboxes[parent.sandbox].counter = 5
    child = await lot.engine.fork(parent.id, "Other way")
    child = await lot.until(child.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    parent = await lot.until(parent.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert lot.world.sandboxes[child.sandbox].counter == 5
    assert lot.world.sandboxes[parent.sandbox].counter == 5
    assert child.upper != parent.upper
    assert child.layers == parent.layers
    assert child.branch != parent.branch
    kinds = await lot.kinds(child.id)
    assert kinds.count("agent_text") == 1
    assert "forked" in kinds


async def test_fork_of_a_paused_session_leaves_it_paused(lot: Rig) -> None:
    parent = await lot.session()
    await lot.engine.pause(parent.id)
    await lot.until(parent.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    child = await lot.engine.fork(parent.id, None)
    await lot.until(child.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert (await lot.parts.store.get_session(parent.id)).label is SessionLabel.PAUSED


async def _paused(lot: Rig, session: Session) -> None:
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)


async def _pausing(lot: Rig, session: Session) -> None:
    lot.world.hold["pause"] = anyio.Event()
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSING)


async def _resuming(lot: Rig, session: Session) -> None:
    await _paused(lot, session)
    lot.world.hold["bring_up"] = anyio.Event()
    await lot.engine.resume(session.id)


async def _running(lot: Rig, session: Session) -> None:
    lot.world.turns_end_by_themselves = False
    await lot.engine.send(session.id, ONE, "begin")
    await lot.delivered(session.id, 1)


async def _idle(lot: Rig, session: Session) -> None:
    return None


@pytest.mark.parametrize("reach", [_idle, _running, _pausing, _paused, _resuming])
async def test_deletion_leaves_nothing_from_any_state(
    lot: Rig, reach: Callable[[Rig, Session], Awaitable[None]]
) -> None:
    session = await lot.session()
    assert (lot.parts.folders.layers / session.upper).is_dir()
    await reach(lot, session)
    await lot.engine.delete_session(session.id)
    with pytest.raises(NotFoundError):
        await lot.parts.store.get_session(session.id)
    assert lot.world.sandboxes == {}
    assert lot.world.runners == {}
    assert not (lot.parts.folders.layers / session.upper).exists()
    hibernation = lot.parts.folders.hibernation
    assert [image.name for image in hibernation.iterdir() if not image.name.startswith("snapshot-")] == []


async def test_no_session_before_a_snapshot(lot: Rig) -> None:
    lot.world.hold["bring_up"] = anyio.Event()
    project = await lot.engine.create_project(
        has_setup_session=False,
        source="/somewhere/app",
        name=None,
        branch=None,
        environment={},
        setup_command=None,
        dev_command=None,
        port=None,
        size="small",
    )
    with pytest.raises(ProjectNotReadyError, match="no snapshot yet"):
        await lot.engine.create_session(project)
    lot.world.hold.pop("bring_up").set()


@pytest.mark.parametrize("reach", [_idle, _running, _pausing, _paused, _resuming])
async def test_control_plane_killed_in_any_state_goes_on_where_it_was(
    tmp_path: Path, world: World, reach: Callable[[Rig, Session], Awaitable[None]]
) -> None:
    async with rig(tmp_path, world) as lot:
        session = await lot.session()
        world.sandboxes[session.sandbox].counter = 3
        await reach(lot, session)
        before = await lot.parts.store.get_session(session.id)
    world.hold.clear()
    async with rig(tmp_path, world) as lot:
        wanted = {
            SandboxState.PAUSING: SandboxState.PAUSED,
            SandboxState.RESUMING: SandboxState.ON,
        }.get(before.sandbox_state, before.sandbox_state)
        session = await lot.until(session.id, lambda seen: seen.sandbox_state is wanted)
        assert session.agent is before.agent
        await lot.engine.resume(session.id)
        session = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
        assert world.sandboxes[session.sandbox].counter == 3


async def test_orderly_stop_pauses_every_session(tmp_path: Path, world: World) -> None:
    async with rig(tmp_path, world, stop_in_order=True) as lot:
        await lot.session()
        await lot.session(await lot.parts.store.get_project((await lot.parts.store.list_projects())[0].id))
        assert len(world.sandboxes) == 2
    assert world.sandboxes == {}


async def test_orphans_are_reaped_when_the_control_plane_starts(tmp_path: Path, world: World) -> None:
    async with rig(tmp_path, world) as lot:
        session = await lot.session()
        orphan = lot.parts.folders.layers / "nobodys"
        orphan.mkdir(parents=True)
        await lot.parts.store.delete_session(session.id)
    assert session.sandbox in world.sandboxes
    async with rig(tmp_path, world):
        assert world.sandboxes == {}
        assert world.runners == {}
        assert not orphan.exists()
