"""How runs become figures."""

import pytest

from lot.bench.figures import KEYS, Figure, Result, percentile


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 10.0), (0.95, 19.0), (0.99, 20.0), (1.0, 20.0)])
def test_percentiles_are_values_that_were_measured(share: float, expected: float):
    values = [float(value) for value in range(20, 0, -1)]
    assert percentile(values, share) == expected


def test_a_percentile_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_figure_is_set_beside_the_bare_runtime():
    figure = Figure(seconds=[3.0, 1.0, 2.0], bare_seconds=[1.0, 4.0, 1.0], failures=["late"])
    assert figure.as_json() == {
        "n": 3,
        "p50_s": 2.0,
        "p95_s": 3.0,
        "p99_s": 3.0,
        "failures": 1,
        "bare_p50_s": 1.0,
    }
    assert figure.ratio == 2.0


def test_a_figure_without_runs_has_no_numbers():
    assert Figure(failures=["x"]).as_json() == {
        "n": 0,
        "p50_s": None,
        "p95_s": None,
        "p99_s": None,
        "failures": 1,
        "bare_p50_s": None,
    }


def test_the_result_holds_what_was_promised():
    result = Result(load_average=[0.5, 2.0], runner_memory_bytes=[30, 10, 20])
    result.figures["start_cold"].seconds = [6.0]
    result.figures["start_snapshot"].seconds = [2.0]
    result.figures["pause"].failures = ["disk full"]
    said = result.as_json()
    assert set(KEYS) == {"start_cold", "start_snapshot", "pause", "resume", "fork"} <= set(said)
    assert said["warm_over_cold"] == 3.0
    assert said["runner_memory_bytes"] == {"p50": 20, "max": 30}
    assert said["reasons"] == ["pause: disk full"]
