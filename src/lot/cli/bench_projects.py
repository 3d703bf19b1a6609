"""`lot bench projects`: what projects cost and what their snapshots bring, on any folder of small repositories."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lot.bench.figures import Runs
from lot.bench.project_figures import BesideBuild, ProjectsResult
from lot.bench.projects import SERVER_SIZES, measure_projects
from lot.bench.samples import find_samples
from lot.cli.common import JsonFlag, common
from lot.cli.output import byte_size, err, out, plain, print_json, table
from lot.client.client import LotClient
from lot.client.own_server import FOLDER, own_server

_SAMPLES_FOLDER = Path("tests/samples")
_IDLE_COUNTDOWN_S = 3600
"""The first of many sessions is not to be paused while the last one starts."""


def projects(
    ctx: typer.Context,
    samples: Annotated[
        str, typer.Option(metavar="A,B", help="Which samples, the one that many sessions start from first.")
    ] = "",
    samples_folder: Annotated[
        Path, typer.Option(help="Its folders are the samples; by default those of the checkout one is in.")
    ] = _SAMPLES_FOLDER,
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="How often each kind of start is measured.")] = 20,
    sessions: Annotated[int, typer.Option(min=1, max=1000, help="How many start from one snapshot.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Measure on this machine, with a server of its own, projects set up from their files alone; needs root.

    Every start is measured to the dev server's first HTTP 200, as its user waits for it.
    """
    shared = common(ctx, as_json=as_json)
    chosen = find_samples(samples_folder, [name.strip() for name in samples.split(",") if name.strip()])
    sizes = json.dumps({name: size.model_dump() for name, size in SERVER_SIZES.items()})
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        own_server(FOLDER, "rehearsal", sizes=sizes, idle_countdown_s=str(_IDLE_COUNTDOWN_S)) as server,
        LotClient(server.address) as client,
        Progress(*columns, console=err, disable=shared.as_json, transient=True) as bars,
    ):
        task = bars.add_task("", total=1.0)
        result = measure_projects(
            client,
            server,
            chosen,
            runs,
            sessions,
            lambda what, finished: bars.update(task, description=what, completed=finished),
        )
    if shared.as_json:
        print_json(result.as_json())
    else:
        _print(result)
    if result.reasons():
        raise typer.Exit(1)


def _print(result: ProjectsResult) -> None:
    if result.built():
        _print_snapshots(result)
        _print_starts(result)
    if result.batches:
        _print_batches(result)
    if result.beside is not None:
        _print_beside(result.beside)
    loads = result.load_average
    out.print(
        f"\nThe machine's load average was {min(loads)} to {max(loads)}: seconds vary with it, ratios hardly do.",
        style="dim",
    )
    for reason in result.reasons():
        err.print(plain(reason), style="red")


def _print_snapshots(result: ProjectsResult) -> None:
    grid = table("SNAPSHOT", "BUILD", "LAYER", "ON DISK", "MEMORY IMAGE", "ON DISK")
    for name, snapshot in result.built().items():
        sizes = (
            snapshot.layer_bytes,
            snapshot.layer_disk_bytes,
            snapshot.memory_bytes,
            snapshot.memory_disk_bytes,
        )
        grid.add_row(name, f"{snapshot.build_s:.1f} s", *(byte_size(size) for size in sizes))
    out.print(grid)


def _print_starts(result: ProjectsResult) -> None:
    grid = table("\nSTART", "\nx WARM", "\nP50", "\nP95", "\nP99", "\nN", "\nFAILED")
    for name in result.built():
        sample = result.samples[name]
        grid.add_row(f"{name}, from memory", "", *_columns(sample.warm))
        grid.add_row(f"{name}, from disk", _ratio(sample.cold.over(sample.warm)), *_columns(sample.cold))
    out.print(grid)


def _print_batches(result: ProjectsResult) -> None:
    times = table(f"\nMANY OF {result.many}", "\nALL", "\nP50", "\nP95", "\nP99", "\nN", "\nFAILED")
    room = table("\nTAKEN BY", "\nDISK, OF THEIR OWN", "\nDISK, SHARED", "\nMEMORY")
    for batch in result.batches:
        times.add_row(f"{batch.width} at a time", f"{batch.total_s:.1f} s", *_columns(batch.starts))
        taken = (batch.own_disk_bytes, batch.shared_disk_bytes, batch.memory_bytes)
        title = f"{len(batch.starts.seconds)}, started {batch.width} at a time"
        room.add_row(title, *(byte_size(size) for size in taken))
    out.print(times)
    out.print(room)


def _print_beside(beside: BesideBuild) -> None:
    grid = table(f"\nSTART OF {beside.sample}", "\nx QUIET", "\nP50", "\nP95", "\nP99", "\nN", "\nFAILED")
    grid.add_row("beside nothing", "", *_columns(beside.quiet))
    ratio = _ratio(beside.building.over(beside.quiet))
    grid.add_row(f"beside a build of {beside.built}", ratio, *_columns(beside.building))
    out.print(grid)


def _columns(runs: Runs) -> list[str]:
    said = runs.as_json()
    seconds = [f"{said[name]:.3f} s" if said[name] else "-" for name in ("p50_s", "p95_s", "p99_s")]
    return [*seconds, str(said["n"]), str(said["failures"])]


def _ratio(ratio: float | None) -> str:
    return f"{ratio:.2f}" if ratio is not None else "-"
