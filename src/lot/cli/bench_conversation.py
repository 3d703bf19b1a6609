"""`lot bench conversation`: how quick a conversation is, and that many at once lose and reorder nothing."""

from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lot.bench.conversation import ConversationResult, measure_conversation
from lot.cli.common import JsonFlag, common
from lot.cli.output import err, out, plain, print_json, table
from lot.client.client import LotClient
from lot.client.own_server import FOLDER, own_server

_TITLES = {
    "first_event_awake": "message to first words, agent up",
    "first_request_awake": "message to the model's first request, agent up",
    "first_event_new_agent": "message to first words, first message",
    "first_request_new_agent": "message to the model's first request, first message",
    "first_event_paused": "message to first words, paused",
    "first_request_paused": "message to the model's first request, paused",
}


def conversation(
    ctx: typer.Context,
    runs: Annotated[int, typer.Option(min=1, max=10_000, help="How often first answers are measured.")] = 20,
    sessions: Annotated[int, typer.Option(min=1, max=1000, help="How many stream at once.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Measure on this machine, with a server of its own and a scripted model that says the time; needs root."""
    shared = common(ctx, as_json=as_json)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        own_server(FOLDER, "rehearsal") as server,
        LotClient(server.address) as client,
        Progress(*columns, console=err, disable=shared.as_json, transient=True) as bars,
    ):
        task = bars.add_task("", total=1.0)
        result = measure_conversation(
            client,
            server.data_dir,
            runs,
            sessions,
            lambda what, finished: bars.update(task, description=what, completed=finished),
        )
    said = result.as_json()
    if shared.as_json:
        print_json(said)
    else:
        _print(result, said)
    if said["reasons"] or result.many is None or result.many.failures or result.many.lost or result.many.reordered:
        raise typer.Exit(1)


def _print(result: ConversationResult, said: dict[str, Any]) -> None:
    grid = table("", "P50", "P95", "P99", "N", "FAILED")
    for key, title in _TITLES.items():
        figure = said[key]
        seconds = [f"{figure[name]:.3f} s" if figure[name] else "-" for name in ("p50_s", "p95_s", "p99_s")]
        grid.add_row(title, *seconds, str(figure["n"]), str(figure["failures"]))
    rows = [("streamed event, model to socket", said["event_ms"], 0)]
    rows.append(("the same, agent program alone", said["bare_event_ms"], 0))
    if result.many is not None:
        title = f"the same, {result.many.sessions} sessions at once"
        rows.append((title, said["many"]["event_ms"], len(result.many.failures)))
    for title, figure, failed in rows:
        if figure is not None:
            milliseconds = [f"{figure[name]:.1f} ms" for name in ("p50", "p95", "p99")]
            grid.add_row(title, *milliseconds, str(figure["n"]), str(failed))
    out.print(grid)
    if result.many is not None:
        many = result.many
        out.print(f"\n{many.sessions} sessions, {many.events} events: {many.lost} lost, {many.reordered} reordered")
    memory = f"{result.runner_memory_bytes >> 20} MiB, its agent program {result.agent_memory_bytes >> 20} MiB"
    out.print(f"A runner takes {memory}")
    for reason in said["reasons"]:
        err.print(plain(reason), style="red")
