"""Bad input and faults, as a user of the API meets them: every real part, and something goes wrong."""

import itertools
import json
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from acceptance_rig import DEV_COMMAND, PORT, Event, Lot, commit, git, lot_server, make_repository, until
from websockets.exceptions import InvalidStatus

from lot.demo.traces import find_traces

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(180)]

SOON_S = 5.0
"""What a person takes for "at once" on a machine that is busy."""
SILENT = "silent"
TERABYTE = 1 << 40


@pytest.fixture(scope="module")
def lot() -> Iterator[Lot]:
    """A server that all tests share which do not kill it."""
    with lot_server() as lot:
        # Given up only after two minutes, so it begins before everything else; its test stands last.
        silent = "python3 -c 'import time; print(1234, flush=True); time.sleep(1000)'"
        lot.create_project(make_repository(lot.folder), name=SILENT, dev_command=silent)
        yield lot


@pytest.fixture(scope="module")
def project(lot: Lot) -> str:
    """The id of a project that is ready."""
    # Takes a moment to start, so that a preview can be seen to say so.
    project: str = lot.ready_project(dev_command=f"sleep 3; {DEV_COMMAND}")["id"]
    return project


@pytest.fixture(scope="module")
def mortal() -> Iterator[tuple[Lot, str]]:
    """A server whose process may be killed, and a project that is ready; whoever kills it starts it again."""
    with lot_server() as lot:
        yield lot, lot.ready_project()["id"]


def texts(events: list[Event]) -> str:
    """Return what the agent said."""
    return "\n".join(event["text"] for event in events if event["kind"] == "agent_text")


def failure(events: list[Event]) -> Event:
    """Return the end of a turn that failed."""
    assert events[-1]["kind"] == "turn_failed", events
    return events[-1]


def is_completed(events: list[Event]) -> bool:
    """Return whether a turn came to its good end."""
    return (events[-1]["kind"], events[-1].get("outcome")) == ("turn_ended", "completed")


def refused(lot: Lot, source: Path | str, **settings: Any) -> dict[str, Any]:
    """Return with what words a project is refused; nothing of it is kept."""
    name = f"p{uuid.uuid4().hex[:8]}"
    answer = lot.http.post("/api/projects", json={"source": str(source), "name": name, **settings})
    assert answer.status_code == 422
    assert name not in [project["name"] for project in lot.get("/projects")]
    said: dict[str, Any] = answer.json()
    assert said["code"] == "git.repository"
    return said


# Repositories and their setup


def test_unreachable_repository_is_refused_with_its_address(lot: Lot) -> None:
    gone = lot.folder / "no-such-repository"
    assert str(gone) in refused(lot, gone)["message"]
    assert "127.0.0.1" in refused(lot, "http://127.0.0.1:9/x.git")["message"]


def test_empty_repository_is_refused(lot: Lot) -> None:
    empty = lot.folder / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    assert "empty" in refused(lot, empty)["message"]


def test_missing_branch_is_refused_and_names_near_ones(lot: Lot) -> None:
    repository = make_repository(lot.folder)
    git(repository, "branch", "develop")
    assert "develop" in refused(lot, repository, branch="devlop")["message"]


def test_setup_that_fails_shows_its_log_and_can_be_retried_and_the_last_good_snapshot_serves(lot: Lot) -> None:
    repository = make_repository(lot.folder)
    commit(repository, "setup.sh", "echo the pump is broken; exit 7\n")
    made = lot.built(lot.create_project(repository, setup_command="sh setup.sh")["id"])
    assert made["snapshot"]["state"] == "failed"
    assert "exit code 7" in made["snapshot"]["failure"]
    assert "the pump is broken" in made["snapshot"]["failure"]
    assert "the pump is broken" in lot.build_log(made["snapshot"]["id"])
    early = lot.http.post("/api/sessions", json={"project": made["id"]})
    assert (early.status_code, early.json()["code"]) == (409, "project.not_ready")

    commit(repository, "setup.sh", "echo mended\n")
    lot.post(f"/projects/{made['id']}/snapshots")
    mended = lot.built(made["id"])
    assert mended["snapshot"]["state"] == "ready", mended["snapshot"]
    assert "mended" in lot.build_log(mended["snapshot"]["id"])

    commit(repository, "setup.sh", "exit 8\n")
    lot.post(f"/projects/{made['id']}/snapshots")
    broken = lot.built(made["id"])
    assert broken["snapshot"]["state"] == "failed"
    assert broken["ready_snapshot"] == mended["ready_snapshot"]
    session = lot.session(made["id"])
    lot.delete(f"/sessions/{session}")


