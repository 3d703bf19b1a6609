"""What is measured of projects: which samples, what is counted as failed, and what is said of it."""

from pathlib import Path

import pytest

from lot.bench.figures import Runs
from lot.bench.project_figures import Batch, BesideBuild, ProjectsResult, SampleResult, SnapshotFigures
from lot.bench.projects import FROM_DISK, SERVER_SIZES
from lot.bench.samples import find_samples
from lot.bench.sessions import noted
from lot.cli.bench_projects import _print
from lot.config import SIZES
from lot.core.errors import BootFailedError, InvalidInputError

SNAPSHOT = SnapshotFigures(
    build_s=13.62, layer_bytes=50 << 20, layer_disk_bytes=55 << 20, memory_bytes=95 << 20, memory_disk_bytes=96 << 20
)


def measured() -> ProjectsResult:
    """Return a result in which some things went wrong."""
    vite = SampleResult(
        snapshot=SNAPSHOT, warm=Runs([1.0, 2.0, 1.0]), cold=Runs([5.0, 4.0, 4.0], ["it did not come up"])
    )
    batches = [
        Batch(
            1,
            total_s=20.0,
            starts=Runs([1.0] * 20),
            own_disk_bytes=1 << 20,
            shared_disk_bytes=9 << 20,
            memory_bytes=3 << 30,
        ),
        Batch(4, total_s=9.0, starts=Runs([1.5] * 19, ["the host is full"])),
    ]
    return ProjectsResult(
        samples={"vite": vite, "broken": SampleResult(failure="npm ci ended with exit code 1")},
        many="vite",
        batches=batches,
        beside=BesideBuild("vite", "nextjs", quiet=Runs([1.0]), building=Runs([1.5], ["it ended before"])),
        load_average=[0.5, 2.0],
    )


def test_the_result_holds_what_was_promised():
    said = measured().as_json()
    vite = said["samples"]["vite"]
    assert vite["snapshot"]["build_s"] == 13.62
    assert vite["warm"] == {"n": 3, "p50_s": 1.0, "p95_s": 2.0, "p99_s": 2.0, "failures": 0}
    assert vite["cold_over_warm"] == 4.0
    assert said["samples"]["broken"]["snapshot"] is None
    assert said["samples"]["broken"]["cold_over_warm"] is None
    assert said["many"]["sample"] == "vite"
    assert [(batch["width"], batch["total_s"], batch["starts"]["n"]) for batch in said["many"]["batches"]] == [
        (1, 20.0, 20),
        (4, 9.0, 19),
    ]
    assert said["beside_build"]["building_over_quiet"] == 1.5
    assert said["load_average"] == {"min": 0.5, "max": 2.0}
    assert said["reasons"] == [
        "vite: cold: it did not come up",
        "broken: npm ci ended with exit code 1",
        "4 at a time: the host is full",
        "beside a build: it ended before",
    ]


def test_the_tables_show_every_figure_and_every_failure(capsys: pytest.CaptureFixture[str]):
    _print(measured())
    printed = capsys.readouterr()
    lines = [line.split() for line in printed.out.splitlines()]
    assert ["vite,", "from", "disk", "4.00", "4.000", "s", "5.000", "s", "5.000", "s", "3", "1"] in lines
    assert ["vite", "13.6", "s", "50.0", "MiB", "55.0", "MiB", "95.0", "MiB", "96.0", "MiB"] in lines
    assert ["20,", "started", "1", "at", "a", "time", "1.0", "MiB", "9.0", "MiB", "3.0", "GiB"] in lines
    assert "beside a build of nextjs" in printed.out
    assert "the host is full" in printed.err


def test_a_result_without_any_snapshot_is_its_reasons(capsys: pytest.CaptureFixture[str]):
    _print(ProjectsResult({"broken": SampleResult(failure="no such package")}, load_average=[1.0]))
    printed = capsys.readouterr()
    assert "SNAPSHOT" not in printed.out
    assert "broken: no such package" in printed.err


def test_sessions_from_the_disk_alone_are_of_another_size_but_hardly():
    small, from_disk = SIZES["small"], SERVER_SIZES[FROM_DISK]
    assert from_disk.cpus == small.cpus
    assert 0 < from_disk.memory_bytes - small.memory_bytes <= 4096


def test_what_goes_wrong_in_a_run_is_noted_and_what_came_before_it_counts():
    runs = Runs()
    for fails in (False, True):
        with noted(runs) as seconds:
            seconds.append(1.0)
            if fails:
                raise BootFailedError("the sandbox is gone")
    assert runs.seconds == [1.0, 1.0]
    assert runs.failures == ["the sandbox is gone"]


def test_samples_are_all_folders_or_those_that_are_named_in_their_order(tmp_path: Path):
    for name in ("vite", "flask", "static"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").touch()
    assert list(find_samples(tmp_path, [])) == ["flask", "static", "vite"]
    assert list(find_samples(tmp_path, ["vite", "flask"])) == ["vite", "flask"]


def test_samples_that_are_not_there_are_refused_with_what_is(tmp_path: Path):
    with pytest.raises(InvalidInputError, match="--samples-folder"):
        find_samples(tmp_path / "none", [])
    (tmp_path / "vite").mkdir()
    with pytest.raises(InvalidInputError, match=r"no sample rails.*choose of vite"):
        find_samples(tmp_path, ["rails"])
