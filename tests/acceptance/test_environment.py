"""Environment variables and sizes as a user of the API meets them: every real part at work."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from acceptance_rig import DEV_COMMAND, Lot, lot_server

from lot.core.environment import parse_dotenv
from lot.store.keys import KEY_FILE

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(180)]

OLD = {"X": "old", "GONE": "1", "ODD": 'it\'s "quoted" $HOME #1\nline 2'}
NEW = {"X": "new", "ODD": OLD["ODD"]}
RESTART = '@@tools {"name": "restart_dev_server"}'
TINY = '{"tiny": {"cpus": 1, "memory_bytes": 1073741824, "compute_units": 0.25}}'


@pytest.fixture(scope="module")
def lot() -> Iterator[Lot]:
    """A server with a size of its own."""
    with lot_server(sizes=TINY) as lot:
        yield lot


@pytest.fixture(scope="module")
def project(lot: Lot) -> str:
    """The id of a project whose app does not start without X."""
    made = lot.ready_project(environment=OLD, dev_command=f'test -n "$X" && exec {DEV_COMMAND}')
    project: str = made["id"]
    return project


def around(lot: Lot, session: str) -> dict[str, Any]:
    """Return what the app of a session sees of itself."""
    answer = lot.preview(session, "/surroundings")
    assert answer.is_success, answer.text
    seen: dict[str, Any] = answer.json()
    return seen


def assert_has(lot: Lot, session: str, values: dict[str, str]) -> None:
    """Require that a session's `.env` and its app have exactly these values."""
    seen = around(lot, session)
    assert parse_dotenv(seen["dotenv"]) == values
    assert {name: seen["environment"].get(name) for name in OLD} == {name: values.get(name) for name in OLD}


def pid(lot: Lot, session: str) -> int:
    return lot.count(session)[1]


def test_new_values_come_with_each_sessions_own_restart_and_survive_a_new_key(lot: Lot, project: str) -> None:
    one, two = lot.session(project), lot.session(project)
    assert_has(lot, one, OLD)
    pids = pid(lot, one), pid(lot, two)

    changes = {"text": "export X=new\r\n", "unset": ["GONE"]}
    saved = lot.http.patch(f"/api/projects/{project}/environment", json=changes).json()
    assert set(saved["sessions_to_restart"]) == {one, two}
    lot.move(two, "pause")
    lot.move(two, "resume")
    assert (pid(lot, one), pid(lot, two)) == pids
    assert (lot.show(one)["restart_needed"], lot.show(two)["restart_needed"]) == (True, True)
    assert_has(lot, one, OLD)
    assert_has(lot, lot.session(project), NEW)

    assert lot.post(f"/sessions/{one}/dev-server/restart")["restart_needed"] is False
    assert pid(lot, one) != pids[0]
    assert_has(lot, one, NEW)
    assert pid(lot, two) == pids[1]
    assert lot.show(two)["restart_needed"] is True
    assert_has(lot, two, OLD)
    for session in (one, two):
        assert lot.get(f"/sessions/{session}/diff")["files"] == []

    # Ending the server pauses both; then every secret gets a new key.
    assert lot.server.stop() == 0
    key = (lot.server.data_dir / KEY_FILE).read_bytes()
    rotate = [sys.executable, "-m", "lot.cli.main", "secrets", "rotate", "--data-dir", str(lot.server.data_dir)]
    assert "1 secret" in subprocess.run(rotate, check=True, capture_output=True, text=True).stdout
    assert (lot.server.data_dir / KEY_FILE).read_bytes() != key
    lot.server.start(sizes=TINY)
    lot.move(two, "resume")
    assert pid(lot, two) == pids[1]
    # Its agent restarts it as its user would.
    said = lot.turn(two, RESTART)
    assert any("answers on port" in event["text"] for event in said if event["kind"] == "agent_text"), said
    assert pid(lot, two) != pids[1]
    assert_has(lot, two, NEW)
    assert lot.show(two)["restart_needed"] is False


def test_another_size_is_for_sessions_that_are_started_later(lot: Lot, project: str) -> None:
    before = lot.session(project)
    assert lot.http.patch(f"/api/projects/{project}", json={"size": "tiny"}).is_success
    after = lot.session(project)
    # Not the processors: the runtime shows two where a sandbox may use one.
    tiny, small = [around(lot, session)["memory_bytes"] >> 20 for session in (after, before)]
    assert tiny <= 1024
    assert 3072 < small <= 4096
    assert [lot.show(session)["compute_units"] for session in (after, before)] == [0.25, 1.0]
