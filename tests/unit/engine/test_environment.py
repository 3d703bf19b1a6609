"""Environment variables: what sandboxes have of them, when a restart is needed, and how they are changed."""

import shutil
from pathlib import Path
from typing import Any

import anyio
import pytest

from lot.core.environment import MAX_VALUE_BYTES, Environment
from lot.core.errors import (
    EnvironmentChangedError,
    GitError,
    InvalidInputError,
    NotFoundError,
    SandboxUnavailableError,
    TooLargeError,
    UnavailableError,
)
from lot.core.events import EnvironmentChanged
from lot.core.ids import ProjectId, SessionId
from lot.core.records import Project, Session
from lot.core.session import SandboxState
from lot.engine.environment import Edit, outdated_sessions
from lot.runner.protocol import DevStatus
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

OLD, NEW = {"X": "old", "GONE": "1"}, {"X": "new"}
REPLACED = Edit(values=NEW, is_replacement=True)


async def save(lot: Rig, project_id: ProjectId, edit: Edit = REPLACED) -> Environment:
    environment, _ = await lot.engine.change_environment(project_id, edit)
    return environment


async def needing_restart(lot: Rig, project_id: ProjectId) -> list[SessionId]:
    environment = await lot.parts.store.get_environment(project_id)
    return [session.id for session in await outdated_sessions(lot.parts, project_id, environment)]


def given(lot: Rig, session: Session) -> list[dict[str, str]]:
    """Return what each process of the session's dev server was given, beginning with the snapshot's."""
    return lot.world.sandboxes[session.sandbox].dev_starts


async def told(lot: Rig, session: Session) -> list[tuple[int, bool]]:
    stored = await lot.parts.store.read_events(session.id)
    return [
        (one.event.version, one.event.restart_needed) for one in stored if isinstance(one.event, EnvironmentChanged)
    ]


async def paused(lot: Rig, session: Session) -> Session:
    await lot.engine.pause(session.id)
    return await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)


async def resumed(lot: Rig, session: Session) -> Session:
    await lot.engine.resume(session.id)
    return await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)


