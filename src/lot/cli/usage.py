"""`lot usage`: what was used on each of the newest days, together and by project or session."""

from typing import Annotated

import typer
from rich.table import Table

from lot.api.schemas.usage import UsageDayBody, UsageOverTimeBody, UsageSeriesBody
from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import duration, money, out, plain, print_json, table


def usage(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help="So many days up to today (UTC).")] = 30,
    project: Annotated[str | None, typer.Option(help="Of this project only, and by session.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what was used on each day on which anything was, then the sums by project or session."""
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        used = client.get_usage_over_time(days, project)
    if shared.as_json:
        return print_json(used)
    return _print(used, "SESSION" if project else "PROJECT")


def _print(used: UsageOverTimeBody, owner: str) -> None:
    by_day = [day for day in used.total.days if _is_anything(day)]
    if not by_day:
        return out.print("Nothing was used")
    grid = _grid("DAY (UTC)")
    for day in by_day:
        grid.add_row(day.day.isoformat(), *_cells([day]))
    out.print(grid)
    grid = _grid(owner)
    for series in used.sessions if owner == "SESSION" else used.projects:
        grid.add_row(_name(series), *_cells(series.days))
    return out.print(grid)


def _grid(first: str) -> Table:
    return table(first, "COMPUTE UNITS", "ON", "TOKENS", "COST")


def _name(series: UsageSeriesBody) -> str:
    return plain(series.name) if series.name is not None else f"{series.id} (deleted)"


def _is_anything(day: UsageDayBody) -> bool:
    return bool(day.seconds_on or _tokens(day) or day.cost_usd)


def _tokens(day: UsageDayBody) -> int:
    return day.input_tokens + day.output_tokens + day.cache_read_tokens + day.cache_write_tokens


def _cells(days: list[UsageDayBody]) -> list[str]:
    return [
        f"{sum(day.compute_units for day in days):,.0f}",
        duration(sum(day.seconds_on for day in days)),
        f"{sum(map(_tokens, days)):,}",
        money(sum(day.cost_usd for day in days)),
    ]
