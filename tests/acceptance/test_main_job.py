"""The main job, end to end: `lot demo` and `lot bench` as their users run them, on the real parts."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

STEPS = ["project", "start_two", "turn", "preview", "diff", "pause", "resume", "fork", "pull_request", "delete"]
FIGURES = {"n", "p50_s", "p95_s", "p99_s", "failures", "bare_p50_s"}


def lot_json(*arguments: str) -> dict[str, Any]:
    """Run `lot`, and return the one JSON object that is all it printed."""
    # A key that this machine happens to have is none of a test's business.
    environment = {name: value for name, value in os.environ.items() if "ANTHROPIC" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "lot.cli.main", *arguments], check=False, capture_output=True, text=True, env=environment
    )
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, f"{json.dumps(printed, indent=2)}\n{done.stderr}"
    return printed


@pytest.mark.timeout(600)
def test_every_step_of_a_sessions_life_holds():
    report = lot_json("demo", "--json", "--provider", "rehearsal")
    assert report["ok"] is True
    assert report["provider"] == "rehearsal"
    assert [step["name"] for step in report["steps"]] == STEPS
    assert all(step["ok"] is True and step["seconds"] > 0 for step in report["steps"])
    detail = {step["name"]: step["detail"] for step in report["steps"]}
    assert detail["turn"]["is_scripted"] is True
    assert "Edit" in detail["turn"]["tools"]
    assert detail["preview"]["hot_reload"] == "update"
    assert detail["pause"]["processes_gone"] > 0
    assert detail["resume"]["rung"] == "memory"
    assert detail["fork"]["counters"]["first"] == detail["fork"]["counters"]["fork"]
    assert detail["pull_request"]["state"] == "merged"
    assert detail["delete"]["server_stopped"] is True


@pytest.mark.timeout(600)
def test_the_benchmark_measures_everything_beside_the_bare_runtime():
    result = lot_json("bench", "--runs", "1", "--json")
    for key in ("start_cold", "start_snapshot", "pause", "resume", "fork"):
        assert set(result[key]) == FIGURES
        assert result[key]["n"] == 1
        assert result[key]["p50_s"] > 0
        assert result[key]["bare_p50_s"] > 0
