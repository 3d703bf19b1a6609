"""What a project is set to by hand, and sizes: what is there keeps what it has."""

from pathlib import Path

import pytest

from lot.config import SIZES, Settings, Size
from lot.core.commands import is_retry_needed
from lot.core.errors import InvalidInputError, RepositoryError
from lot.core.session import SandboxState
from lot.engine.creating import SessionOptions
from tests.unit.engine.conftest import Rig, rig
from tests.unit.engine.world import World

HUGE = Size(cpus=16, memory_bytes=64 << 30, compute_units=12.5)


async def test_commands_count_from_the_next_snapshot_on(lot: Rig) -> None:
    project = await lot.project()
    session = await lot.session(project)
    changed = await lot.engine.change_project(project.id, {"setup_command": "make", "dev_command": "run", "port": None})
    assert (changed.setup_command, changed.dev_command, changed.port) == ("make", "run", None)
    first = await lot.parts.store.current_snapshot(project.id)
    assert is_retry_needed(changed, first)
    assert lot.world.commands == []
    second = await lot.engine.redo_setup(project.id)
    assert (second.setup_command, second.dev_command, second.port) == ("make", "run", None)
    assert not is_retry_needed(changed, second)
    await lot.engine.restart_dev_server(session.id)
    assert lot.world.sandboxes[session.sandbox].dev.port == 3000


async def test_processes_count_from_the_next_snapshot_on(lot: Rig) -> None:
    project = await lot.project(processes={"worker": "a"})
    first = await lot.parts.store.current_snapshot(project.id)
    assert not is_retry_needed(project, first)
    changed = await lot.engine.change_project(project.id, {"processes": {"worker": "b", "css": "c"}})
    assert is_retry_needed(changed, first)
    second = await lot.engine.redo_setup(project.id)
    assert list(second.processes.items()) == [("worker", "b"), ("css", "c")]
    assert not is_retry_needed(changed, second)


async def test_processes_are_not_left_without_a_dev_server(lot: Rig) -> None:
    project = await lot.project(processes={"worker": "a"})
    with pytest.raises(InvalidInputError, match="worker would run beside"):
        await lot.engine.change_project(project.id, {"dev_command": None})
    changed = await lot.engine.change_project(project.id, {"dev_command": None, "processes": {}})
    assert (changed.dev_command, changed.processes) == (None, {})
    with pytest.raises(InvalidInputError, match="give a dev command"):
        await lot.engine.change_project(project.id, {"processes": {"css": "c"}})


async def test_name_and_branch_are_changed_or_nothing_is(lot: Rig) -> None:
    project = await lot.project()
    await lot.project(name="other")
    changed = await lot.engine.change_project(project.id, {"name": "shop", "branch": "develop"})
    assert (changed.name, changed.branch) == ("shop", "develop")
    assert (await lot.session(changed)).base_branch == "develop"
    lot.world.fail["mirror_choose_branch"] = RepositoryError("no branch nosuch")
    with pytest.raises(RepositoryError):
        await lot.engine.change_project(project.id, {"branch": "nosuch", "port": 1})
    calls = len(lot.world.calls)
    with pytest.raises(InvalidInputError, match="exists already"):
        await lot.engine.change_project(project.id, {"branch": "main", "name": "other"})
    assert len(lot.world.calls) == calls
    assert await lot.parts.store.get_project(project.id) == changed
    assert await lot.engine.change_project(project.id, {}) == changed


@pytest.mark.parametrize("name", ["name", "branch", "size", "has_browser"])
async def test_what_a_project_must_have_cannot_be_taken_away(lot: Rig, name: str) -> None:
    project = await lot.project()
    with pytest.raises(InvalidInputError, match=name):
        await lot.engine.change_project(project.id, {name: None})


async def test_new_size_is_for_sessions_started_later(lot: Rig) -> None:
    project = await lot.project()
    before = await lot.session(project)
    project = await lot.engine.change_project(project.id, {"size": "large"})
    after = await lot.session(project)
    assert (before.size, before.cpus, before.memory_bytes, before.compute_units) == ("small", 2, 4 << 30, 1.0)
    assert (after.size, after.cpus, after.memory_bytes, after.compute_units) == ("large", 4, 8 << 30, 2.0)
    orders = [(order.cpus, order.memory_bytes) for order in lot.world.brought_up]
    assert orders == [(2, 4 << 30), (2, 4 << 30), (4, 8 << 30)]


async def test_memory_of_a_snapshot_serves_sessions_of_its_size_only(lot: Rig) -> None:
    project = await lot.project()
    await lot.session(project)
    await lot.session(project, options=SessionOptions(size="large"))
    rungs = [[rung.kind for rung in order.rungs] for order in lot.world.brought_up]
    assert rungs == [["disk"], ["adopt", "memory", "disk"], ["adopt", "disk"]]
    await lot.engine.change_project(project.id, {"size": "large"})
    snapshot = await lot.engine.redo_setup(project.id)

    async def is_ready() -> bool:
        current = await lot.parts.store.current_snapshot(project.id)
        return current is not None and current.id == snapshot.id

    await lot.eventually(is_ready)
    await lot.session(await lot.parts.store.get_project(project.id))
    assert [rung.kind for rung in lot.world.brought_up[-1].rungs] == ["adopt", "memory", "disk"]


async def test_sizes_of_the_settings_add_to_the_usual_ones(tmp_path: Path, world: World) -> None:
    small = Size(cpus=1, memory_bytes=1 << 30, compute_units=0.5)
    async with rig(tmp_path, world, sizes={"huge": HUGE, "small": small}) as lot:
        project = await lot.project(size="huge")
        huge = await lot.session(project)
        assert (huge.size, huge.cpus, huge.memory_bytes, huge.compute_units) == ("huge", 16, 64 << 30, 12.5)
        assert (await lot.session(project, options=SessionOptions(size="small"))).cpus == 1
    async with rig(tmp_path, world) as lot:
        # No longer among the settings: what is there keeps it, and nothing new is made of it.
        await lot.engine.pause(huge.id)
        await lot.until(huge.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
        await lot.engine.resume(huge.id)
        await lot.until(huge.id, lambda seen: seen.sandbox_state is SandboxState.ON)
        assert lot.world.brought_up[-1].cpus == 16
        for call in (lot.engine.create_session(project), lot.engine.redo_setup(project.id)):
            with pytest.raises(InvalidInputError, match="choose one of small, large"):
                await call


async def test_unknown_size_is_refused_with_those_that_there_are(lot: Rig) -> None:
    with pytest.raises(InvalidInputError, match="choose one of small, large"):
        await lot.project(size="huge")
    project = await lot.project()
    with pytest.raises(InvalidInputError, match="no size 'huge'"):
        await lot.engine.change_project(project.id, {"size": "huge"})
    with pytest.raises(InvalidInputError, match="no size 'huge'"):
        await lot.engine.create_session(project, SessionOptions(size="huge"))


def test_sizes_come_from_the_environment_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOT_SIZES", '{"huge": {"cpus": 16, "memory_bytes": 68719476736, "compute_units": 12.5}}')
    assert Settings().all_sizes == {**SIZES, "huge": HUGE}
    monkeypatch.setenv("LOT_SIZES", '{"odd": {"cpus": 0, "memory_bytes": 1, "compute_units": 1}}')
    with pytest.raises(ValueError, match="cpus"):
        Settings()