async def test_new_session_has_the_newest_values_before_its_dev_server_starts(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    await save(lot, project.id)
    lot.world.calls.clear()
    session = await lot.session(project)
    assert lot.world.dotenv[session.sandbox] == NEW
    assert given(lot, session) == [OLD, NEW]
    assert lot.world.calls.index("sync") < lot.world.calls.index("start_dev")
    assert await needing_restart(lot, project.id) == []


async def test_dev_server_of_a_snapshots_memory_is_started_anew_where_there_are_values(lot: Rig) -> None:
    project = await lot.project()
    plain = await lot.session(project)
    assert given(lot, plain) == [{}]
    await save(lot, project.id)
    session = await lot.session(project)
    assert given(lot, session) == [{}, NEW]
    assert await needing_restart(lot, project.id) == [plain.id]


async def test_saving_restarts_nothing_and_each_session_keeps_its_values_until_its_own_restart(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    one, two = await lot.session(project), await lot.session(project)
    await save(lot, project.id)
    assert (given(lot, one), given(lot, two)) == ([OLD, OLD], [OLD, OLD])
    assert lot.world.dotenv[one.sandbox] == OLD
    assert set(await needing_restart(lot, project.id)) == {one.id, two.id}

    lot.world.calls.clear()
    assert await lot.engine.restart_dev_server(one.id)
    assert lot.world.calls == ["sync", "start_dev"]
    assert lot.world.dotenv[one.sandbox] == NEW
    assert (given(lot, one), given(lot, two)) == ([OLD, OLD, NEW], [OLD, OLD])
    assert await needing_restart(lot, project.id) == [two.id]
    assert (await told(lot, one), await told(lot, two)) == ([(2, True), (2, False)], [(2, True)])


async def test_values_saved_while_a_session_starts_need_a_restart(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    lot.world.hold["start_dev"] = anyio.Event()
    session = await lot.engine.create_session(project)

    async def is_starting() -> bool:
        return "start_dev" in lot.world.calls[-1:]

    await lot.eventually(is_starting)
    await save(lot, project.id)
    assert await needing_restart(lot, project.id) == []
    lot.world.hold.pop("start_dev").set()
    session = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert given(lot, session) == [OLD, OLD]
    assert await needing_restart(lot, project.id) == [session.id]


async def test_memory_keeps_its_values_and_the_mark(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await paused(lot, await lot.session(project))
    await save(lot, project.id)
    assert await needing_restart(lot, project.id) == [session.id]
    with pytest.raises(SandboxUnavailableError, match="resume it first"):
        await lot.engine.restart_dev_server(session.id)
    session = await resumed(lot, session)
    assert (given(lot, session), lot.world.dotenv[session.sandbox]) == ([OLD, OLD], OLD)
    assert await needing_restart(lot, project.id) == [session.id]
    await lot.engine.restart_dev_server(session.id)
    assert await needing_restart(lot, project.id) == []


async def test_session_that_comes_up_from_disk_gets_the_newest_values(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await paused(lot, await lot.session(project))
    await save(lot, project.id)
    assert session.memory_image is not None
    shutil.rmtree(lot.parts.folders.image(session.memory_image))
    lot.world.calls.clear()
    session = await resumed(lot, session)
    assert [call for call in lot.world.calls if call in ("sync", "start_dev")] == ["sync", "start_dev"]
    assert (given(lot, session), lot.world.dotenv[session.sandbox]) == ([NEW], NEW)
    assert await needing_restart(lot, project.id) == []


async def test_dead_dev_server_that_came_back_with_the_memory_is_started_with_the_newest_values(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await lot.session(project)
    await lot.engine.client_of(session.id).stop_dev()
    session = await paused(lot, session)
    await save(lot, project.id)
    session = await resumed(lot, session)
    assert (given(lot, session), lot.world.dotenv[session.sandbox]) == ([OLD, OLD, NEW], NEW)
    assert await needing_restart(lot, project.id) == []


async def test_broken_repository_keeps_no_session_from_coming_up(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await paused(lot, await lot.session(project))
    await save(lot, project.id)
    assert session.memory_image is not None
    shutil.rmtree(lot.parts.folders.image(session.memory_image))
    lot.world.fail["sync"] = GitError("no git here")
    session = await resumed(lot, session)
    assert "notice" in await lot.kinds(session.id)
    assert await needing_restart(lot, project.id) == [session.id]


async def test_restart_that_cannot_write_the_values_ends_nothing(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await lot.session(project)
    await save(lot, project.id)
    lot.world.fail["sync"] = GitError("no room")
    with pytest.raises(GitError):
        await lot.engine.restart_dev_server(session.id)
    assert given(lot, session) == [OLD, OLD]
    assert await needing_restart(lot, project.id) == [session.id]


async def test_of_two_restarts_at_once_the_mark_is_the_last_ones(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await lot.session(project)
    await save(lot, project.id)
    held = lot.world.hold["start_dev"] = anyio.Event()
    lot.world.calls.clear()

    async def is_first_starting() -> bool:
        return "start_dev" in lot.world.calls

    async with anyio.create_task_group() as group:
        group.start_soon(lot.engine.restart_dev_server, session.id)
        await lot.eventually(is_first_starting)
        await save(lot, project.id, Edit(values={"X": "newest"}))
        group.start_soon(lot.engine.restart_dev_server, session.id)
        del lot.world.hold["start_dev"]
        held.set()
    assert given(lot, session) == [OLD, OLD, NEW, {"X": "newest"}]
    assert await needing_restart(lot, project.id) == []


async def test_pause_in_the_middle_of_a_restart_leaves_the_mark(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await lot.session(project)
    await save(lot, project.id)
    held = lot.world.hold["start_dev"] = anyio.Event()
    refused: list[Exception] = []

    async def restart() -> None:
        try:
            await lot.engine.restart_dev_server(session.id)
        except UnavailableError as error:
            refused.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(restart)
        await paused(lot, session)
        del lot.world.hold["start_dev"]
        held.set()
    assert len(refused) == 1
    assert await needing_restart(lot, project.id) == [session.id]


async def test_fork_has_the_values_and_the_mark_of_its_parent(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    parent = await lot.session(project)
    await save(lot, project.id)
    child = await lot.engine.fork(parent.id, None)
    await lot.until(child.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert set(await needing_restart(lot, project.id)) == {parent.id, child.id}
    await lot.engine.restart_dev_server(child.id)
    assert await needing_restart(lot, project.id) == [parent.id]


async def test_start_that_was_cut_off_ends_with_the_newest_values(tmp_path: Path, world: World) -> None:
    async with rig(tmp_path, world) as lot:
        project = await lot.project(environment=OLD)
        world.hold["start_dev"] = anyio.Event()
        session = await lot.engine.create_session(project)

        async def is_starting() -> bool:
            return "start_dev" in world.calls[-1:]

        await lot.eventually(is_starting)
        # Its dev server was just started when the control plane was killed.
        world.sandboxes[session.sandbox].dev = DevStatus(status="answering", port=3000)
        given(lot, session).append(OLD)
        await save(lot, project.id)
    del world.hold["start_dev"]
    async with rig(tmp_path, world) as lot:
        session = await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
        assert (given(lot, session), lot.world.dotenv[session.sandbox]) == ([OLD, OLD, NEW], NEW)
        assert await needing_restart(lot, project.id) == []


async def test_project_without_dev_server_needs_no_restart_but_can_have_its_values_written(lot: Rig) -> None:
    project = await lot.project(environment=OLD, dev_command=None)
    session = await lot.session(project)
    await save(lot, project.id)
    assert await needing_restart(lot, project.id) == []
    assert not await lot.engine.restart_dev_server(session.id)
    assert lot.world.dotenv[session.sandbox] == NEW


# Edits


async def edited(lot: Rig, project: Project, **edit: Any) -> dict[str, str]:
    return (await save(lot, project.id, Edit(**edit))).values


async def test_edits_add_up_and_note_when_each_value_changed(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    before = lot.clock.now()
    lot.clock.forward(60)
    assert await edited(lot, project, values={"X": "old", "Y": "2"}) == {**OLD, "Y": "2"}
    variables = (await lot.parts.store.get_environment(project.id)).variables
    assert (variables["X"].changed_at, variables["Y"].changed_at) == (before, lot.clock.now())
    assert await edited(lot, project, unset=frozenset({"GONE"})) == {"X": "old", "Y": "2"}
    assert await edited(lot, project, values={}, is_replacement=True) == {}


async def test_saving_what_is_there_changes_nothing(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    session = await lot.session(project)
    assert (await save(lot, project.id, Edit(values=OLD))).version == 1
    assert await needing_restart(lot, project.id) == []
    assert await told(lot, session) == []


async def test_who_saw_another_version_overwrites_nothing(lot: Rig) -> None:
    project = await lot.project(environment=OLD)
    await lot.engine.change_environment(project.id, Edit(values={"A": "1"}), 1)
    with pytest.raises(EnvironmentChangedError, match=r"version 2, you saw 1.*Next step"):
        await lot.engine.change_environment(project.id, Edit(values={"A": "2"}), 1)
    assert (await lot.parts.store.get_environment(project.id)).values == {**OLD, "A": "1"}


async def test_edits_of_several_at_once_are_all_kept(lot: Rig) -> None:
    project = await lot.project()
    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(save, lot, project.id, Edit(values={f"N{number}": "x"}))
    environment = await lot.parts.store.get_environment(project.id)
    assert (len(environment.values), environment.version) == (8, 9)


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (Edit(unset=frozenset({"NEVER"})), InvalidInputError),
        (Edit(values={"X": "secret"}, unset=frozenset({"X"})), InvalidInputError),
        (Edit(values={"not a name": "secret"}), InvalidInputError),
        (Edit(values={"A": "secret" * MAX_VALUE_BYTES}), TooLargeError),
    ],
)
async def test_refused_edit_changes_nothing_and_shows_no_value(lot: Rig, edit: Edit, error: type[Exception]) -> None:
    project = await lot.project(environment=OLD)
    with pytest.raises(error) as caught:
        await save(lot, project.id, edit)
    assert "secret" not in f"{caught.value}{edit!r}"
    assert (await lot.parts.store.get_environment(project.id)).values == OLD


async def test_project_that_is_not_there_has_no_environment(lot: Rig) -> None:
    with pytest.raises(NotFoundError):
        await save(lot, ProjectId("nosuch"))
    with pytest.raises(InvalidInputError, match="name of a variable"):
        await lot.project(environment={"not a name": "1"})
