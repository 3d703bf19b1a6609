"""`lot bench`: measures start, pause, resume and fork beside the bare runtime doing the same in the same run.

`lot bench conversation` and `lot bench projects` are in files of their own.
"""

from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from lot.bench.figures import Figure, Result
from lot.bench.measure import measure
from lot.cli.bench_conversation import conversation
from lot.cli.bench_projects import projects
from lot.cli.common import JsonFlag, common
from lot.cli.output import err, out, plain, print_json, table
from lot.client.client import LotClient
from lot.client.own_server import FOLDER, own_server
from lot.config import Settings

TARGETS = {"pause": 1.5, "resume": 1.5}
"""At most this multiple of the bare runtime's median."""
WARM_TARGET = 3.0
RUNNER_TARGET_BYTES = 120 << 20
_TITLES = {
    "start_cold": "start, dev server by its command",
    "start_snapshot": "start from the snapshot's memory",
    "pause": "pause",
    "resume": "resume",
    "fork": "fork",
}
_BARE = {
    "start_cold": "runsc run",
    "start_snapshot": "runsc restore",
    "pause": "runsc checkpoint",
    "resume": "runsc restore",
    "fork": "checkpoint + restore",
}


app = typer.Typer(add_completion=False)
app.command("conversation")(conversation)
app.command("projects")(projects)


@app.callback(invoke_without_command=True)
def bench(
    ctx: typer.Context,
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="How often each is measured.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Measure on this machine, with a server of its own and the example project; needs root and `lot setup`.

    Every start, resume and fork is measured to the dev server's first HTTP 200, as its user waits for it.
    """
    if ctx.invoked_subcommand is not None:
        return
    shared = common(ctx, as_json=as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        own_server(FOLDER, "rehearsal") as server,
        LotClient(server.address) as client,
        Progress(*columns, console=err, disable=shared.as_json, transient=True) as bars,
    ):
        task = bars.add_task("", total=1.0)
        result = measure(
            client,
            server,
            Settings(),
            runs,
            lambda what, finished: bars.update(task, description=what, completed=finished),
        )
    if shared.as_json:
        print_json(result.as_json())
    else:
        _print(result)
    if result.bare_failures or any(figure.failures for figure in result.figures.values()):
        raise typer.Exit(1)


def _print(result: Result) -> None:
    grid = table("", "x BARE", "P50", "P95", "P99", "BARE P50", "BARE DOES", "N", "FAILED")
    for key, figure in result.figures.items():
        grid.add_row(_TITLES[key], _ratio(key, figure), *_seconds(figure), _BARE[key], *_counts(figure))
    out.print(grid)
    warm, runner = result.warm_over_cold, result.as_json()["runner_memory_bytes"]
    if warm is not None:
        out.print(f"\nA start from memory is {warm:.1f} times as fast as a cold one (aim: {WARM_TARGET:.0f})")
    if runner is not None:
        size = f"{runner['p50'] / (1 << 20):.0f} MiB, at most {runner['max'] / (1 << 20):.0f} MiB"
        out.print(f"A runner takes {size} (aim: under {RUNNER_TARGET_BYTES >> 20} MiB)")
    loads = result.load_average
    out.print(
        f"The machine's load average was {min(loads)} to {max(loads)} before the runs: seconds vary with it, "
        "ratios within one run hardly do.",
        style="dim",
    )
    for reason in result.as_json()["reasons"]:
        err.print(plain(reason), style="red")


def _ratio(key: str, figure: Figure) -> Text:
    if figure.ratio is None:
        return Text("-")
    target = TARGETS.get(key)
    style = "bold" if target is None else "bold green" if figure.ratio <= target else "bold yellow"
    return Text(f"{figure.ratio:.2f}" + (f" (aim {target})" if target else ""), style=style)


def _seconds(figure: Figure) -> list[str]:
    values = figure.as_json()
    return [f"{values[name]:.3f} s" if values[name] else "-" for name in ("p50_s", "p95_s", "p99_s", "bare_p50_s")]


def _counts(figure: Figure) -> list[str]:
    return [str(len(figure.seconds)), str(len(figure.failures))]
