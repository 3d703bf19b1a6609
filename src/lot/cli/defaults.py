"""`lot settings`: what new sessions and projects start from, for everybody on the server."""

from typing import Annotated, Literal, get_args

import typer

from lot.api.schemas.defaults import ModelDefault, SettingsBody, SettingsChanges
from lot.cli.checked import checked
from lot.cli.common import JsonFlag, common, connect
from lot.cli.output import out, plain, print_json, table

Name = Literal["model", "effort", "mode", "size", "idle_countdown_s"]
NameArgument = Annotated[Name, typer.Argument(metavar="NAME", show_default=False)]

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def settings(ctx: typer.Context, as_json: JsonFlag = False) -> None:
    """Show what new sessions and projects start from, unless they say otherwise: for everybody on the server.

    NAME is model, effort, mode, size (of new projects) or idle_countdown_s (seconds until an idle session is paused).
    What is not set is as the server's configuration has it.
    """
    shared = common(ctx, as_json=as_json)
    if ctx.invoked_subcommand is not None:
        return
    with connect(ctx) as client:
        shown = client.get_settings()
    if shared.as_json:
        print_json(shown)
    else:
        _print(shown)


@app.command("set")
def set_default(
    ctx: typer.Context,
    name: NameArgument,
    value: Annotated[str, typer.Argument(metavar="VALUE", show_default=False)],
    provider: Annotated[
        str | None, typer.Option(help="Whose the model is; by default the first that has it, the present one first.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Set one; it counts for sessions and projects that begin from now on, and for each session's next countdown."""
    given: dict[str, str] = {name: value}
    if provider is not None:
        given["provider"] = provider
    _change(ctx, name, checked(SettingsChanges, **given), as_json=as_json)


@app.command("unset")
def unset_default(ctx: typer.Context, name: NameArgument, as_json: JsonFlag = False) -> None:
    """Take one away, so that the server's configuration counts again."""
    _change(ctx, name, SettingsChanges(**{name: None}), as_json=as_json)


def _change(ctx: typer.Context, name: str, changes: SettingsChanges, *, as_json: bool) -> None:
    shared = common(ctx, as_json=as_json)
    with connect(ctx) as client:
        changed = client.change_settings(changes)
    if shared.as_json:
        print_json(changed)
    else:
        value, origin, _ = _row(changed, name)
        out.print(f"{name} is {value} ({origin}), for what begins from now on")


def _print(shown: SettingsBody) -> None:
    grid = table("NAME", "VALUE", "FROM", "CONFIGURATION")
    for name in get_args(Name):
        grid.add_row(name, *_row(shown, name))
    out.print(grid)


def _row(shown: SettingsBody, name: str) -> tuple[str, str, str]:
    """Return a default's value, where that comes from, and what the configuration says."""
    default = getattr(shown, name)
    origin = "set" if default.origin == "chosen" else "the server's configuration"
    if isinstance(default, ModelDefault):
        return (
            plain(f"{default.value} of {default.provider}"),
            origin,
            plain(f"{default.configured} of {default.configured_provider}"),
        )
    return _shown(default.value), origin, _shown(default.configured)


def _shown(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) else plain(value)
