"""Several dev processes and ports: ordered from the snapshot, told when they end, logged, and named for people."""

import pytest

from lot.core.errors import NotFoundError
from lot.core.events import DevServerChanged
from lot.core.ids import SessionId
from lot.core.records import Session
from lot.core.session import SandboxState
from lot.engine.ports import MAX_PORTS
from lot.runner.protocol import DevProcess, PortBody, RunnerNews
from tests.unit.engine.conftest import Rig
from tests.unit.engine.world import Sandbox

PROCESSES = {"worker": "npm run worker", "css": "npm run css"}
IN_ORDER = (DevProcess(name="worker", command="npm run worker"), DevProcess(name="css", command="npm run css"))


@pytest.fixture
async def session(lot: Rig) -> Session:
    """A session with two processes beside its dev server, which have printed something."""
    lot.world.printed = {"dev-worker": b"worker is up\n", "dev-css": b"css is up\n"}
    return await lot.session(await lot.project(processes=PROCESSES))


def port(number: int, process: str | None = None, command: str | None = None, address: str = "0.0.0.0") -> PortBody:
    return PortBody(port=number, address=address, process=process, pid=7, command=command)


async def test_every_start_of_the_dev_server_names_what_runs_beside_it_in_order(lot: Rig, session: Session) -> None:
    await lot.engine.restart_dev_server(session.id)
    assert [order.processes for order in lot.world.dev_orders] == [IN_ORDER] * 3  # build, start, restart
    assert [order.restart for order in lot.world.dev_orders] == [False, False, True]


async def test_processes_are_those_of_the_snapshot_that_a_session_began_with(lot: Rig, session: Session) -> None:
    await lot.parts.store.change_project(session.project_id, processes={})
    await lot.engine.restart_dev_server(session.id)
    assert lot.world.dev_orders[-1].processes == IN_ORDER


async def test_end_of_one_is_told_and_the_session_goes_on(lot: Rig, session: Session) -> None:
    detail = "the process worker ended with exit code 3\nno such queue"
    await _tell(lot, session.id, RunnerNews(news="dev_process", process="worker", detail=detail))
    await lot.told(session.id, "dev_server_changed")
    stored = await lot.parts.store.read_events(session.id)
    [told] = [one.event for one in stored if isinstance(one.event, DevServerChanged)]
    assert (told.status, told.process, told.detail, told.port) == ("exited", "worker", detail, None)
    assert (await lot.parts.store.get_session(session.id)).sandbox_state is SandboxState.ON


async def test_each_log_is_read_while_on_and_while_paused(lot: Rig, session: Session) -> None:
    assert await lot.engine.logs(session.id, "dev-worker") == b"worker is up\n"
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert await lot.engine.logs(session.id, "dev-worker") == b"worker is up\n"
    assert await lot.engine.logs(session.id, "dev-css") == b"css is up\n"
    await lot.engine.resume(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.ON)
    assert {one.pid for one in (await _sandbox(lot, session.id)).beside.values()} == {100}


async def test_process_of_a_stranger_is_not_kept_for_reading(lot: Rig, session: Session) -> None:
    sandbox = await _sandbox(lot, session.id)
    lot.world.printed["dev-stranger"] = b"x"
    sandbox.beside["dev-stranger"] = sandbox.beside["dev-css"].model_copy(update={"name": "dev-stranger"})
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    kept = sorted(file.name for file in lot.parts.folders.logs(session.id).iterdir())
    assert kept == ["dev-css.log", "dev-worker.log", "processes.json"]


async def test_scrollback_of_terminals_is_kept_for_reading(lot: Rig, session: Session) -> None:
    sandbox = await _sandbox(lot, session.id)
    lot.world.printed |= {"terminal-a": b"$ make\n", "terminal-gone": b"$ exit\n"}
    for name, is_running in (("terminal-a", True), ("terminal-gone", False)):
        sandbox.beside[name] = sandbox.beside["dev-css"].model_copy(update={"name": name, "is_running": is_running})
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    assert await lot.engine.logs(session.id, "terminal-a") == b"$ make\n"
    assert await lot.engine.logs(session.id, "terminal-gone") == b""


async def test_process_that_has_ended_during_the_build_is_noted_and_fails_nothing(lot: Rig) -> None:
    lot.world.printed["dev-worker"] = b"migrated\ndone\n"
    lot.world.ends_at_once["dev-worker"] = 0
    project = await lot.project(processes=PROCESSES)
    snapshot = await lot.parts.store.current_snapshot(project.id)
    assert snapshot is not None
    assert snapshot.memory_image is not None
    assert "[lot] and beside it worker: npm run worker\n[lot] and beside it css: npm run css\n" in snapshot.log
    assert "[lot] the process worker has ended with exit code 0: migrated / done\n" in snapshot.log
    assert "process css" not in snapshot.log


async def test_ports_are_named_and_the_projects_own_is_first(lot: Rig, session: Session) -> None:
    (await _sandbox(lot, session.id)).ports = (
        port(9000, None, "redis-server", "127.0.0.1"),
        port(9000, None, "redis-server", "::1"),
        port(3000, "dev", "node"),
        port(80, "agent-1", None),
        port(8081, "dev-worker", "python3"),
        port(8080, None, None),
        port(3001, "terminal-1", "vite"),
    )
    ports, reason = await lot.engine.ports(session.id)
    assert reason is None
    assert [(one.port, one.name, one.is_main) for one in ports] == [
        (3000, "dev", True),
        (80, "agent-1", False),
        (3001, "vite", False),
        (8080, "", False),
        (8081, "worker", False),
        (9000, "redis-server", False),
    ]
    assert ports[-1].addresses == ("127.0.0.1", "::1")
    assert (ports[0].process, ports[0].pid, ports[0].command) == ("dev", 7, "node")


async def test_ports_without_number_are_cut_and_the_projects_own_is_kept(lot: Rig, session: Session) -> None:
    (await _sandbox(lot, session.id)).ports = (*(port(number) for number in range(1, 1000)), port(3000, "dev"))
    ports, _ = await lot.engine.ports(session.id)
    assert (len(ports), ports[0].port, ports[1].port) == (MAX_PORTS, 3000, 1)


async def test_ports_of_a_paused_session_are_none_and_it_is_said_why(lot: Rig, session: Session) -> None:
    (await _sandbox(lot, session.id)).ports = (port(3000, "dev"),)
    await lot.engine.pause(session.id)
    await lot.until(session.id, lambda seen: seen.sandbox_state is SandboxState.PAUSED)
    ports, reason = await lot.engine.ports(session.id)
    assert ports == ()
    assert "paused" in (reason or "")
    with pytest.raises(NotFoundError):
        await lot.engine.ports(SessionId("nosuch"))


async def _sandbox(lot: Rig, session_id: SessionId) -> Sandbox:
    session = await lot.parts.store.get_session(session_id)
    return lot.world.sandboxes[session.sandbox]


async def _tell(lot: Rig, session_id: SessionId, news: RunnerNews) -> None:
    [runner] = [one for one in lot.world.runners.values() if one.assignment and one.assignment.id == session_id]
    runner.tell(news)
