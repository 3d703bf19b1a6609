"""Measures projects: what their snapshots take and bring, many sessions at once, and a start beside a build."""

import os
from collections.abc import Callable
from pathlib import Path

from lot.bench.beside_build import start_beside_build
from lot.bench.many_sessions import start_many
from lot.bench.project_figures import BesideBuild, ProjectsResult, SampleResult
from lot.bench.samples import Sample, build_sample
from lot.bench.sessions import MeasuredSession, noted, started
from lot.client.client import LotClient
from lot.client.own_server import OwnServer
from lot.config import SIZES
from lot.core.errors import BootFailedError, LotError

FROM_DISK = "from-disk"
"""A size: memory that was frozen in another size is not used, so sessions of this one start from the disk alone."""
SERVER_SIZES = {FROM_DISK: SIZES["small"].model_copy(update={"memory_bytes": SIZES["small"].memory_bytes + 4096})}
"""The samples' own size with one page more, which no dev server notices."""
WIDTHS = (1, 4)
"""How many of the many sessions start at a time."""
_SAMPLES_SHARE, _MANY_SHARE = 0.7, 0.2
"""Of the whole, as progress is told."""


def measure_projects(
    client: LotClient,
    server: OwnServer,
    samples: dict[str, Path],
    runs: int,
    sessions: int,
    progress: Callable[[str, float], None],
) -> ProjectsResult:
    """Measure everything; what fails is in the result.

    Args:
        client: Of the server.
        server: Ours, with `SERVER_SIZES`.
        samples: Name to folder. Many sessions are started from the first whose snapshot can be built.
        runs: How often each kind of start is measured.
        sessions: How many are started from one snapshot.
        progress: Told what is being done, and how much is finished (0 to 1).
    """
    result = ProjectsResult({name: SampleResult() for name in samples})

    def tell(what: str, finished: float) -> None:
        result.load_average.append(round(os.getloadavg()[0], 2))
        progress(what, finished)

    built: list[Sample] = []
    for number, (name, files) in enumerate(samples.items()):
        begun, share = _SAMPLES_SHARE * number / len(samples), _SAMPLES_SHARE / len(samples)
        tell(f"{name}: snapshot", begun)
        try:
            sample = build_sample(client, server, name, files)
        except LotError as error:
            result.samples[name].failure = str(error)
            continue
        built.append(sample)
        result.samples[name].snapshot = sample.snapshot
        for run in range(runs):
            tell(f"{name}: starts, run {run + 1} of {runs}", begun + share * (0.5 + 0.5 * run / runs))
            _compare_starts(client, sample, result.samples[name])
    if built:
        first, slowest = built[0], max(built, key=lambda sample: sample.snapshot.build_s)
        result.many = first.name
        for number, width in enumerate(WIDTHS):
            what = f"{sessions} sessions of {first.name}, {width} at a time"
            tell(what, _SAMPLES_SHARE + _MANY_SHARE * number / len(WIDTHS))
            result.batches.append(start_many(client, first.project, sessions, width))
        result.beside = BesideBuild(first.name, slowest.name)
        for run in range(runs):
            share = 1 - _SAMPLES_SHARE - _MANY_SHARE
            tell(f"starts beside a build, run {run + 1} of {runs}", 1 - share + share * run / runs)
            start_beside_build(client, first, slowest, result.beside)
    progress("done", 1.0)
    return result


def _compare_starts(client: LotClient, sample: Sample, result: SampleResult) -> None:
    with noted(result.warm) as seconds, started(client, sample.project) as session:
        _require(session, "restore memory")
        seconds.append(session.start_s)
    with noted(result.cold) as seconds, started(client, sample.project, FROM_DISK) as session:
        _require(session, "boot")
        seconds.append(session.start_s)


def _require(session: MeasuredSession, step: str) -> None:
    """Refuse a session that did not come up as it was to. Raises BootFailedError."""
    steps = session.steps()
    if step not in steps:
        raise BootFailedError(f"the session came up otherwise than by {step!r}: {', '.join(sorted(steps))}")
