"""Snapshots: memory without the user's values, warm starts, what makes them stale, and which are kept."""

from pathlib import Path

import anyio
import pytest

from lot.core.errors import GitError
from lot.core.ids import SnapshotId
from lot.core.records import Project, SnapshotState
from lot.engine.drift import Drift
from tests.unit.engine.conftest import Rig

pytestmark = pytest.mark.anyio

SECRET = "hunter2-hunter2"
VALUES = {"API_KEY": SECRET, "PORT": "3000"}
PROJECT = {
    "source": "/somewhere/app",
    "name": None,
    "branch": None,
    "setup_command": "npm ci",
    "dev_command": "serve",
    "port": 3000,
    "size": "small",
}
PLACEHOLDERS = {"API_KEY": "placeholder-api_key", "PORT": "3000"}


async def snapshot_of(lot: Rig, project: Project) -> SnapshotId:
    found = await lot.parts.store.current_snapshot(project.id)
    assert found is not None
    return found.id


async def log_of(lot: Rig, project: Project) -> str:
    return (await lot.parts.store.get_snapshot(await snapshot_of(lot, project))).log


async def rebuilt(lot: Rig, project: Project) -> None:
    """Build a new snapshot and wait for it."""
    made = await lot.engine.redo_setup(project.id)

    async def is_over() -> bool:
        return (await lot.parts.store.get_snapshot(made.id)).state is not SnapshotState.BUILDING

    await lot.eventually(is_over)


# Values


async def test_dev_server_of_a_snapshot_knows_placeholders_alone(lot: Rig) -> None:
    project = await lot.project(environment=VALUES)
    assert lot.world.environments == [VALUES, PLACEHOLDERS], "proved with the values, then started anew without"
    calls = lot.world.calls
    again = calls.index("destroy_sandbox")
    assert calls.index("start_dev") < again < len(calls) - 1 - calls[::-1].index("start_dev") < calls.index("pause")
    assert "flush" in lot.world.commands
    found = await lot.parts.store.current_snapshot(project.id)
    assert found is not None
    assert found.memory_image is not None
    assert found.manifest is not None
    assert found.manifest.environment_keys == ("API_KEY", "PORT")
    assert (found.manifest.health_port, found.manifest.health_status, found.manifest.memory_bytes) == (3000, 200, 1)
    assert SECRET not in found.log
    assert "placeholders for API_KEY" in found.log


async def test_session_gives_its_dev_server_the_values(lot: Rig) -> None:
    project = await lot.project(environment=VALUES)
    await lot.session(project)
    assert lot.world.environments[2:] == [VALUES]
    assert lot.world.restarts == 1


async def test_without_values_the_dev_server_goes_on(lot: Rig) -> None:
    await lot.session(await lot.project())
    assert lot.world.environments == [{}, {}]
    assert lot.world.restarts == 0


async def test_values_that_are_no_secrets_need_no_second_boot(lot: Rig) -> None:
    project = await lot.project(environment={"PORT": "3000"})
    assert lot.world.environments == [{"PORT": "3000"}]
    assert "waiting until it is quiet" in await log_of(lot, project)


async def test_dev_server_that_needs_its_values_is_started_by_each_session(lot: Rig) -> None:
    lot.world.needs = {"API_KEY": SECRET}
    project = await lot.project(environment=VALUES)
    found = await lot.parts.store.current_snapshot(project.id)
    assert found is not None
    assert found.memory_image is None
    assert "does not start with placeholders for API_KEY" in found.log
    await lot.session(project)
    assert lot.world.environments[-1] == VALUES
    assert lot.world.restarts == 0


async def test_memory_that_holds_a_value_all_the_same_is_thrown_away(lot: Rig) -> None:
    lot.world.memory = f"…{SECRET}…".encode()
    project = await lot.project(environment=VALUES)
    found = await lot.parts.store.current_snapshot(project.id)
    assert found is not None
    assert found.memory_image is None
    assert "the memory held the value of API_KEY" in found.log
    assert not list(lot.parts.folders.hibernation.iterdir())


async def test_value_that_the_setup_wrote_to_the_disk_is_said(lot: Rig) -> None:
    lot.world.hold["sync"] = anyio.Event()
    project = await lot.engine.create_project(**PROJECT, has_setup_session=False, environment=VALUES)
    [snapshot] = await lot.parts.store.list_snapshots(project.id)
    layer = lot.parts.folders.layer(snapshot.layer)
    await lot.eventually(lambda: _is_there(layer))
    (layer / "npmrc").write_text(f"//registry/:_authToken={SECRET}")
    lot.world.hold.pop("sync").set()

    async def is_said() -> bool:
        return "wrote the value of API_KEY to the disk" in (await lot.parts.store.get_snapshot(snapshot.id)).log

    await lot.eventually(is_said)


async def _is_there(folder: Path) -> bool:
    return folder.is_dir()


# Packages


async def test_changed_lock_file_installs_before_the_dev_server_is_started_anew(lot: Rig) -> None:
    project = await lot.project(setup_command="npm ci")
    lot.world.newest, lot.world.changed_files = "decade", ("src/app.ts", "package-lock.json")
    session = await lot.session(project)
    assert lot.world.commands == ["setup", "install"]
    assert lot.world.restarts == 1
    steps = [one.event for one in await lot.parts.store.events_of_kind(session.id, "step_done")]
    assert any("package-lock.json changed" in (step.detail or "") for step in steps)  # type: ignore[union-attr]


