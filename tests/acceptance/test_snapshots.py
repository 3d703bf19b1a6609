"""Snapshots over the real stack: memory without the user's values, warm starts, changed packages, the examination."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from acceptance_rig import DEV_COMMAND, PORT, TURN_ENDS, Lot, commit, lot_server, make_repository

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(180)]

WORD = f"geheim-{uuid.uuid4().hex}"
SETUP = "echo ran >> setup-runs"


@pytest.fixture(scope="module")
def lot() -> Iterator[Lot]:
    with lot_server() as lot:
        yield lot


@pytest.fixture(scope="module")
def project(lot: Lot) -> dict[str, object]:
    """A project with a secret value, whose snapshot is ready."""
    return lot.ready_project(setup_command=SETUP, environment={"LOT_WORD": WORD})


def app_says(lot: Lot, session: str, path: str) -> object:
    lot.count(session)  # it answers
    return lot.preview(session, path).json()


def holds(folder: Path, text: str) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def test_snapshot_has_memory_but_no_value_and_sessions_start_warm_with_it(lot: Lot, project: dict[str, object]) -> None:
    snapshot = project["snapshot"]
    assert isinstance(snapshot, dict)
    assert snapshot["has_memory"]
    assert snapshot["environment_keys"] == ["LOT_WORD"]
    assert min(snapshot["layer_bytes"], snapshot["memory_bytes"]) > 0
    assert "placeholders for LOT_WORD" in lot.build_log(snapshot["id"])
    for folder in ("hibernation", "layers"):
        found = lot.server.data_dir / folder
        assert list(found.iterdir())
        assert holds(found, WORD) == []

    session = lot.session(str(project["id"]))
    assert app_says(lot, session, "/word") == WORD
    steps = [event["step"] for event in lot.transcript(session) if event["kind"] == "step_done"]
    assert "restore memory" in steps
    lot.delete(f"/sessions/{session}")


def test_setup_runs_once_and_again_only_where_packages_changed(lot: Lot, project: dict[str, object]) -> None:
    for _ in range(3):
        session = lot.session(str(project["id"]))
        assert app_says(lot, session, "/setup-runs") == ["ran"]
        lot.delete(f"/sessions/{session}")

    commit(Path(str(project["source"])), "requirements.txt", "flask==3.0.0\n")
    session = lot.session(str(project["id"]))
    assert app_says(lot, session, "/setup-runs") == ["ran", "ran"]
    [step] = [event for event in lot.transcript(session) if event.get("step") == "install packages"]
    assert "requirements.txt changed" in step["detail"]
    assert lot.get(f"/sessions/{session}/diff")["files"] == []
    lot.delete(f"/sessions/{session}")


def test_setup_session_follows_the_build_and_comes_up_from_it(lot: Lot) -> None:
    made = lot.create_project(
        make_repository(lot.folder), setup_command="echo step-one; sleep 2; echo step-two", has_setup_session=True
    )
    session = made["setup_session"]
    with lot.socket(f"/api/sessions/{session}/events/stream?after=0") as stream:
        printed, details, label = "", [], ""
        while label != "Idle":
            frame = json.loads(stream.recv(60))
            if part := frame.get("part"):
                printed += part["text"] if part["kind"] == "setup_output" else ""
            event = frame.get("event", {})
            if event.get("kind") == "setup_changed":
                details.append(event["detail"])
            label = event.get("label", label)
    assert "step-one" in printed
    assert any(detail.startswith("running the setup command") for detail in details)
    assert "new sessions start from it (disk and memory" in details[-1]
    assert lot.count(session)[0] >= 1
    lot.delete(f"/projects/{made['id']}")
    assert [one for one in lot.get("/sessions") if one["project_id"] == made["id"]] == []


def test_message_in_the_middle_of_a_setup_is_acted_upon(lot: Lot) -> None:
    made = lot.create_project(
        make_repository(lot.folder), setup_command="while [ ! -e /tmp/go ]; do sleep 0.1; done", has_setup_session=True
    )
    session = made["setup_session"]
    lot.until_event(
        session, "setup_changed", detail="running the setup command: while [ ! -e /tmp/go ]; do sleep 0.1; done"
    )
    commands = {"setup_command": "echo instead", "dev_command": DEV_COMMAND, "port": PORT}
    directive = f"@@tools {json.dumps({'name': 'propose_setup', 'input': commands})}"
    events = lot.turn(session, directive)
    [result] = [event for event in events if event["kind"] == "tool_finished"]
    assert "The snapshot is ready" in result["output"], result
    shown = lot.get(f"/projects/{made['id']}")
    assert shown["setup_command"] == "echo instead"
    ready = [event for event in lot.transcript(session) if event.get("status") == "ready"]
    assert [event["generation"] for event in ready] == [2]
    [outdated] = [event for event in lot.transcript(session) if event.get("status") == "failed"]
    assert (outdated["generation"], outdated["detail"]) == (1, "a newer setup was begun")
    lot.delete(f"/projects/{made['id']}", params={"cascade": "true"})


def test_agent_sets_a_project_up_that_could_not_be_built(lot: Lot) -> None:
    made = lot.create_project(make_repository(lot.folder), dev_command="false", port=None)
    failed = lot.built(made["id"])
    assert (failed["snapshot"]["state"], failed["ready_snapshot"]) == ("failed", None)
    commands = {"setup_command": "echo by-the-agent", "dev_command": DEV_COMMAND, "port": PORT}
    directive = f"@@tools {json.dumps({'name': 'propose_setup', 'input': commands})}"
    session = lot.post(f"/projects/{made['id']}/setup-sessions", {"guidance": directive})
    assert session["is_setup"]
    events = lot.follow(session["id"], lambda event: event["kind"] in TURN_ENDS)
    [result] = [event for event in events if event["kind"] == "tool_finished"]
    assert "The snapshot is ready" in result["output"], result
    shown = lot.get(f"/projects/{made['id']}")
    assert (shown["setup_command"], shown["dev_command"], shown["port"]) == tuple(commands.values())
    assert shown["ready_snapshot"] == shown["snapshot"]["id"]
    assert "by-the-agent" in lot.build_log(shown["ready_snapshot"])
    started = lot.session(made["id"])
    for one in (started, session["id"]):
        lot.delete(f"/sessions/{one}")


def test_examination_proves_a_snapshot_and_sees_what_is_wrong(lot: Lot, project: dict[str, object]) -> None:
    fresh = lot.ready_project()
    found = {finding["name"]: finding for finding in lot.post(f"/projects/{fresh['id']}/examination")}
    assert set(found) == {"snapshot", "code", "disk", "memory", "start", "dev server"}
    assert [finding for finding in found.values() if not finding["is_ok"]] == []
    [image] = lot.server.data_dir.glob(f"hibernation/snapshot-{fresh['snapshot']['id']}")
    with max((image / "memory").iterdir(), key=lambda file: file.stat().st_size).open("r+b") as memory:
        memory.write(b"damaged")
    commit(Path(fresh["source"]), "Dockerfile", "FROM scratch\n")
    found = {finding["name"]: finding for finding in lot.post(f"/projects/{fresh['id']}/examination")}
    assert {name for name, finding in found.items() if not finding["is_ok"]} == {"code", "memory"}
    assert "Dockerfile" in found["code"]["seen"]
    assert lot.get(f"/projects/{fresh['id']}")["snapshot"]["stale_files"] == ["Dockerfile"]
    assert [one for one in lot.get("/sessions") if one["project_id"] == fresh["id"]] == []
