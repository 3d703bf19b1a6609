"""The setup session that every new project gets: told of the build, up when it is proved, and awake when written to."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from lot.core.errors import CallerError
from lot.core.events import LivePart, SetupChanged
from lot.core.ids import MessageId
from lot.core.records import Project, Session, SnapshotState
from lot.core.session import AgentState, SandboxState, SessionLabel
from tests.unit.engine.conftest import LIMIT_S, Rig, rig
from tests.unit.engine.world import World

pytestmark = pytest.mark.anyio

PROJECT: dict[str, Any] = {
    "source": "/somewhere/app",
    "name": None,
    "branch": None,
    "environment": {},
    "setup_command": "npm ci",
    "dev_command": "serve",
    "port": 3000,
    "size": "small",
}


async def created(lot: Rig, **wanted: Any) -> tuple[Project, Session]:
    """Return a project that is just being set up, and its setup session."""
    project = await lot.engine.create_project(**PROJECT | wanted)
    [session] = await lot.parts.store.list_sessions(project.id)
    return project, session


async def story(lot: Rig, session: Session) -> list[SetupChanged]:
    told = await lot.parts.store.events_of_kind(session.id, "setup_changed")
    return [one.event for one in told if isinstance(one.event, SetupChanged)]


async def ended(lot: Rig, session: Session, status: str) -> SetupChanged:
    """Return the event that ends a build, once it is told."""

    async def holds() -> bool:
        return (await story(lot, session))[-1:] != [] and (await story(lot, session))[-1].status == status

    await lot.eventually(holds)
    return (await story(lot, session))[-1]


async def test_session_is_told_of_the_build_and_comes_up_from_what_it_made(lot: Rig) -> None:
    lot.world.hold["run_command"] = anyio.Event()
    project, session = await created(lot)
    assert (session.label, session.reason) == (SessionLabel.STARTING, "the project is being set up")

    async def runs_setup() -> bool:
        return any("running the setup command: npm ci" in one.detail for one in await story(lot, session))

    await lot.eventually(runs_setup)
    assert (await lot.parts.store.get_session(session.id)).sandbox_state is SandboxState.ABSENT
    lot.world.hold.pop("run_command").set()
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    snapshot = await lot.parts.store.current_snapshot(project.id)
    assert snapshot is not None
    assert (up.label, up.reason) == (SessionLabel.IDLE, None)
    assert (up.snapshot_id, up.layers, up.is_setup) == (snapshot.id, (snapshot.layer,), True)
    assert lot.world.brought_up[-1].rungs[1].image == str(lot.parts.folders.image(snapshot.memory_image or ""))  # type: ignore[arg-type]
    said = await ended(lot, session, "ready")
    assert (said.snapshot_id, said.generation) == (snapshot.id, 1)
    assert "port 3000" in said.detail


async def test_message_in_the_middle_of_the_build_wakes_the_bare_sandbox_at_once(lot: Rig) -> None:
    lot.world.hold["run_command"] = anyio.Event()
    project, session = await created(lot)
    await lot.engine.send(session.id, MessageId("guide"), "take pnpm instead")
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    await lot.delivered(session.id, 1)
    assert up.layers == ()
    assert lot.world.orders[-1].is_setup
    lot.world.hold.pop("run_command").set()
    await ended(lot, session, "ready")
    assert (await lot.parts.store.get_session(session.id)).layers == ()
    assert [order.command for order in lot.world.dev_orders] == ["serve"], "only the build has a dev server"
    with pytest.raises(CallerError, match="1 sessions"):
        await lot.engine.delete_project(project.id, cascade=False)


async def test_failure_is_told_with_its_log_and_a_retry_that_proves_right_brings_the_session_up(lot: Rig) -> None:
    lot.world.exit_codes = {"setup": 3}
    project, session = await created(lot)
    said = await ended(lot, session, "failed")
    assert "exit code 3" in said.detail
    assert "running the setup command" in (said.log_end or "")
    failed = await lot.until(session.id, lambda seen: seen.agent is AgentState.ERRORED)
    assert failed.label is SessionLabel.ERRORED
    assert (failed.reason or "").startswith("the setup failed: the setup command ended with exit code 3")
    lot.world.exit_codes = {}
    await lot.engine.redo_setup(project.id)
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert (up.label, len(up.layers)) == (SessionLabel.IDLE, 1)
    assert [one.generation for one in await story(lot, session) if one.status == "ready"] == [2]


async def test_message_after_a_failure_lets_an_agent_look_from_the_bare_image(lot: Rig) -> None:
    lot.world.exit_codes = {"setup": 3}
    _, session = await created(lot)
    await lot.until(session.id, lambda seen: seen.agent is AgentState.ERRORED)
    await lot.engine.send(session.id, MessageId("why"), "why did it fail?")
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    await lot.delivered(session.id, 1)
    assert (up.base_image, up.layers) == ("base", ())


async def test_session_waits_for_the_projects_own_image(lot: Rig) -> None:
    lot.world.repository["Dockerfile"] = "FROM debian\n"
    lot.world.hold["run_command"] = anyio.Event()
    _, session = await created(lot, image="dockerfile")
    await lot.engine.send(session.id, MessageId("early"), "hello")
    assert (await lot.parts.store.get_session(session.id)).sandbox_state is SandboxState.ABSENT
    lot.world.hold.pop("run_command").set()
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    await lot.delivered(session.id, 1)
    assert up.base_image == "oci-built"


async def test_agents_setup_session_starts_from_the_projects_own_image(lot: Rig) -> None:
    lot.world.provider.is_scripted = False
    lot.world.repository |= {"Dockerfile": "FROM debian\n", "package.json": '{"scripts": {"dev": "vite"}}'}
    project, session = await created(lot, image="dockerfile", setup_command=None, dev_command=None, port=None)
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    await lot.delivered(session.id, 1)
    assert (up.base_image, up.layers) == ("oci-built", ())
    [snapshot] = await lot.parts.store.list_snapshots(project.id)
    assert (snapshot.state, snapshot.base_image) == (SnapshotState.PREPARING, "oci-built")
    [added, *_] = await lot.parts.store.events_of_kind(session.id, "message_added")
    assert "the image dockerfile" in str(added.event)


async def test_where_the_image_cannot_be_made_an_agent_can_look_from_lots_own(lot: Rig) -> None:
    _, session = await created(lot, image="dockerfile")  # which the repository does not have
    failed = await lot.until(session.id, lambda seen: seen.agent is AgentState.ERRORED)
    assert "no file Dockerfile" in (failed.reason or "")
    await lot.engine.send(session.id, MessageId("why"), "write me a Dockerfile")
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert up.base_image == "base"


async def test_unused_setup_session_goes_with_its_project(lot: Rig) -> None:
    project, session = await created(lot)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    await lot.engine.delete_project(project.id, cascade=False)
    assert await lot.parts.store.list_sessions() == []


async def test_session_deleted_in_the_middle_of_a_build_does_not_stop_it(lot: Rig) -> None:
    lot.world.hold["run_command"] = anyio.Event()
    project, session = await created(lot)
    await lot.engine.delete_session(session.id)
    lot.world.hold.pop("run_command").set()

    async def is_ready() -> bool:
        return await lot.parts.store.current_snapshot(project.id) is not None

    await lot.eventually(is_ready)


@pytest.mark.parametrize("is_good", [True, False])
async def test_build_that_ended_just_before_a_kill_is_told_after_the_restart(
    tmp_path: Path, world: World, is_good: bool
) -> None:
    world.exit_codes = {} if is_good else {"setup": 3}

    async def never(*_: object) -> None:
        await anyio.sleep_forever()

    async with rig(tmp_path, world) as killed:
        killed.engine.builds._story.ended = never  # type: ignore[method-assign]
        project, session = await created(killed)

        async def is_over() -> bool:
            newest = (await killed.parts.store.list_snapshots(project.id))[0]
            return newest.state is not SnapshotState.BUILDING

        await killed.eventually(is_over)
    async with rig(tmp_path, world) as lot:
        wanted = SessionLabel.IDLE if is_good else SessionLabel.ERRORED
        await lot.until(session.id, lambda seen: seen.label is wanted)
        assert (await story(lot, session))[-1].status == ("ready" if is_good else "failed")


async def test_what_the_build_prints_is_live_until_its_end_stands_in_its_place(lot: Rig) -> None:
    lot.world.exit_codes = {"setup": 3}
    project, session = await created(lot)
    await ended(lot, session, "failed")
    lot.world.hold["run_command"] = anyio.Event()
    snapshot = await lot.engine.redo_setup(project.id)

    async def is_running() -> bool:
        return any(one.generation == 2 and "running" in one.detail for one in await story(lot, session))

    await lot.eventually(is_running)
    telling = lot.engine.builds._story
    telling.printed(snapshot, "added 12 packages\n")
    telling.printed(snapshot, "done\n")
    seen: list[LivePart] = []
    with anyio.fail_after(LIMIT_S):
        async for told in lot.engine.follow_live(session.id, 0):
            if isinstance(told, tuple):
                seen += told
                break
    assert [(part.kind, part.key, part.text) for part in seen] == [
        ("setup_output", snapshot.id, "added 12 packages\ndone\n")
    ]
    lot.world.hold.pop("run_command").set()
    await ended(lot, session, "failed")
    with anyio.move_on_after(0.2):
        async for told in lot.engine.follow_live(session.id, 0):
            assert not isinstance(told, tuple)


async def test_newer_build_ends_the_one_under_way(lot: Rig) -> None:
    lot.world.hold["run_command"] = anyio.Event()
    project, session = await created(lot)
    [first] = await lot.parts.store.list_snapshots(project.id)

    async def is_running() -> bool:
        return any("running" in one.detail for one in await story(lot, session))

    await lot.eventually(is_running)
    lot.world.hold.pop("run_command")
    second = await lot.engine.redo_setup(project.id)
    up = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert up.snapshot_id == second.id
    outdated = await lot.parts.store.get_snapshot(first.id)
    assert (outdated.state, outdated.failure) == (SnapshotState.FAILED, "a newer setup was begun")
    assert not lot.parts.folders.layer(first.layer).exists()
    assert [(one.generation, one.status) for one in await story(lot, session) if one.status != "step"] == [
        (1, "failed"),
        (2, "ready"),
    ]