async def test_failed_installation_holds_no_session_up_and_is_said(lot: Rig) -> None:
    project = await lot.project(setup_command="npm ci")
    lot.world.newest, lot.world.changed_files, lot.world.exit_codes = "decade", ("package-lock.json",), {"install": 7}
    session = await lot.session(project)
    [notice] = await lot.parts.store.events_of_kind(session.id, "notice")
    assert "exit code 7: no luck" in notice.event.text  # type: ignore[union-attr]


async def test_changed_code_alone_installs_nothing(lot: Rig) -> None:
    project = await lot.project(setup_command="npm ci")
    lot.world.newest, lot.world.changed_files = "decade", ("src/app.ts",)
    await lot.session(project)
    assert lot.world.commands == ["setup"]
    assert lot.world.restarts == 0


# Drift


async def test_snapshot_is_stale_while_its_setup_files_differ(lot: Rig) -> None:
    project = await lot.project()
    drift = Drift(lot.parts, lot.engine.builds.begin)
    assert await drift.look(project.id) == ()
    lot.world.newest, lot.world.changed_files = "decade", ("Dockerfile", "src/app.ts")
    assert await drift.look(project.id) == ("Dockerfile",)
    stored = await lot.parts.store.get_snapshot(await snapshot_of(lot, project))
    assert stored.stale_files == ("Dockerfile",)
    assert len(await lot.parts.store.list_snapshots(project.id)) == 1, "nobody asked for a new one"
    lot.world.newest = "c0ffee"
    assert await drift.look(project.id) == ()
    assert (await lot.parts.store.get_snapshot(stored.id)).stale_files == ()


async def test_stale_snapshot_is_rebuilt_where_the_project_says_so_and_once(lot: Rig) -> None:
    project = await lot.project(rebuilds_when_stale=True)
    old = await snapshot_of(lot, project)
    drift = Drift(lot.parts, lot.engine.builds.begin)
    lot.world.newest, lot.world.changed_files = "decade", ("uv.lock",)
    lot.world.hold["bring_up"] = anyio.Event()
    await drift.look(project.id)
    await drift.look(project.id)
    assert len(await lot.parts.store.list_snapshots(project.id)) == 2
    assert await snapshot_of(lot, project) == old, "it serves until the new one is proved"
    lot.world.hold.pop("bring_up").set()

    async def is_replaced() -> bool:
        return await snapshot_of(lot, project) != old

    await lot.eventually(is_replaced)
    assert await drift.look(project.id) == ()


async def test_commits_that_cannot_be_compared_make_nothing_stale(lot: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> tuple[str, ...]:
        raise GitError("bad object c0ffee")

    monkeypatch.setattr(lot.parts.mirrors, "changed_files", refuse)
    project = await lot.project(setup_command="npm ci")
    lot.world.newest = "decade"
    assert await Drift(lot.parts, lot.engine.builds.begin).look(project.id) == ()
    await lot.session(project)


# Generations


async def test_replaced_snapshot_goes_with_its_last_session(lot: Rig) -> None:
    project = await lot.project()
    old = await lot.parts.store.get_snapshot(await snapshot_of(lot, project))
    session = await lot.session(project)
    await rebuilt(lot, project)
    assert [one.generation for one in await lot.parts.store.list_snapshots(project.id)] == [2, 1]
    assert lot.parts.folders.layer(old.layer).exists()
    await lot.engine.delete_session(session.id)
    assert [one.generation for one in await lot.parts.store.list_snapshots(project.id)] == [2]
    assert not lot.parts.folders.layer(old.layer).exists()
    assert old.memory_image is not None
    assert not lot.parts.folders.image(old.memory_image).exists()


async def test_replaced_snapshot_without_sessions_goes_at_once(lot: Rig) -> None:
    project = await lot.project()
    await rebuilt(lot, project)
    assert [one.generation for one in await lot.parts.store.list_snapshots(project.id)] == [2]


async def test_failed_rebuild_leaves_the_snapshot_that_serves(lot: Rig) -> None:
    project = await lot.project(setup_command="npm ci")
    lot.world.exit_codes = {"setup": 1}
    await rebuilt(lot, project)
    newest, serving = await lot.parts.store.list_snapshots(project.id)
    assert (newest.state, serving.state) == (SnapshotState.FAILED, SnapshotState.READY)
    lot.world.exit_codes = {}
    await lot.session(project)


# The examination


async def test_examination_starts_a_session_and_leaves_nothing(lot: Rig) -> None:
    project = await lot.project()
    found = {finding.name: finding for finding in await lot.engine.examine_project(project)}
    assert list(found) == ["snapshot", "code", "disk", "memory", "start", "dev server"]
    assert found["start"].is_ok
    assert found["dev server"].is_ok, found
    assert not found["memory"].is_ok, "the pretended world writes no real image"
    assert await lot.parts.store.list_sessions() == []
    assert lot.world.sandboxes == {}


async def test_examination_names_what_is_wrong_and_the_next_step(lot: Rig) -> None:
    project = await lot.project()
    snapshot = await lot.parts.store.get_snapshot(await snapshot_of(lot, project))
    lot.parts.folders.layer(snapshot.layer).mkdir(parents=True, exist_ok=True)
    (lot.parts.folders.layer(snapshot.layer) / "altered").touch()
    lot.world.newest, lot.world.changed_files = "decade", ("uv.lock",)
    lot.world.fail["bring_up"] = GitError("the disk is gone")
    found = {finding.name: finding for finding in await lot.engine.examine_project(project)}
    assert [name for name, finding in found.items() if finding.is_ok] == ["snapshot"]
    assert "uv.lock" in found["code"].seen
    assert "altered" in found["disk"].seen
    assert "the disk is gone" in found["start"].seen
    assert all(finding.mend for finding in found.values() if not finding.is_ok)
    assert await lot.parts.store.list_sessions() == []
