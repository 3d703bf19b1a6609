"""Setup sessions: an agent proposes how a project is set up, and builds prove it."""

import anyio
import pytest

from lot.core.errors import CallerError, InvalidInputError, ProjectNotReadyError
from lot.core.records import Project, Session, SetupCommands, SnapshotState
from lot.core.session import SandboxState
from lot.engine import setup_sessions
from lot.engine.creating import SessionOptions
from tests.unit.engine.conftest import Rig

pytestmark = pytest.mark.anyio

COMMAND_NAMES = ("setup_command", "dev_command", "port")
COMMANDS = SetupCommands(setup_command="npm ci", dev_command="npm start", port=3000)


async def begun(lot: Rig, project: Project, guidance: str | None = None) -> Session:
    """Return a setup session that is on."""
    session = await lot.engine.begin_setup(project, SessionOptions(title="Set up"), guidance)
    return await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)


async def task_of(lot: Rig, session: Session) -> str:
    [added, *_] = await lot.parts.store.events_of_kind(session.id, "message_added")
    return str(added.event.text)  # type: ignore[union-attr]


async def test_setup_session_starts_from_the_bare_image_with_its_task(lot: Rig) -> None:
    project = await lot.project(environment={"API_KEY": "geheim-geheim"})
    session = await begun(lot, project, "use the web app")
    assert (session.is_setup, session.layers, session.memory_image) == (True, (), None)
    task = await task_of(lot, session)
    assert "mcp__lot__propose_setup" in task
    assert "API_KEY" in task
    assert "geheim" not in task
    assert "dev command: `serve`" in task
    assert task.endswith("The user says: use the web app")
    await lot.delivered(session.id, 1)
    assert lot.world.orders[-1].is_setup
    assert (await lot.parts.store.list_snapshots(project.id))[0].state is SnapshotState.PREPARING
    assert (await lot.parts.store.current_snapshot(project.id)).generation == 1  # type: ignore[union-attr]


async def test_proposal_that_proves_right_becomes_the_projects(lot: Rig) -> None:
    project = await lot.project()
    session = await begun(lot, project)
    said = await lot.engine.setups.propose(session.id, COMMANDS)
    assert "The snapshot is ready (disk and memory)" in said
    changed = await lot.parts.store.get_project(project.id)
    assert (changed.setup_command, changed.dev_command, changed.port) == ("npm ci", "npm start", 3000)
    current = await lot.parts.store.current_snapshot(project.id)
    assert current is not None
    assert (current.setup_command, current.dev_command) == ("npm ci", "npm start")
    assert await lot.engine.setups.propose(session.id, COMMANDS) == said
    generations = [one.generation for one in await lot.parts.store.list_snapshots(project.id)]
    assert max(generations) == current.generation, "a call that is repeated builds nothing"
    assert (await lot.session(changed)).snapshot_id == current.id


async def test_proposal_that_fails_tells_why_and_changes_nothing(lot: Rig) -> None:
    project = await lot.project()
    session = await begun(lot, project)
    lot.world.exit_codes = {"setup": 3}
    said = await lot.engine.setups.propose(session.id, COMMANDS)
    assert "The build failed" in said
    assert "exit code 3" in said
    assert (await lot.parts.store.get_project(project.id)).dev_command == "serve"
    assert (await lot.parts.store.current_snapshot(project.id)).generation == 1  # type: ignore[union-attr]
    lot.world.exit_codes = {}
    better = SetupCommands(setup_command="npm install", dev_command="npm start", port=None)
    assert "is ready" in await lot.engine.setups.propose(session.id, better)


async def test_long_build_is_waited_for_in_several_calls(lot: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    project = await lot.project()
    session = await begun(lot, project)
    monkeypatch.setattr(setup_sessions, "ANSWER_WAIT_S", 0.05)
    lot.world.hold["run_command"] = anyio.Event()

    async def is_told_of_the_command() -> bool:
        return "running the setup command" in await lot.engine.setups.propose(session.id, COMMANDS)

    await lot.eventually(is_told_of_the_command)
    lot.world.hold.pop("run_command").set()
    monkeypatch.setattr(setup_sessions, "ANSWER_WAIT_S", 10.0)
    assert "is ready" in await lot.engine.setups.propose(session.id, COMMANDS)
    ready = [one for one in await lot.parts.store.list_snapshots(project.id) if one.setup_command == "npm ci"]
    assert len(ready) == 1


async def test_who_may_propose_and_what(lot: Rig) -> None:
    project = await lot.project()
    usual = await lot.session(project)
    with pytest.raises(CallerError, match="only the agent of a setup session"):
        await lot.engine.setups.propose(usual.id, COMMANDS)
    session = await begun(lot, project)
    with pytest.raises(InvalidInputError, match="propose a setup command"):
        await lot.engine.setups.propose(session.id, SetupCommands(setup_command=None, dev_command=None, port=1))


async def test_no_agent_no_setup_session(lot: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    project = await lot.project()
    with pytest.raises(InvalidInputError, match="Lot's own tools"):
        await lot.engine.begin_setup(project, SessionOptions(program="acp:opencode acp"), None)
    monkeypatch.setattr(lot.world.provider, "readiness", lambda: "set a key")
    with pytest.raises(ProjectNotReadyError, match="set a key"):
        await lot.engine.begin_setup(project, SessionOptions(), None)
    assert len(await lot.parts.store.list_snapshots(project.id)) == 1


async def test_snapshot_of_a_deleted_setup_session_goes_once_it_is_replaced(lot: Rig) -> None:
    project = await lot.project()
    session = await begun(lot, project)
    await lot.engine.setups.propose(session.id, COMMANDS)
    await lot.engine.delete_session(session.id)
    states = [one.state for one in await lot.parts.store.list_snapshots(project.id)]
    assert states == [SnapshotState.READY]


async def test_new_project_without_commands_is_set_up_by_an_agent_where_there_is_a_model(lot: Rig) -> None:
    lot.world.provider.is_scripted = False
    lot.world.repository = {"package.json": '{"scripts": {"dev": "vite"}}'}
    project = await lot.engine.create_project(
        source="/somewhere/app", name=None, branch=None, environment={}, size="small", **dict.fromkeys(COMMAND_NAMES)
    )
    [session] = await lot.parts.store.list_sessions(project.id)
    assert session.is_setup
    task = await task_of(lot, session)
    assert "a script dev that runs Vite" in task
    assert "dev command: `npm run dev`" in task
    assert await lot.parts.store.list_building() == []


async def test_detected_processes_become_the_projects(lot: Rig) -> None:
    lot.world.repository = {"package.json": '{"scripts": {"dev": "vite"}}', "Procfile": "worker: node worker.js\n"}
    project = await lot.project(**dict.fromkeys(COMMAND_NAMES))
    assert list(project.processes) == ["worker"]
    assert project.processes["worker"].endswith("node worker.js")
    assert (project.dev_command, project.port) == ("npm run dev", 5173)