def test_dev_server_that_dies_during_the_setup_is_told_with_its_words(lot: Lot) -> None:
    made = lot.create_project(make_repository(lot.folder), dev_command="echo no such thing as vite; exit 4")
    failed = lot.built(made["id"])["snapshot"]
    assert failed["state"] == "failed"
    assert "no such thing as vite" in failed["failure"]
    assert failed["build_s"] is None


# What a preview shows


def test_preview_says_why_the_app_cannot_be_seen(lot: Lot, project: str) -> None:
    session = lot.session(project)
    nothing = lot.preview(session, port=PORT + 1)
    assert (nothing.status_code, nothing.headers["X-Lot-Preview"]) == (502, "nothing")

    lot.http.get("/die", headers={"Host": lot.preview_host(session)})
    crashed = until(lambda: (page := lot.preview(session)).headers.get("X-Lot-Preview") == "crashed" and page)
    assert crashed.status_code == 502
    assert "the app was told to die" in crashed.text
    assert "exit code 3" in crashed.text
    lot.until_event(session, "dev_server_changed", status="exited")

    lot.post(f"/sessions/{session}/dev-server/restart")
    assert lot.page_kind(session) == "starting"
    lot.count(session)
    lot.move(session, "pause")
    paused = lot.preview(session)
    assert (paused.status_code, paused.headers["X-Lot-Preview"]) == (503, "paused")
    lot.delete(f"/sessions/{session}")
    assert lot.page_kind(session) == "gone"


def test_preview_of_a_session_on_its_way_waits_or_says_that_it_is_starting(lot: Lot, project: str) -> None:
    session = lot.begin(project)
    seen = set()
    while lot.show(session)["label"] == "Starting":
        seen.add(lot.page_kind(session))
    assert seen <= {"starting", None}
    lot.delete(f"/sessions/{session}")


# Who is let in


