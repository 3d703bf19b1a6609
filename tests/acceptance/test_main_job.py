"""The main job, end to end: `lot demo` and `lot bench` as their users run them, on the real parts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

ROOT = Path(__file__).parents[2]

STEPS = ["project", "start_two", "turn", "preview", "diff", "pause", "resume", "fork", "pull_request", "delete"]
FIGURES = {"n", "p50_s", "p95_s", "p99_s", "failures", "bare_p50_s"}


def lot_json(*arguments: str) -> dict[str, Any]:
    """Run `lot`, and return the one JSON object that is all it printed."""
    # A key that this machine happens to have is none of a test's business.
    environment = {name: value for name, value in os.environ.items() if "ANTHROPIC" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "lot.cli.main", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
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


@pytest.mark.timeout(600)
def test_projects_are_measured_warm_and_cold_many_at_once_and_beside_a_build():
    result = lot_json("bench", "projects", "--samples", "static,flask", "--runs", "2", "--sessions", "3", "--json")
    assert result["reasons"] == []
    for sample in result["samples"].values():
        assert sample["snapshot"]["build_s"] > 0
        assert sample["snapshot"]["memory_disk_bytes"] > 0
        assert sample["warm"]["n"] == sample["cold"]["n"] == 2
        assert sample["cold_over_warm"] > 0
    assert (
        result["samples"]["flask"]["snapshot"]["layer_bytes"] > result["samples"]["static"]["snapshot"]["layer_bytes"]
    )
    assert result["many"]["sample"] == "static"
    for batch, width in zip(result["many"]["batches"], (1, 4), strict=True):
        assert batch["width"] == width
        assert batch["starts"]["n"] == 3
        assert batch["total_s"] >= batch["starts"]["p50_s"]
        assert min(batch["own_disk_bytes"], batch["shared_disk_bytes"], batch["memory_bytes"]) > 0
    assert result["beside_build"]["built"] == "flask"
    assert result["beside_build"]["quiet"]["n"] == result["beside_build"]["building"]["n"] == 2
