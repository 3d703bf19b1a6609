"""`lot session usage|raw`: what a session used, and what its agent program said word for word."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from lot.api.schemas.sessions import DiskUseBody, SessionBody, UsageBody
from lot.cli.common import JsonFlag, SessionArgument, common, connect, find_session
from lot.cli.output import byte_size, counted, facts, money, out, plain, print_json
from lot.client.client import LotClient

_SILENT_RUNS = 3
"""A start that failed at once may have printed nothing."""


def usage(ctx: typer.Context, session: SessionArgument, as_json: JsonFlag = False) -> None:
    """Show what a session uses and used: memory, disk, tokens by model, money."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        found = find_session(client, session)
        used, disk = client.get_usage(found.id), client.get_disk_use(found.id)
    if shared.as_json:
        print_json({**used.model_dump(), "disk": disk.model_dump()})
    else:
        _print(found, used, disk)


def raw(
    ctx: typer.Context,
    session: SessionArgument,
    run: Annotated[
        int | None, typer.Option(min=1, help="Only of this start of the agent program, the first being 1.")
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Begin at this byte of what it printed.")] = 0,
) -> None:
    """Print the agent program's own lines, one JSON value each, as far as they are kept beside the events."""
    with connect(ctx) as client:
        found = find_session(client, session)
        for line in client.agent_lines(found.id, run, after) if run else _all_runs(client, found.id):
            sys.stdout.write((plain(line) if sys.stdout.isatty() else line) + "\n")
    sys.stdout.flush()


def _all_runs(client: LotClient, session: str) -> Iterator[str]:
    """Yield what all starts of the program printed, until some in a row printed nothing."""
    run = last = 0
    while run <= last + _SILENT_RUNS:
        run += 1
        for line in client.agent_lines(session, run):
            last = run
            yield line


def _print(session: SessionBody, used: UsageBody, disk: DiskUseBody) -> None:
    cached = f"{used.cache_read_tokens:,} read, {used.cache_write_tokens:,} written"
    out.print(
        facts(
            [
                ("memory", f"{byte_size(used.memory_bytes)}, of it the runner {byte_size(used.runner_memory_bytes)}"),
                ("disk", f"{byte_size(disk.own_bytes)}, and with others {byte_size(disk.shared_bytes)}"),
                ("compute", f"{used.compute_units:,.0f} units in {used.seconds_on:,.0f} s"),
                ("tokens", f"{used.input_tokens:,} in, {used.output_tokens:,} out"),
                ("of the cache", cached if used.cache_read_tokens or used.cache_write_tokens else None),
                ("cost", money(used.cost_usd)),
                ("budget", _budget(session)),
                *(
                    ("" if place else "models", f"{name}: {counted(tokens, 'token')}")
                    for place, (name, tokens) in enumerate(used.models.items())
                ),
            ]
        )
    )


def _budget(session: SessionBody) -> str | None:
    limits = [counted(session.budget_tokens, "token")] if session.budget_tokens is not None else []
    limits += [money(session.budget_usd)] if session.budget_usd is not None else []
    return ", ".join(limits) or None