def test_preview_lets_nobody_in_without_sign_in_and_shows_the_app_nothing_of_ours(lot: Lot, project: str) -> None:
    session = lot.session(project)
    shown = lot.show(session)["preview"]
    host, ticket = lot.preview_host(session), shown["sign_in_url"].rpartition("/.lot/")[2]
    with httpx.Client(base_url=lot.server.url, trust_env=False, headers={"Host": host}) as browser:
        stranger = browser.get("/headers")
        assert (stranger.status_code, stranger.headers["X-Lot-Preview"]) == (401, "sign_in")
        assert browser.get("/headers", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert browser.get(f"/.lot/{ticket[:-1]}x").status_code == 401

        signed = browser.get(f"/.lot/{ticket}")
        assert (signed.status_code, signed.headers["location"]) == (303, "/")
        cookie = signed.headers["set-cookie"].partition(";")[0]
        assert "HttpOnly" in signed.headers["set-cookie"]
        other = {"Cookie": cookie, "Host": lot.preview_host(session, PORT + 1)}
        assert browser.get("/headers", headers=other).status_code == 401

        own = {"Cookie": f"theme=dark; {cookie}; user=1", "Authorization": "Basic YXBwOmFwcA=="}
        got = {name.lower(): value for name, value in browser.get("/headers", headers=own).json()}
        assert got["cookie"] == "theme=dark; user=1"
        assert got["authorization"] == "Basic YXBwOmFwcA=="
        assert got["host"] == host
    with_token = lot.preview(session, "/headers")
    assert with_token.is_success
    assert lot.server.token not in with_token.text
    lot.delete(f"/sessions/{session}")


def test_socket_of_the_app_passes_through_the_preview(lot: Lot, project: str) -> None:
    session = lot.session(project)
    host = lot.preview_host(session)
    with lot.socket("/socket", host=host) as stream:
        assert lot.server.token not in stream.recv(SOON_S)
        for word in ("one", "two"):
            stream.send(word)
            assert stream.recv(SOON_S) == f"echo: {word}"
    for token in ("", "wrong"):
        with pytest.raises(InvalidStatus) as refusal, lot.socket("/socket", host=host, token=token):
            pass
        assert refusal.value.response.status_code in (401, 403)
    lot.delete(f"/sessions/{session}")


def test_api_answers_nobody_without_its_token(lot: Lot, project: str) -> None:
    session = lot.session(project)
    terminal = lot.post(f"/sessions/{session}/terminals", {})["name"]
    paths = lot.http.get("/openapi.json").json()["paths"]
    asked = 0
    with httpx.Client(base_url=lot.server.url, trust_env=False) as stranger:
        for path, methods in paths.items():
            if path in ("/api/sign-in", "/api/previews/enter") or path.startswith("/api/sign-in/"):
                continue  # the way in; what these let in is in tests/unit/api/test_gate.py
            address = path.replace("{session}", session).replace("{project}", project).replace("{name}", terminal)
            for method in methods:
                for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": lot.server.token}):
                    answer = stranger.request(method, address.replace("{", "").replace("}", ""), headers=headers)
                    expected = 200 if path == "/api/health" else 401
                    assert answer.status_code == expected, (method, path, answer.text)
                    asked += 1
    assert asked > 60
    sockets = (f"/api/sessions/{session}/events/stream", f"/api/sessions/{session}/processes/{terminal}/stream")
    for path, token in itertools.product(sockets, ("", "wrong")):
        with pytest.raises(InvalidStatus) as refusal, lot.socket(path, token=token):
            pass
        assert refusal.value.response.status_code in (401, 403)
    assert lot.show(session)["label"] == "Idle"
    lot.delete(f"/sessions/{session}")


def test_injected_values_reach_the_app_and_neither_diff_nor_pull_request(lot: Lot) -> None:
    secret = f"s3cret{uuid.uuid4().hex}"
    project = lot.ready_project(environment={"PUMP_KEY": secret})
    assert project["ready_snapshot"]
    assert project["environment_keys"] == ["PUMP_KEY"]
    assert secret not in json.dumps(project)
    session = lot.session(project["id"])
    leak = "cat .env >&2; git add -A -f; git -c user.name=A -c user.email=a@a commit -qm all; echo more > more.txt"
    assert is_completed(events := lot.turn(session, f"@@bash {json.dumps({'command': leak})}"))
    assert secret in json.dumps(events)
    diff = lot.get(f"/sessions/{session}/diff")
    assert [file["path"] for file in diff["files"]] == ["more.txt"]
    assert secret not in json.dumps(diff)
    pull_request = lot.post(f"/sessions/{session}/pull-request", {})
    patch = lot.get(f"/projects/{project['id']}/pull-requests/{pull_request['number']}/patch")
    assert "more.txt" in patch
    assert secret not in patch
    pushed = git(Path(project["source"]), "log", "-p", "--all")
    assert "more.txt" in pushed
    assert secret not in pushed
    lot.delete(f"/sessions/{session}")


# The model and the conversation


def test_message_of_a_megabyte_is_taken_whole(lot: Lot, project: str) -> None:
    session = lot.session(project)
    text = '@@say {"text": "received"} ' + "0123456789abcdef" * (1 << 16)
    assert len(text) > 1 << 20
    events = lot.turn(session, text)
    assert is_completed(events)
    assert texts(events) == "received"
    assert next(event for event in events if event["kind"] == "message_added")["text"] == text
    assert is_completed(lot.turn(session, '@@say {"text": "and on"}'))
    too_long = {"id": str(uuid.uuid4()), "text": "x" * 2_000_001}
    assert lot.http.post(f"/api/sessions/{session}/messages", json=too_long).status_code == 422
    lot.transcript(session)
    lot.delete(f"/sessions/{session}")


def test_wrong_key_is_told_soon_and_the_next_message_works(lot: Lot, project: str) -> None:
    session = lot.session(project)
    assert is_completed(lot.turn(session, '@@say {"text": "warm"}'))
    began = time.monotonic()
    failed = failure(lot.turn(session, '@@fault {"status": 401, "message": "invalid x-api-key"}'))
    assert time.monotonic() - began < SOON_S
    assert failed["status"] == 401
    assert "refused the key" in failed["reason"]
    assert lot.settled(session, "Errored")["reason"] == failed["reason"]
    assert is_completed(lot.turn(session, '@@say {"text": "again"}'))
    assert lot.settled(session, "Idle")["reason"] is None
    lot.delete(f"/sessions/{session}")


def test_model_that_is_busy_is_asked_again_and_one_that_refuses_is_told(lot: Lot, project: str) -> None:
    session = lot.session(project)
    events = lot.turn(session, '@@fault {"status": 529, "times": 2, "message": "Overloaded"}')
    assert is_completed(events)
    assert [event["status"] for event in events if event["kind"] == "model_retried"] == [529, 529]
    failed = failure(lot.turn(session, '@@fault {"status": 400, "message": "this is refused"}'))
    assert "this is refused" in failed["reason"]
    lot.delete(f"/sessions/{session}")

    unknown = lot.http.post("/api/sessions", json={"project": project, "model": "no-such-model"})
    assert unknown.status_code == 422
    assert "no-such-model" in unknown.json()["message"]
    assert "rehearsal-small" in unknown.json()["message"]


def test_message_while_starting_pausing_or_resuming_is_delivered_once(lot: Lot, project: str) -> None:
    first, second, third = (str(uuid.uuid4()) for _ in range(3))

    def twice(message_id: str, text: str) -> None:
        for _ in range(2):
            lot.send(session, f'@@say {{"text": "{text}"}}', message_id)

    session = lot.begin(project)
    twice(first, "alpha")
    assert lot.show(session)["label"] == "Starting"
    assert is_completed(lot.turn_of(session, first))

    lot.move(session, "pause", wait_s=0)
    twice(second, "beta")
    assert lot.show(session)["label"] == "Pausing"
    assert is_completed(lot.turn_of(session, second))

    lot.move(session, "pause")
    lot.move(session, "resume", wait_s=0)
    twice(third, "gamma")
    assert lot.show(session)["label"] == "Resuming"
    assert is_completed(lot.turn_of(session, third))

    said = texts(lot.turn(session, "@@recall"))
    for text in ("alpha", "beta", "gamma"):
        assert said.count(text) == 1, said
    assert texts(lot.transcript(session)).splitlines()[:3] == ["alpha", "beta", "gamma"]
    lot.delete(f"/sessions/{session}")


# Damage, floods, death


def test_damaged_image_is_said_and_the_agent_goes_on_from_the_disk(lot: Lot, project: str) -> None:
    session = lot.session(project)
    assert is_completed(lot.turn(session, '@@write {"file": "kept.txt", "content": "kept"}'))
    lot.move(session, "pause")
    (image,) = lot.server.data_dir.glob(f"hibernation/{session}-*")
    flip_byte(max((image / "memory").iterdir(), key=lambda file: file.stat().st_size))
    events = lot.turn(session, "@@recall")
    came_back = next(event for event in events if event["kind"] == "came_back")
    assert came_back["rung"] == "disk"
    assert "memory: " in came_back["reason"]
    assert is_completed(events)
    assert "kept.txt" in texts(events)
    assert file_in(lot, session, "kept.txt") == "kept"
    lot.count(session)
    lot.transcript(session)
    lot.delete(f"/sessions/{session}")


def test_floods_of_output_hold_up_nobody_and_fill_no_memory(lot: Lot, project: str) -> None:
    session, other = lot.session(project), lot.session(project)
    runner, before = lot.server.runner_pid(session), lot.server.resident_bytes()
    terminal = lot.post(f"/sessions/{session}/terminals", {})["name"]
    assert lot.preview(session, "/flood").is_success
    with lot.socket(f"/api/sessions/{session}/processes/{terminal}/stream") as shell:
        shell.send(b"yes flood\n")
        shell.recv(SOON_S)
        slowest, until_s = 0.0, time.monotonic() + 4
        while time.monotonic() < until_s:
            for path in ("", "/processes", "/usage", "/logs", "/diff"):
                began = time.monotonic()
                lot.get(f"/sessions/{session}{path}")
                slowest = max(slowest, time.monotonic() - began)
            lot.count(other)
        assert slowest < SOON_S
    assert len(lot.get(f"/sessions/{session}/logs").encode()) <= 256 << 10
    assert lot.server.resident_bytes() - before < 64 << 20
    assert lot.server.resident_bytes(runner) < 160 << 20
    assert is_completed(lot.turn(session, '@@say {"text": "through"}'))
    assert lot.move(session, "pause")["label"] == "Paused"
    for one in (session, other):
        lot.delete(f"/sessions/{one}")


@pytest.mark.parametrize("state", ["starting", "running", "pausing", "resuming", "paused", "idle"])
def test_deletion_leaves_nothing_in_any_state(lot: Lot, project: str, state: str) -> None:
    session = in_state(lot, project, state)
    lot.delete(f"/sessions/{session}")
    assert lot.http.get(f"/api/sessions/{session}").status_code == 404
    assert session not in lot.get("/host")["sandboxes"]
    assert until(lambda: find_traces((session,), lot.server.data_dir).is_empty, lambda: left(lot, session))
    assert not lot.server.has_runner(session)


@pytest.mark.parametrize(
    ("state", "delay_s"),
    [
        ("starting", 0.1),
        ("running", 0),
        ("idle", 0),
        ("pausing", 0),
        ("pausing", 0.25),
        ("resuming", 0),
        ("resuming", 0.25),
    ],
)
def test_killed_runner_is_replaced_and_memory_and_turn_go_on(
    lot: Lot, project: str, state: str, delay_s: float
) -> None:
    session = in_state(lot, project, state)
    app = None if state in ("starting", "pausing", "resuming") else lot.count(session)
    app = app or KNOWN.get(session)
    runner = until(lambda: lot.server.has_runner(session) and lot.server.runner_pid(session))
    time.sleep(delay_s)
    kill(runner)
    if state == "running":
        assert is_completed(lot.follow(session, lambda event: event["kind"] in ("turn_ended", "turn_failed")))
    expected = lot.settled(session, "Paused" if state == "pausing" else "Idle")
    if state == "pausing":
        expected = lot.move(session, "resume")
    assert expected["label"] == "Idle", lot.story(session)
    assert_goes_on(lot, session, app)
    assert is_completed(lot.turn(session, '@@say {"text": "on it goes"}'))
    lot.transcript(session)
    lot.delete(f"/sessions/{session}")


@pytest.mark.parametrize("state", ["starting", "running", "idle", "pausing", "resuming"])
def test_killed_sandbox_is_told_and_a_message_brings_it_back_from_disk(lot: Lot, project: str, state: str) -> None:
    session = in_state(lot, project, state)
    seen = lot.show(session)["events"]
    sandbox = until(lambda: sandbox_pid(lot, session))
    if state == "pausing":
        until(lambda: lot.server.installation.home(session).saving.exists())  # type: ignore[arg-type]
    kill(sandbox)
    if state in ("running", "idle", "pausing"):
        shown = lot.settled(session, "Paused")
        assert "safe" in shown["reason"] or "files are as they were" in shown["reason"], shown
    else:
        # Nobody has to see it: the next rung, or the next try, may have brought it up already.
        shown = lot.settled(session, "Paused", "Idle", "Errored")
        assert shown["label"] == "Idle" or shown["reason"], shown
    if state == "running":
        assert "interrupted" in lot.until_event(session, "turn_failed", seen)["reason"]
    assert is_completed(lot.turn(session, "@@recall"))
    assert lot.settled(session, "Idle")["reason"] is None or state == "starting"
    if state != "starting":
        assert file_in(lot, session, "kept.txt") == "kept"
    lot.count(session)
    lot.transcript(session)
    lot.delete(f"/sessions/{session}")


# The control plane dies, or is stopped


@pytest.mark.parametrize("delay_s", [0.0, 0.4])
def test_killed_control_plane_goes_on_in_every_state(mortal: tuple[Lot, str], delay_s: float) -> None:
    lot, project = mortal
    sessions = {state: in_state(lot, project, "idle") for state in ("running", "idle", "pausing", "paused", "resuming")}
    apps = {state: lot.count(session) for state, session in sessions.items()}
    for state in ("paused", "resuming"):
        lot.move(sessions[state], "pause")
    turn = lot.send(sessions["running"], '@@long_tool {"seconds": 5}')
    lot.until_event(sessions["running"], "tool_called")
    building = lot.create_project(make_repository(lot.folder))["id"]
    first = str(uuid.uuid4())
    sessions["starting"] = lot.begin(project, message={"id": first, "text": '@@say {"text": "first"}'})
    woken = lot.send(sessions["resuming"], '@@say {"text": "woken"}')
    lot.move(sessions["pausing"], "pause", wait_s=0)
    time.sleep(delay_s)
    lot.server.kill()
    lot.server.start()

    assert is_completed(lot.turn_of(sessions["running"], turn))
    assert is_completed(lot.turn_of(sessions["starting"], first))
    assert is_completed(lot.turn_of(sessions["resuming"], woken))
    for state in ("pausing", "paused"):
        assert lot.settled(sessions[state], "Paused")
    for state in ("running", "idle", "resuming", "starting"):
        assert lot.settled(sessions[state], "Idle")["reason"] is None
    for state in ("pausing", "paused"):
        assert lot.move(sessions[state], "resume")["label"] == "Idle"
    for state, app in apps.items():
        assert_goes_on(lot, sessions[state], app)
    for state, session in sessions.items():
        events = lot.transcript(session)
        assert not [event for event in events if event["kind"] == "turn_failed"], (state, lot.story(session))
    assert lot.built(building)["snapshot"]["state"] == "ready"
    assert set(lot.get("/host")["sandboxes"]) == set(sessions.values())
    for session in sessions.values():
        lot.delete(f"/sessions/{session}")
    lot.delete(f"/projects/{building}")
    assert lot.get("/host")["sandboxes"] == []


def test_orderly_stop_pauses_every_session_and_a_new_start_resumes_their_memory(mortal: tuple[Lot, str]) -> None:
    lot, project = mortal
    idle, running = in_state(lot, project, "idle"), in_state(lot, project, "running")
    apps = {session: lot.count(session) for session in (idle, running)}
    assert lot.server.stop() == 0, lot.server.last_lines()
    assert not find_traces((idle, running), None).processes
    lot.server.start()
    for session in (idle, running):
        assert lot.show(session)["label"] == "Paused"
        assert lot.move(session, "resume")["sandbox"] == "on"
        assert_goes_on(lot, session, apps[session])
    lot.settled(running, "Idle")
    for session in (idle, running):
        assert not [event for event in lot.transcript(session) if event["kind"] == "turn_failed"]
        assert is_completed(lot.turn(session, '@@say {"text": "back"}'))
        lot.delete(f"/sessions/{session}")


def test_full_host_refuses_starts_and_pauses_and_leaves_what_runs_alone(mortal: tuple[Lot, str]) -> None:
    lot, project = mortal
    session = in_state(lot, project, "idle")
    app = lot.count(session)

    # A runner keeps the settings it began with: it goes with the server.
    runner = lot.server.runner_pid(session)
    lot.server.kill()
    kill(runner)
    lot.server.start(memory_reserve_bytes=TERABYTE)
    assert_goes_on(lot, session, app)
    refused = lot.begin(project)
    shown = lot.settled(refused, "Errored")
    assert "LOT_MEMORY_RESERVE_BYTES" in shown["reason"]
    assert refused not in lot.get("/host")["sandboxes"]
    assert_goes_on(lot, session, app)
    assert lot.move(session, "pause")["label"] == "Paused"
    still = lot.move(session, "resume")
    assert still["label"] == "Paused"
    assert "LOT_MEMORY_RESERVE_BYTES" in still["reason"]
    assert lot.server.stop() == 0

    lot.server.start()
    assert is_completed(lot.turn(refused, '@@say {"text": "there is room"}'))
    assert lot.move(session, "resume")["label"] == "Idle"
    assert_goes_on(lot, session, app)

    runners = [lot.server.runner_pid(one) for one in (session, refused)]
    lot.server.kill()
    for runner in runners:
        kill(runner)
    lot.server.start(disk_reserve_bytes=TERABYTE)
    assert_goes_on(lot, session, app)
    answer = lot.move(session, "pause")
    assert answer["label"] == "Idle"
    assert "LOT_DISK_RESERVE_BYTES" in answer["reason"]
    assert_goes_on(lot, session, app)
    assert is_completed(lot.turn(session, '@@say {"text": "still on"}'))

    runners = [lot.server.runner_pid(one) for one in (session, refused)]
    lot.server.kill()
    for runner in runners:
        kill(runner)
    lot.server.start()
    assert lot.move(session, "pause")["label"] == "Paused"
    for one in (session, refused):
        lot.delete(f"/sessions/{one}")


def test_dev_server_that_never_answers_is_told_with_its_log(lot: Lot) -> None:
    failed = lot.built(SILENT)["snapshot"]
    assert failed["state"] == "failed"
    assert "did not answer" in failed["failure"]
    assert "1234" in failed["failure"]


KNOWN: dict[str, tuple[int, int]] = {}
"""Of sessions that were brought into a state, how far their app had counted and its process id."""


def in_state(lot: Lot, project: str, state: str) -> str:
    """Return a new session in a state; where it has been on, it has the file kept.txt and its app is in `KNOWN`."""
    if state == "starting":
        return lot.begin(project)
    session = lot.session(project)
    assert is_completed(lot.turn(session, '@@write {"file": "kept.txt", "content": "kept"}'))
    lot.settled(session, "Idle")
    KNOWN[session] = lot.count(session)
    match state:
        case "running":
            message_id = lot.send(session, '@@long_tool {"seconds": 3}')
            lot.until_event(session, "message_delivered", message_id=message_id)
        case "pausing":
            lot.move(session, "pause", wait_s=0)
        case "paused":
            lot.move(session, "pause")
        case "resuming":
            lot.move(session, "pause")
            lot.move(session, "resume", wait_s=0)
    return session


def assert_goes_on(lot: Lot, session: str, app: tuple[int, int] | None) -> None:
    """Check that a session's app is the process it was, and counts on from where it was."""
    count, pid = lot.count(session)
    if app is not None:
        assert pid == app[1], lot.story(session)
        assert count > app[0]


def file_in(lot: Lot, session: str, name: str) -> str:
    """Return a file of a session's workspace, as a shell in it shows it."""
    diff = lot.get(f"/sessions/{session}/diff")["patch"]
    lines = diff.partition(f"+++ b/{name}\n")[2].partition("\ndiff ")[0].splitlines()
    return "\n".join(line[1:] for line in lines if line.startswith("+"))


def sandbox_pid(lot: Lot, session: str) -> int | None:
    """Return the process of a session's sandbox; None while there is none."""
    try:
        return lot.server.sandbox_pid(session)
    except (FileNotFoundError, ValueError):
        return None


def left(lot: Lot, session: str) -> str:
    """Return what is left of a session."""
    return str(find_traces((session,), lot.server.data_dir))


def kill(pid: int) -> None:
    """Kill a process, which is known from a record of the installation."""
    os.kill(pid, signal.SIGKILL)


def flip_byte(file: Path) -> None:
    """Change one bit in the middle of a file."""
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        byte = opened.read(1)
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte[0] ^ 1]))
