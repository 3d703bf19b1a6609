"""Several dev processes and ports of one session, as a user of the API meets them: every real part."""

import json
import time

import pytest
from acceptance_rig import PATIENCE_S, PORT, Body, Lot, lot_server, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(180)]

WORKER_PORT, OPENED_PORT = 6000, 6001
WORKER = f"echo the worker is up; exec python3 -u -m http.server --bind 127.0.0.1 {WORKER_PORT}"


def test_processes_and_ports_are_found_named_previewed_logged_and_told() -> None:
    with lot_server() as lot:
        project = lot.ready_project(processes={"worker": WORKER})
        assert "beside it worker: echo the worker is up" in lot.build_log(project["snapshot"]["id"])
        session = lot.session(project["id"])
        assert lot.show(session)["processes"] == ["worker"]

        main, worker = listed(lot, session)
        assert (main["port"], main["name"], main["is_main"], main["process"]) == (PORT, "dev", True, "dev")
        assert (worker["port"], worker["name"], worker["is_main"]) == (WORKER_PORT, "worker", False)
        assert (worker["process"], worker["command"], worker["addresses"]) == ("dev-worker", "python3", ["127.0.0.1"])
        pids = running(lot, session)
        assert worker["pid"] == pids["dev-worker"]
        assert "app.py" in lot.preview(session, port=WORKER_PORT).text
        assert "the worker is up" in log(lot, session)

        open_a_port(lot, session)
        opened = listed(lot, session)[-1]
        assert (opened["port"], opened["name"]) == (OPENED_PORT, "python3")
        assert opened["process"].startswith("terminal-")
        assert "app.py" in lot.preview(session, port=OPENED_PORT).text
        assert f"{WORKER_PORT} (worker)" in lot.preview(session, port=9999).text

        lot.move(session, "pause")
        off = lot.get(f"/sessions/{session}/ports")
        assert off["ports"] == []
        assert "paused" in off["reason"]
        assert "the worker is up" in log(lot, session)
        lot.move(session, "resume")
        assert running(lot, session).items() >= pids.items()
        assert [port["port"] for port in listed(lot, session)] == [PORT, WORKER_PORT, OPENED_PORT]
        assert until(lambda: lot.preview(session, port=WORKER_PORT).is_success)

        app = lot.count(session)
        seen = lot.show(session)["events"]
        type_in(lot, session, f"kill -9 {pids['dev-worker']}\n")
        told = lot.until_event(session, "dev_server_changed", seen, process="worker", status="exited")
        assert "ended with exit code -9" in told["detail"]
        assert "the worker is up" in told["detail"]
        assert lot.count(session)[1] == app[1]
        until(lambda: [port["port"] for port in listed(lot, session)] == [PORT, OPENED_PORT])

        lot.post(f"/sessions/{session}/dev-server/restart")
        assert lot.count(session)[1] != app[1]
        again = running(lot, session)
        assert set(again) == set(pids)
        assert not set(again.values()) & set(pids.values())
        assert until(lambda: lot.preview(session, port=WORKER_PORT).is_success)
        lot.delete(f"/sessions/{session}")


def listed(lot: Lot, session: str) -> list[Body]:
    """Return what listens, as the API tells it."""
    seen = lot.get(f"/sessions/{session}/ports")
    assert seen["reason"] is None
    ports: list[Body] = seen["ports"]
    return ports


def running(lot: Lot, session: str) -> dict[str, int]:
    """Return the dev processes that run, by name, and their process ids."""
    processes = lot.get(f"/sessions/{session}/processes")
    return {one["name"]: one["pid"] for one in processes if one["is_running"] and one["name"].startswith("dev")}


def log(lot: Lot, session: str) -> str:
    """Return what the worker has printed."""
    text: str = lot.get(f"/sessions/{session}/logs", params={"process": "dev-worker"})
    return text


def open_a_port(lot: Lot, session: str) -> None:
    """Have a port opened from a terminal; return when the stream of events has told of a change of ports."""
    after = lot.show(session)["events"]
    with lot.socket(f"/api/sessions/{session}/events/stream?after={after}") as stream:
        type_in(lot, session, f"python3 -m http.server {OPENED_PORT}\n")
        give_up_at = time.monotonic() + PATIENCE_S
        while json.loads(stream.recv(give_up_at - time.monotonic())) != {"changed": "ports"}:
            continue


def type_in(lot: Lot, session: str, text: str) -> None:
    """Type into a new terminal, which stays."""
    terminal = lot.post(f"/sessions/{session}/terminals", {})["name"]
    with lot.socket(f"/api/sessions/{session}/processes/{terminal}/stream") as shell:
        shell.send(text.encode())
        shell.recv(PATIENCE_S)
